/** Where a checkpoint comes from, step by step, and what was made of it. */

import type { CatalogClient } from "@vertebra/client";
import type { Checkpoint } from "@vertebra/client/v1/catalog";

import { all } from "../../parts/asked";

/** Nobody trained on through more; a longer chain is shown from there. */
const MOST = 20;

const PREFIX = "checkpoints/";

export interface Family {
  /** From the oldest known to the parent. */
  readonly ancestors: readonly Checkpoint[];
  /** What the oldest began with: published weights, random numbers, or a checkpoint that is gone. */
  readonly origin: string;
  readonly children: readonly Checkpoint[];
}

type Asked = { readonly signal: AbortSignal };

/** Returns whom a checkpoint descends from and what descends from it. */
export async function familyOf(
  of: Checkpoint,
  catalog: CatalogClient,
  asked: Asked,
): Promise<Family> {
  const ancestors: Checkpoint[] = [];
  let parent = parentOf(of);
  while (parent.startsWith(PREFIX) && ancestors.length < MOST) {
    const found = await orNothing(catalog.checkpoints.getCheckpoint({ name: parent }, asked));
    if (!found?.checkpoint || ancestors.some(({ name }) => name === parent)) break;
    ancestors.unshift(found.checkpoint);
    parent = parentOf(found.checkpoint);
  }
  const filter = `parent = ${JSON.stringify(of.name)}`;
  return {
    ancestors,
    origin: parent,
    children: await all(catalog.listCheckpoints({ filter, ...asked })),
  };
}

function parentOf({ lineage }: Checkpoint): string {
  return lineage?.parent ?? "";
}

/** Returns an answer, or nothing where the catalog does not have the thing any more. */
async function orNothing<T>(answer: Promise<T>): Promise<T | undefined> {
  try {
    return await answer;
  } catch (thrown) {
    if ((thrown as { reason?: string }).reason === "CHECKPOINT_NOT_FOUND") return undefined;
    throw thrown;
  }
}

/** Whether training moved nothing of the backbone: it shows its parent's digest. */
export function keepsItsParent({ backboneDigest, lineage }: Checkpoint): boolean {
  return backboneDigest !== "" && lineage?.parentBackboneDigest === backboneDigest;
}

/** Returns how one was made of its parent, in a line. */
export function madeBy({ lineage }: Checkpoint): string {
  if (!lineage) return "";
  const images = lineage.numImages ? `${lineage.numImages.toLocaleString("en")} images` : "";
  const epochs = lineage.numEpochs ? `${lineage.numEpochs} epochs` : "";
  return [lineage.method, lineage.dataset, images, epochs].filter(Boolean).join(", ");
}

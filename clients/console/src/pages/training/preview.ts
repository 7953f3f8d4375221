/** What the trainer and the catalog say of a draft, asked a moment after it last changed. */

import { fromJson } from "@bufbuild/protobuf";
import { RpcFailed } from "@vertebra/client";
import { type ModelSpec, ModelSpecSchema } from "@vertebra/client/v1/model";
import {
  type PlanTrainJobResponse,
  type TrainJobSpec,
  TrainJobSpecSchema,
} from "@vertebra/client/v1/trainer";

import { type Asked, useAsked, useSettled } from "../../parts/asked";
import { inPlainWords } from "../../plain_words";
import { services } from "../../services";
import { type Form, type FormField, Kind } from "./form";

const SETTLE_MS = 300;

/** The JSON of a spec. */
export type SpecJson = ReturnType<Form["spec"]>;

/** Returns the spec as a message. */
export function specOf(json: SpecJson): TrainJobSpec {
  return fromJson(TrainJobSpecSchema, json);
}

/** Returns the plan of a spec; nothing while `isReady` is false. */
export function usePlan(json: SpecJson, isReady: boolean): Asked<PlanTrainJobResponse | undefined> {
  const text = useSettled(isReady ? JSON.stringify(json) : "", SETTLE_MS);
  return useAsked(
    async (signal) =>
      text ? services.trainer.plan(specOf(JSON.parse(text)), { signal }) : undefined,
    [text],
  );
}

/** Returns the catalog's description of the model, which needs neither images nor epochs. */
export function useDescription(json: SpecJson) {
  const wanted = useSettled(JSON.stringify([json["model"] ?? {}, freezeMode(json)]), SETTLE_MS);
  return useAsked(
    async (signal) => {
      const [model, mode] = JSON.parse(wanted) as [SpecJson, string];
      if (!model["backbone"]) return undefined;
      const spec: ModelSpec = fromJson(ModelSpecSchema, model);
      const asked = { spec, freezeMode: mode };
      return (await services.catalog.models.describeModel(asked, { signal })).description;
    },
    [wanted],
  );
}

/** Returns the mode as the catalog spells it; empty where it knows none such. */
function freezeMode(json: SpecJson): string {
  const freeze = (json["freeze"] ?? {}) as Record<string, { numBlocks?: number }>;
  if (freeze["lastBlocks"]) return `last_blocks(${freeze["lastBlocks"].numBlocks || 1})`;
  if (freeze["normOnly"]) return "norm_only";
  if (freeze["gradual"]) return "gradual";
  return "";
}

const KINDS_OF_REASONS: readonly (readonly [RegExp, Kind])[] = [
  [/^ARCHITECTURE_/, Kind.ARCHITECTURE],
  [/^(WEIGHTS|CHECKPOINT)_NOT_FOUND$/, Kind.WEIGHTS],
  [/^(DATA_INVALID|PATH_OUTSIDE_ROOTS)$/, Kind.PLACE],
];

/** Problems beside their settings, and what belongs to none. */
export interface Problems {
  readonly beside: ReadonlyMap<string, string>;
  readonly others: readonly string[];
}

/**
 * Returns where the problems of a refusal belong; several of one setting stand below each other.
 *
 * @param missing what is still to be chosen: that it is not there is said already.
 */
export function problemsOf(
  failure: Error | undefined,
  form: Form,
  shown: readonly FormField[],
  missing: readonly FormField[],
): Problems {
  const beside = new Map<string, string>();
  const others: string[] = [];
  for (const { path, why } of failure ? faultsOf(failure, form, shown) : []) {
    const text = form.inItsWords(inPlainWords(why), shown);
    if (missing.some((one) => one.path === path)) continue;
    if (path && shown.some((one) => one.path === path)) {
      beside.set(path, [beside.get(path), text].filter(Boolean).join("\n"));
    } else others.push([path && form.fields.get(path)?.label, text].filter(Boolean).join(": "));
  }
  return { beside, others };
}

interface Fault {
  /** Of the setting; empty where there is none. */
  readonly path: string;
  readonly why: string;
}

function faultsOf(failure: Error, form: Form, shown: readonly FormField[]): Fault[] {
  const { violations, reason } =
    failure instanceof RpcFailed ? failure : { violations: [], reason: "" };
  if (violations.length) {
    return violations.map(({ field, description }) => {
      const { path, part } = form.placeOf(field);
      return { path, why: part ? `${part}: ${description}` : description };
    });
  }
  const kind = KINDS_OF_REASONS.find(([pattern]) => pattern.test(reason))?.[1];
  const field = shown.find((one) => one.kind === kind && (one.isRequired || kind !== Kind.PLACE));
  return [{ path: field?.path ?? "", why: failure.message }];
}

/** A real catalog that is killed and comes back: who has had its answers waits for it. */

import assert from "node:assert/strict";
import { once } from "node:events";
import { connect } from "node:net";
import { test } from "node:test";

import { ServiceUnreachable, type Vertebra } from "../src/index.js";
import { clientsOf, given, QUICK } from "./given.js";

interface Returning {
  readonly returning: string;
  readonly doorbell: string;
  readonly digest: string;
}

const { returning, doorbell, digest } = given<Returning>();

/** As long as a start may take on a machine that is busy with other things. */
const PATIENCE_MS = 240_000;

test("a service that restarts is waited for", async () => {
  const patient = catalogOf(PATIENCE_MS);
  const impatient = catalogOf(0);
  for (const catalog of [patient, impatient]) await catalog.blobs.stat(digest);

  await ring("leave");
  // The naive way: four attempts end before a service is back.
  await assert.rejects(impatient.blobs.stat(digest), ServiceUnreachable);
  await ring("return");

  const [blob, read] = await Promise.all([
    patient.blobs.stat(digest),
    patient.blobs.readAll(digest),
  ]);
  assert.equal(blob.digest, digest);
  assert.equal(BigInt(read.size), blob.sizeBytes);
});

function catalogOf(awayPatienceMs: number): Vertebra["catalog"] {
  const pace = { ...QUICK, awayPatienceMs, patienceMs: PATIENCE_MS };
  return clientsOf(returning, pace).catalog;
}

/** Has the catalog killed (`leave`) or started again (`return`). */
async function ring(word: string): Promise<void> {
  const [host, port] = doorbell.split(":");
  const bell = connect(Number(port), host);
  bell.end(`${word}\n`);
  await once(bell.resume(), "end");
}

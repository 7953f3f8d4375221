/** A network that breaks at bytes drawn by seed: what comes is what is stored, and no more. */

import assert from "node:assert/strict";
import { createHash } from "node:crypto";
import { test } from "node:test";

import { createClient } from "@connectrpc/connect";
import { createGrpcTransport } from "@connectrpc/connect-node";

import { TrainJobService } from "../src/v1/trainer.js";
import { all, clientsOf, given, QUICK } from "./given.js";

interface Broken {
  readonly events: string;
  readonly naive: string;
  readonly blobs: string;
  readonly digest: string;
  readonly job: string;
  readonly numEvents: number;
}

const { events, naive, blobs, digest, job, numEvents } = given<Broken>();
const PATIENT = { ...QUICK, firstPatienceMs: 60_000 };

test("a hundred disconnects lose and repeat nothing", async () => {
  const told = await all(clientsOf(events, PATIENT).trainer.watch(job));
  const wanted = Array.from({ length: numEvents }, (_, index) => BigInt(index + 1));
  assert.deepEqual(
    told.map(({ seq }) => seq),
    wanted,
  );
});

test("a reader that starts over reads events twice", async () => {
  const seen: bigint[] = [];
  for (let isDone = false; !isDone;) {
    const stub = createClient(TrainJobService, createGrpcTransport({ baseUrl: `http://${naive}` }));
    try {
      for await (const { event } of stub.watchTrainJob({ name: job })) {
        if (event.case === "events") seen.push(...event.value.events.map(({ seq }) => seq));
      }
      isDone = true;
    } catch {
      // It begins again, as readers without a cursor do.
    }
  }
  assert.ok(seen.length > new Set(seen).size, `${seen.length} events`);
});

test("a blob comes whole over a way that breaks again and again", async () => {
  const read = await clientsOf(blobs, PATIENT).catalog.blobs.readAll(digest);
  const sha256 = createHash("sha256").update(Buffer.from(await read.arrayBuffer()));
  assert.equal(`sha256:${sha256.digest("hex")}`, digest);
});

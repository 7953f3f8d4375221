/** Services that lie are refused; streams that break go on; nothing counts twice. */

import assert from "node:assert/strict";
import { createHash } from "node:crypto";
import { readFile, readdir, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { test } from "node:test";

import {
  AnswerRefused,
  Code,
  EventsCompacted,
  RpcFailed,
  ServiceUnreachable,
} from "../src/index.js";
import { download } from "../src/node/index.js";
import { all, clientsOf, given } from "./given.js";

interface Lies {
  readonly addresses: Record<string, string>;
  readonly job: string;
  readonly numEvents: number;
  /** Base64. */
  readonly blob: string;
  readonly folder: string;
}

const { addresses, job, numEvents, blob, folder } = given<Lies>();
const BYTES = Buffer.from(blob, "base64");
const DIGEST = `sha256:${createHash("sha256").update(BYTES).digest("hex")}`;
const SEQS = Array.from({ length: numEvents }, (_, index) => BigInt(index + 1));

const to = (name: string) => clientsOf(addresses[name]!);
const seqsOf = async (name: string) =>
  (await all(to(name).trainer.watch(job))).map((event) => event.seq);

test("a watch brings every event once, in order", async () => {
  assert.deepEqual(await seqsOf("honest"), SEQS);
});

for (const how of [
  "unavailable",
  "rst",
  "cancelled",
  "silent",
  "rotate",
  "draining",
  "slow",
  "expired",
]) {
  test(`a watch that is ended by ${how} goes on where it was`, async () => {
    assert.deepEqual(await seqsOf(`break-${how}`), SEQS);
  });
}

for (const lie of ["gap", "repeat", "bookmark", "end", "log"]) {
  test(`a watch with a ${lie} that cannot be is refused`, async () => {
    await assert.rejects(seqsOf(`event-${lie}`), AnswerRefused);
  });
}

test("a silent stream is cut and opened again", async () => {
  const { trainer } = clientsOf(addresses["hanging"]!, {
    firstWaitMs: 5,
    idleMs: 300,
    firstPatienceMs: 60_000,
  });
  assert.equal((await all(trainer.watch(job))).length, numEvents);
});

test("a watch from the start begins at the oldest event that is kept", async () => {
  assert.deepEqual(await seqsOf("compacted"), SEQS.slice(5));
});

test("a watch whose next events are gone says which", async () => {
  const watch = to("compacted").trainer.watch(job, { afterSeq: 2n });
  await assert.rejects(all(watch), (error) => {
    assert.ok(error instanceof EventsCompacted);
    assert.deepEqual(error.gap, { firstSeq: 3n, lastSeq: 5n });
    return true;
  });
});

test("a watch that may miss events is told which and goes on", async () => {
  const gaps: unknown[] = [];
  const onGap = (gap: unknown) => gaps.push(gap);
  const events = await all(to("compacted").trainer.watch(job, { afterSeq: 2n, onGap }));
  assert.deepEqual(gaps, [{ firstSeq: 3n, lastSeq: 5n }]);
  assert.equal(events[0]?.seq, 6n);
});

test("a signal ends a watch with its own reason", async () => {
  const stop = new AbortController();
  const { trainer } = clientsOf(addresses["stuck"]!);
  const watching = all(trainer.watch(job, { signal: stop.signal }));
  stop.abort(new Error("enough"));
  await assert.rejects(watching, /enough/);
});

test("a call that the way broke three times counts once", async () => {
  const created = await to("flaky").trainer.create({ displayName: "digits" });
  assert.ok(created.name);
});

test("a refusal keeps its reason and every problem", async () => {
  await assert.rejects(to("refusing").trainer.create({}), (error) => {
    assert.ok(error instanceof RpcFailed);
    assert.equal(error.code, Code.InvalidArgument);
    assert.equal(error.reason, "FIELD_INVALID");
    assert.equal(error.message, "num_epochs is 0; at least 1");
    assert.deepEqual(error.violations, [
      { field: "spec.num_epochs", description: "must be at least 1" },
    ]);
    return true;
  });
});

test("an address where nothing is says so", async () => {
  await assert.rejects(to("gone").trainer.get(job), (error) => {
    assert.ok(error instanceof ServiceUnreachable);
    assert.match(error.message, /no service answers at localhost:1/);
    return true;
  });
});

test("a watch of an address where nothing is gives up soon", async () => {
  await assert.rejects(seqsOf("gone"), ServiceUnreachable);
});

test("a blob that breaks is read on where it broke", async () => {
  const read = await to("blob-break").catalog.blobs.readAll(DIGEST);
  assert.deepEqual(Buffer.from(await read.arrayBuffer()), BYTES);
});

test("a part of a blob is just that part", async () => {
  const pieces = await all(to("honest").catalog.blobs.read(DIGEST, { offset: 10, limit: 1500 }));
  assert.deepEqual(Buffer.concat(pieces), BYTES.subarray(10, 1510));
});

for (const lie of ["offset", "checksum", "bytes", "digest", "more", "short"]) {
  test(`a blob with a lie about ${lie} leaves no file`, async () => {
    const path = join(folder, lie);
    await assert.rejects(download(to(`blob-${lie}`).catalog.blobs, DIGEST, path), AnswerRefused);
    assert.ok(!(await readdir(folder)).includes(lie));
  });
}

test("a download goes on with what an earlier one left", async () => {
  const path = join(folder, "continued");
  await writeFile(hidden("continued"), BYTES.subarray(0, 4000));
  const counts: number[] = [];
  const onBytes = (numBytes: number) => counts.push(numBytes);
  await download(to("honest").catalog.blobs, DIGEST, path, { onBytes });
  assert.equal(counts[0], 5000);
  assert.deepEqual(await readFile(path), BYTES);
});

test("a download starts over where an earlier one left wrong bytes", async () => {
  const path = join(folder, "wrong");
  await writeFile(hidden("wrong"), Buffer.alloc(BYTES.length + 5));
  await download(to("honest").catalog.blobs, DIGEST, path);
  assert.deepEqual(await readFile(path), BYTES);
});

test("two downloads at once leave one whole file and nothing else", async () => {
  const path = join(folder, "twice");
  const { blobs } = to("honest").catalog;
  await Promise.all([download(blobs, DIGEST, path), download(blobs, DIGEST, path)]);
  assert.deepEqual(await readFile(path), BYTES);
  assert.deepEqual(
    (await readdir(folder)).filter((name) => name.startsWith(".twice")),
    [],
  );
});

function hidden(name: string): string {
  return join(folder, `.${name}.${DIGEST.slice(7, 23)}.part`);
}

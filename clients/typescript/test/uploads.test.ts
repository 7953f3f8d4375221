/** Files go up whole or not at all, over ways that break; the service's side is looked at in Python. */

import assert from "node:assert/strict";
import { createHash } from "node:crypto";
import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { test } from "node:test";

import { createClient } from "@connectrpc/connect";
import { createGrpcTransport } from "@connectrpc/connect-node";

import { AnswerRefused, RpcFailed } from "../src/index.js";
import { upload } from "../src/node/index.js";
import { BlobService } from "../src/v1/blob.js";
import { clientsOf, given, QUICK } from "./given.js";

interface Uploads {
  readonly addresses: Record<string, string>;
  /** Base64; the services know it, too. */
  readonly data: string;
  readonly folder: string;
}

const { addresses, data, folder } = given<Uploads>();
const BYTES = Buffer.from(data, "base64");
const DIGEST = `sha256:${createHash("sha256").update(BYTES).digest("hex")}`;
const PATH = join(folder, "backbone.safetensors");
writeFileSync(PATH, BYTES);

/** Patient enough for a busy machine. */
const PATIENT = { ...QUICK, firstPatienceMs: 60_000 };
const blobsOf = (name: string) => clientsOf(addresses[name]!, PATIENT).catalog.blobs;

for (const name of [
  "upload-break",
  "upload-expired",
  "upload-missed",
  "upload-begun",
  "upload-wrong",
  "upload-held",
]) {
  test(`a file arrives at ${name}`, async () => {
    let sent = 0;
    const blob = await upload(blobsOf(name), PATH, { onBytes: (numBytes) => (sent = numBytes) });
    assert.equal(blob.digest, DIGEST);
    assert.equal(sent, BYTES.length);
  });
}

test("a file that is there is not sent", async () => {
  const onBytes = () => assert.fail("bytes went out");
  await upload(blobsOf("upload-begun"), PATH);
  assert.equal((await upload(blobsOf("upload-begun"), PATH, { onBytes })).digest, DIGEST);
});

for (const [name, reason] of [
  ["upload-full", "DISK_FULL"],
  ["upload-large", "BLOB_TOO_LARGE"],
] as const) {
  test(`a refusal by ${name} says why`, async () => {
    await assert.rejects(upload(blobsOf(name), PATH), (error) => {
      assert.ok(error instanceof RpcFailed);
      assert.equal(error.reason, reason);
      return true;
    });
  });
}

test("a file that is stored as something else is refused", async () => {
  await assert.rejects(upload(blobsOf("blob-digest"), PATH), AnswerRefused);
});

test("a file that is not there is not uploaded", async () => {
  await assert.rejects(upload(blobsOf("honest"), join(folder, "nowhere")), { code: "ENOENT" });
});

test("a signal ends an upload with its own reason", async () => {
  const stop = new AbortController();
  const asked = { signal: stop.signal, onBytes: () => stop.abort(new Error("enough")) };
  await assert.rejects(upload(blobsOf("upload-naive"), PATH, asked), /enough/);
});

test("a file comes through a way that breaks twenty times", async () => {
  assert.equal((await upload(blobsOf("upload-torn"), PATH)).digest, DIGEST);
});

test("an upload that starts over never arrives where one that goes on does", async () => {
  const baseUrl = `http://${addresses["upload-naive"]!}`;
  for (let attempts = 0; attempts < 3; attempts++) {
    const stub = createClient(BlobService, createGrpcTransport({ baseUrl }));
    await assert.rejects(stub.writeBlob(whole()));
  }
  assert.equal((await upload(blobsOf("upload-naive"), PATH)).digest, DIGEST);
});

/** Yields the file as one call without a name. */
async function* whole() {
  yield { header: {} };
  for (let offset = 0; offset < BYTES.length; offset += 100_000) {
    yield { offset: BigInt(offset), data: BYTES.subarray(offset, offset + 100_000) };
  }
}

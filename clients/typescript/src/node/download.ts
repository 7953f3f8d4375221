/** Blobs to files: what arrives is checked before it gets its name. */

import { createHash } from "node:crypto";
import { createReadStream } from "node:fs";
import { stat } from "node:fs/promises";

import { toBinary, create, type MessageInitShape } from "@bufbuild/protobuf";

import { type BlobClient, otherBytes } from "../blob_client.js";
import { digestOf } from "../byte_cursors.js";
import type { Asked } from "../connection.js";
import { RpcFailed } from "../failures.js";
import { ReadTensorsRequestSchema } from "../gen/vertebra/blob/v1/blob_service_pb.js";
import { StagedFile } from "./staged_file.js";

export interface DownloadOptions extends Asked {
  /** Told how many bytes are there. */
  readonly onBytes?: (numBytes: number) => void;
}

/**
 * Returns `path`, which holds the whole verified blob; replaces a file that is there.
 *
 * The bytes are written to a hidden file beside it, continued from an earlier download of the same
 * blob, compared with the digest, synced and only then renamed.
 *
 * @throws AnswerRefused the bytes that arrive are not the blob's; `path` is left as it was.
 * @throws RpcFailed BLOB_NOT_FOUND, DIGEST_MISMATCH, FIELD_INVALID.
 */
export async function download(
  blobs: BlobClient,
  name: string,
  path: string,
  options: DownloadOptions = {},
): Promise<string> {
  const digest = digestOf(name);
  if ((await digestOfFile(path)) === digest) return path;
  await staging(path, digest, async (staged) => {
    const hadSome = staged.sizeBytes > 0;
    await fill(staged, blobs.read(digest, { ...options, offset: staged.sizeBytes }), options);
    if (hadSome && staged.digest !== digest) {
      await staged.restart();
      await fill(staged, blobs.read(digest, options), options);
    }
    await commit(staged, digest, blobs.connection.address);
  });
  return path;
}

/**
 * Returns `path`, which holds chosen tensors as one verified safetensors file.
 *
 * Written as `download` does it, and continued from an earlier attempt to save the same.
 *
 * @throws AnswerRefused the bytes that arrive are not the file's; `path` is left as it was.
 * @throws RpcFailed as ReadTensors in the contract says.
 */
export async function saveTensors(
  blobs: BlobClient,
  wanted: MessageInitShape<typeof ReadTensorsRequestSchema>,
  path: string,
  options: DownloadOptions = {},
): Promise<string> {
  const request = toBinary(ReadTensorsRequestSchema, create(ReadTensorsRequestSchema, wanted));
  const key = `sha256:${createHash("sha256").update(request).digest("hex")}`;
  await staging(path, key, async (staged) => {
    const hadSome = staged.sizeBytes > 0;
    let digest = await fillTensors(blobs, wanted, staged, options);
    if (hadSome && staged.digest !== digest) {
      await staged.restart();
      digest = await fillTensors(blobs, wanted, staged, options);
    }
    await commit(staged, digest, blobs.connection.address);
  });
  return path;
}

async function staging(
  path: string,
  key: string,
  work: (staged: StagedFile) => Promise<void>,
): Promise<void> {
  const staged = await StagedFile.open(path, key);
  try {
    await work(staged);
  } finally {
    await staged.close();
  }
}

async function fill(
  staged: StagedFile,
  pieces: AsyncIterable<Uint8Array>,
  { onBytes }: DownloadOptions,
): Promise<void> {
  try {
    for await (const piece of pieces) {
      await staged.write(piece);
      onBytes?.(staged.sizeBytes);
    }
  } catch (error) {
    // What an earlier download left may be longer than the file: then it is wrong, not the call.
    if (!(error instanceof RpcFailed) || error.reason !== "OFFSET_BEYOND_END") throw error;
  }
}

/** Appends what is missing; returns the whole file's digest, empty where it is not known. */
async function fillTensors(
  blobs: BlobClient,
  wanted: MessageInitShape<typeof ReadTensorsRequestSchema>,
  staged: StagedFile,
  options: DownloadOptions,
): Promise<string> {
  const file = blobs.tensors({ ...wanted, offset: BigInt(staged.sizeBytes) }, options);
  await fill(staged, file.pieces(), options);
  return file.digest;
}

async function commit(staged: StagedFile, digest: string, address: string): Promise<void> {
  if (staged.digest !== digest) {
    await staged.discard();
    throw otherBytes(address, digest || "the file");
  }
  await staged.commit();
}

/** Returns `sha256:<hex>` of a file's bytes; empty where there is no such file. */
export async function digestOfFile(path: string): Promise<string> {
  const isFile = await stat(path).then(
    (found) => found.isFile(),
    () => false,
  );
  if (!isFile) return "";
  const sha256 = createHash("sha256");
  for await (const piece of createReadStream(path)) sha256.update(piece as Uint8Array);
  return `sha256:${sha256.digest("hex")}`;
}

/**
 * Sends files into a blob store, and goes on where a broken call stopped.
 *
 * The upload's id follows from the file's digest: another process that sends the same file, in
 * whatever language, goes on too. Browsers cannot stream to a service: this needs Node.
 */

import { createHash, randomUUID } from "node:crypto";
import { type FileHandle, open } from "node:fs/promises";

import { create } from "@bufbuild/protobuf";

import { Backoff } from "../backoff.js";
import type { BlobClient } from "../blob_client.js";
import { type Calls, callsOf } from "../calls.js";
import { crc32c } from "../checksums.js";
import type { Asked, Connection } from "../connection.js";
import { AnswerRefused, Code, RpcFailed } from "../failures.js";
import {
  type Blob as WireBlob,
  BlobService,
  type QueryWriteResponse,
  QueryWriteResponseSchema,
  type WriteBlobHeader,
  WriteBlobHeaderSchema,
  type WriteBlobRequest,
  WriteBlobRequestSchema,
} from "../gen/vertebra/blob/v1/blob_service_pb.js";

/** Size of a message's data. */
const PIECE_BYTES = 256 * 1024;

/** An upload may take as long as this speed needs, beyond the usual deadline. */
const SLOWEST_BYTES_PER_MS = 256;

/**
 * How often an upload that our own broken call still holds is asked for again, before the rest goes
 * under another id. A service lets go of a silent call after 5 s.
 */
const MOST_IN_USE = 10;

/** The namespace of URLs. Source: RFC 9562, 6.6. */
const URLS = "6ba7b8119dad11d180b400c04fd430c8";

export interface UploadOptions extends Omit<Asked, "timeoutMs"> {
  /** Told how many bytes have gone out. */
  readonly onBytes?: (numBytes: number) => void;
}

/**
 * Returns the blob that the file at `path` is now; bytes that are there are not sent.
 *
 * A call that breaks is continued where it broke, also by the next process.
 *
 * @throws RpcFailed DISK_FULL, BLOB_TOO_LARGE, DIGEST_MISMATCH: nothing was stored.
 * @throws AnswerRefused the service says that it stored something else.
 */
export async function upload(
  blobs: BlobClient,
  path: string,
  options: UploadOptions = {},
): Promise<WireBlob> {
  const file = await open(path);
  try {
    const header = await headerOf(file);
    const there = await stored(blobs, header.expectedDigest, options);
    return there ?? proven(await new Upload(blobs, file, header, options).blob(), header, blobs);
  } finally {
    await file.close();
  }
}

/** Returns the blob where the service has it. */
async function stored(
  blobs: BlobClient,
  digest: string,
  { signal }: UploadOptions,
): Promise<WireBlob | undefined> {
  try {
    return await blobs.stat(digest, { signal });
  } catch (error) {
    if (error instanceof RpcFailed && error.code === Code.NotFound) return undefined;
    throw error;
  }
}

function proven(blob: WireBlob, header: WriteBlobHeader, blobs: BlobClient): WireBlob {
  const { expectedDigest, expectedSizeBytes } = header;
  if (blob.digest === expectedDigest && blob.sizeBytes === expectedSizeBytes) return blob;
  throw new AnswerRefused(
    `sent ${expectedDigest} of ${expectedSizeBytes} bytes, but ${blobs.connection.address} says ` +
      `it stored ${blob.digest} of ${blob.sizeBytes} bytes`,
  );
}

/** Announces a file. */
async function headerOf(file: FileHandle): Promise<WriteBlobHeader> {
  const sha256 = createHash("sha256");
  const stream = file.createReadStream({ start: 0, autoClose: false });
  for await (const piece of stream) sha256.update(piece as Uint8Array);
  const expectedDigest = `sha256:${sha256.digest("hex")}`;
  return create(WriteBlobHeaderSchema, {
    expectedDigest,
    expectedSizeBytes: BigInt(stream.bytesRead),
    uploadId: uploadIdOf(expectedDigest),
  });
}

/** Returns the UUID, version 5, that an upload of these bytes has in every language. */
function uploadIdOf(digest: string): string {
  const sha1 = createHash("sha1").update(Buffer.from(URLS, "hex"));
  const bytes = sha1.update(`vertebra-upload:${digest}`).digest().subarray(0, 16);
  bytes[6] = (bytes[6]! & 0x0f) | 0x50;
  bytes[8] = (bytes[8]! & 0x3f) | 0x80;
  return bytes.toString("hex").replace(/^(.{8})(.{4})(.{4})(.{4})(.{12})$/, "$1-$2-$3-$4-$5");
}

/** The sending of one file, over as many calls as it takes. */
class Upload {
  readonly #connection: Connection;
  readonly #calls: Calls<typeof BlobService>;
  readonly #backoff: Backoff;
  readonly #sizeBytes: number;
  /** How much the service has ever said it has: more is progress. */
  #furthest = 0;
  #hasBroken = false;
  #numInUse = 0;
  #hasBegunAgain = false;
  /** What went wrong here, which the transport would take for a broken way. */
  #unreadable: Error | undefined;

  constructor(
    blobs: BlobClient,
    private readonly file: FileHandle,
    private readonly header: WriteBlobHeader,
    private readonly options: UploadOptions,
  ) {
    this.#connection = blobs.connection;
    this.#calls = callsOf(blobs.connection, BlobService);
    // A call that holds is no progress: bytes that arrive are.
    this.#backoff = new Backoff({ ...blobs.connection.pace, steadyMs: Infinity }, blobs.connection);
    this.#sizeBytes = Number(header.expectedSizeBytes);
  }

  /** Returns what the service has made of the file. */
  async blob(): Promise<WireBlob> {
    for (;;) {
      try {
        return await this.#once();
      } catch (error) {
        await this.#after(error);
      }
    }
  }

  /** Sends what the service does not have yet. */
  async #once(): Promise<WireBlob> {
    const { complete, blob, committedBytes } = await this.#arrived();
    if (complete && blob) return blob;
    this.#backoff.opened();
    const stub = this.#connection.client(BlobService);
    const messages = this.#messages(Math.min(Number(committedBytes), this.#sizeBytes));
    const timeoutMs = this.#connection.timeoutMs + this.#sizeBytes / SLOWEST_BYTES_PER_MS;
    const answer = await this.#connection.attempt((o) => stub.writeBlob(messages, o), {
      signal: this.options.signal,
      timeoutMs: Math.ceil(timeoutMs),
    });
    if (!answer.blob) throw new AnswerRefused("the upload was answered without a blob");
    return answer.blob;
  }

  /** Yields the header and the bytes from `offset` on. */
  async *#messages(offset: number): AsyncGenerator<WriteBlobRequest, void, undefined> {
    yield create(WriteBlobRequestSchema, { header: this.header });
    while (offset < this.#sizeBytes) {
      const data = await this.#read(offset);
      yield create(WriteBlobRequestSchema, { offset: BigInt(offset), data, crc32c: crc32c(data) });
      offset += data.length;
      this.options.onBytes?.(offset);
    }
  }

  async #read(offset: number): Promise<Uint8Array> {
    const length = Math.min(PIECE_BYTES, this.#sizeBytes - offset);
    try {
      const { bytesRead, buffer } = await this.file.read(Buffer.alloc(length), 0, length, offset);
      if (bytesRead === 0) throw new Error("the file became shorter while it was sent");
      return buffer.subarray(0, bytesRead);
    } catch (error) {
      this.#unreadable = error as Error;
      throw error;
    }
  }

  /** Returns what the service has. */
  async #arrived(): Promise<QueryWriteResponse> {
    const { uploadId } = this.header;
    const asking = this.#calls.queryWrite({ uploadId }, { signal: this.options.signal });
    const answer = await asking.catch(nothingYet);
    this.#backoff.answered();
    if (Number(answer.committedBytes) > this.#furthest) {
      this.#furthest = Number(answer.committedBytes);
      this.#backoff.progressed();
    }
    return answer;
  }

  /** Waits for the next attempt, or throws. */
  async #after(failure: unknown): Promise<void> {
    if (this.#unreadable) throw this.#unreadable;
    if (!(failure instanceof RpcFailed)) throw failure;
    if (failure.reason === "UPLOAD_IN_USE") this.#inUse();
    else if (this.#mayBeginAgain(failure)) this.#hasBegunAgain = true;
    // A deadline that is not the caller's is a proxy's: what arrived stays.
    else if (failure.mayPass || failure.code === Code.DeadlineExceeded) this.#hasBroken = true;
    else throw failure;
    await this.#arrived().catch(() => undefined); // the next attempt will say so
    await this.#backoff.wait(failure, failure.retryAfterMs ?? 0, this.options.signal);
  }

  /** Bytes that were there before may be wrong; once that is worth another upload. */
  #mayBeginAgain({ reason }: RpcFailed): boolean {
    return reason === "DIGEST_MISMATCH" && this.#furthest > 0 && !this.#hasBegunAgain;
  }

  /**
   * The call that holds the upload is our own, that broke and is not missed yet, or another
   * process's: then we send beside it.
   */
  #inUse(): void {
    this.#numInUse++;
    if (this.#hasBroken && this.#numInUse < MOST_IN_USE) return;
    this.header.uploadId = randomUUID();
    this.#hasBroken = false;
    this.#numInUse = 0;
  }
}

/** What QueryWrite says of a new upload; a service of an earlier release does not know the call. */
const NOTHING_YET: readonly Code[] = [Code.NotFound, Code.Unimplemented];

function nothingYet(error: unknown): QueryWriteResponse {
  if (error instanceof RpcFailed && NOTHING_YET.includes(error.code)) {
    return create(QueryWriteResponseSchema);
  }
  throw error;
}

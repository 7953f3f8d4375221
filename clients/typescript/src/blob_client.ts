/** Moves blobs: bytes known by their sha256. What arrives is checked before it is used. */

import type { MessageInitShape } from "@bufbuild/protobuf";
import type { Client } from "@connectrpc/connect";

import { BlobCursor, digestOf, TensorsCursor } from "./byte_cursors.js";
import { Sha256 } from "./checksums.js";
import type { Asked, Connection } from "./connection.js";
import { AnswerRefused } from "./failures.js";
import {
  type Blob as WireBlob,
  BlobService,
  type ReadBlobRequest,
  type ReadBlobResponse,
  type ReadTensorsRequest,
  type ReadTensorsRequestSchema,
  type ReadTensorsResponse,
  type TensorsFile,
} from "./gen/vertebra/blob/v1/blob_service_pb.js";
import { type Open, resumed } from "./resumed.js";

export interface ReadOptions extends Asked {
  /** First byte wanted. */
  readonly offset?: number;
  /** How many bytes; 0 is to the end. */
  readonly limit?: number;
}

export interface ReadAllOptions extends Asked {
  /** Told how many bytes are there, and of how many. */
  readonly onBytes?: (numBytes: number, ofBytes: number | undefined) => void;
}

export type TensorsWanted = MessageInitShape<typeof ReadTensorsRequestSchema>;

/** Reads blobs of one service; `.blobs` of the other clients. */
export class BlobClient {
  readonly #stub: Client<typeof BlobService>;

  constructor(readonly connection: Connection) {
    this.#stub = connection.client(BlobService);
  }

  /**
   * Returns the blob's digest and size; `name` is `blobs/sha256:<hex>` or `sha256:<hex>`.
   *
   * @throws RpcFailed BLOB_NOT_FOUND, or FIELD_INVALID for a malformed name.
   */
  async stat(name: string, asked?: Asked): Promise<WireBlob> {
    const answer = await this.connection.call((o) => this.#stub.statBlob({ name }, o), asked);
    if (!answer.blob) throw new AnswerRefused(`${name}: answered without a blob`);
    return answer.blob;
  }

  /**
   * Yields a blob's bytes in order, resuming where the stream breaks.
   *
   * Every offset and checksum is compared. A part of a blob cannot be compared with the digest:
   * use `readAll`, or `download` in Node, for whole ones.
   *
   * @throws AnswerRefused an offset, a checksum or the amount of bytes is not what it must be.
   * @throws RpcFailed BLOB_NOT_FOUND, OFFSET_BEYOND_END, DIGEST_MISMATCH, FIELD_INVALID.
   */
  read(name: string, { offset = 0, limit = 0, signal }: ReadOptions = {}) {
    return this.pieces(new BlobCursor(name, offset, limit), signal);
  }

  /**
   * Returns a whole blob, compared with its digest.
   *
   * @throws AnswerRefused what came is not the blob.
   * @throws RpcFailed as `read`.
   */
  async readAll(name: string, { onBytes, signal }: ReadAllOptions = {}): Promise<Blob> {
    const [digest, sha256, pieces] = [digestOf(name), new Sha256(), [] as BlobPart[]];
    const cursor = new BlobCursor(name, 0, 0);
    let numBytes = 0;
    for await (const piece of this.pieces(cursor, signal)) {
      sha256.update(piece);
      pieces.push(piece as Uint8Array<ArrayBuffer>);
      numBytes += piece.length;
      onBytes?.(numBytes, cursor.sizeBytes);
    }
    if (sha256.digest !== digest) throw otherBytes(this.connection.address, digest);
    return new Blob(pieces, { type: "application/octet-stream" });
  }

  /** Returns chosen tensors of a built model or a blob as one safetensors file on its way. */
  tensors(wanted: TensorsWanted, { signal }: Asked = {}): TensorsFileOnItsWay {
    return new TensorsFileOnItsWay(this.connection, wanted, signal);
  }

  /**
   * Yields the bytes of chosen tensors, as `tensors`.
   *
   * @throws AnswerRefused the bytes that came are not the file's.
   * @throws RpcFailed as ReadTensors in the contract says.
   */
  readTensors(wanted: TensorsWanted, asked?: Asked): AsyncGenerator<Uint8Array, void, undefined> {
    return this.tensors(wanted, asked).pieces();
  }

  private pieces(cursor: BlobCursor, signal?: AbortSignal) {
    const open: Open<ReadBlobRequest, ReadBlobResponse> = (wanted, options) =>
      this.#stub.readBlob(wanted, options);
    return resumed(this.connection, open, cursor, signal);
  }
}

/** One safetensors file that a stream brings. */
export class TensorsFileOnItsWay {
  readonly #cursor: TensorsCursor;

  constructor(
    private readonly connection: Connection,
    private readonly wanted: TensorsWanted,
    private readonly signal?: AbortSignal,
  ) {
    this.#cursor = new TensorsCursor(wanted);
  }

  /** What the file is, once the stream has begun. */
  get file(): TensorsFile | undefined {
    return this.#cursor.file;
  }

  /** `sha256:<hex>` of the whole file, when it is complete. */
  get digest(): string {
    return this.#cursor.digest;
  }

  /** Yields its bytes, compared with its digest at the end; a part of a file cannot be compared. */
  async *pieces(): AsyncGenerator<Uint8Array, void, undefined> {
    const stub = this.connection.client(BlobService);
    const open: Open<ReadTensorsRequest, ReadTensorsResponse> = (wanted, options) =>
      stub.readTensors(wanted, options);
    const sha256 = new Sha256();
    for await (const piece of resumed(this.connection, open, this.#cursor, this.signal)) {
      sha256.update(piece);
      yield piece;
    }
    const isWhole = !this.wanted.offset && !this.file?.isNotModified;
    if (isWhole && sha256.digest !== this.digest) {
      throw otherBytes(this.connection.address, `the tensors of ${this.wanted.name}`);
    }
  }
}

/** Returns the refusal of bytes with another sha256 than asked for. */
export function otherBytes(address: string, what: string): AnswerRefused {
  return new AnswerRefused(
    `what ${address} sent for ${what} has another sha256`,
    "DIGEST_MISMATCH",
  );
}

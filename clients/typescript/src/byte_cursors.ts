/** How far the bytes of a stream have come, and whether what comes is what it must be. */

import { create, type MessageInitShape } from "@bufbuild/protobuf";

import { crc32c } from "./checksums.js";
import { AnswerRefused } from "./failures.js";
import {
  type Blob as WireBlob,
  type ReadBlobRequest,
  ReadBlobRequestSchema,
  type ReadBlobResponse,
  type ReadTensorsRequest,
  ReadTensorsRequestSchema,
  type ReadTensorsResponse,
  type TensorsFile,
} from "./gen/vertebra/blob/v1/blob_service_pb.js";
import type { StreamEnd } from "./gen/vertebra/model/v1/stream_pb.js";
import type { Cursor } from "./resumed.js";

const DIGEST = /^sha256:[0-9a-f]{64}$/;

/** Wanted size of a message's data, the largest that a server sends. */
const CHUNK_BYTES = 1024 * 1024;

interface Piece {
  readonly offset: bigint;
  readonly data: Uint8Array;
  readonly crc32c: number;
}

/** Where the next byte belongs. Every byte before it has come, and only once. */
class Position {
  constructor(
    private readonly what: string,
    public offset: number,
    /** Where the bytes end; undefined until the service said it. */
    public end: number | undefined,
  ) {}

  /** Returns the piece's bytes, compared with where we are and with their checksum. */
  take(piece: Piece): readonly Uint8Array[] {
    if (piece.data.length === 0) return [];
    if (piece.offset !== BigInt(this.offset)) {
      throw new AnswerRefused(
        `${this.what}: asked for offset ${this.offset}, got offset ${piece.offset}`,
      );
    }
    if (crc32c(piece.data) !== piece.crc32c) {
      throw new AnswerRefused(
        `${this.what}: the bytes at offset ${piece.offset} do not match their checksum`,
      );
    }
    this.offset += piece.data.length;
    if (this.end !== undefined && this.offset > this.end) {
      throw new AnswerRefused(`${this.what}: ${this.offset - this.end} bytes more than asked for`);
    }
    return [piece.data];
  }

  /** Checks that all the bytes came. */
  finish(): void {
    if (this.end !== undefined && this.offset < this.end) {
      throw new AnswerRefused(
        `${this.what}: called complete at ${this.offset} of ${this.end} bytes`,
      );
    }
  }
}

/** How far a blob, or a range of it, has been read. */
export class BlobCursor implements Cursor<ReadBlobRequest, ReadBlobResponse, Uint8Array> {
  readonly #digest: string;
  readonly #position: Position;

  constructor(
    private readonly name: string,
    offset: number,
    limit: number,
  ) {
    this.#digest = digestOf(name);
    this.#position = new Position(this.#digest, offset, limit ? offset + limit : undefined);
  }

  /** Size of the whole blob, once the service said it. */
  sizeBytes: number | undefined;

  /** Returns the request for the bytes after the last ones that came. */
  request(): ReadBlobRequest {
    const { offset, end } = this.#position;
    return create(ReadBlobRequestSchema, {
      name: this.name,
      offset: BigInt(offset),
      limit: BigInt(end === undefined ? 0 : end - offset),
      chunkBytes: CHUNK_BYTES,
    });
  }

  /** Returns the message's bytes, compared with where we are and with their checksum. */
  take(message: ReadBlobResponse): readonly Uint8Array[] {
    if (message.blob) this.takeSize(message.blob);
    return this.#position.take(message);
  }

  end(message: ReadBlobResponse): StreamEnd | undefined {
    return message.end;
  }

  /** Checks that all the bytes came. */
  finish(): void {
    this.#position.finish();
  }

  private takeSize(blob: WireBlob): void {
    if (blob.digest !== this.#digest) {
      throw new AnswerRefused(`asked for ${this.#digest}, got ${blob.digest}`);
    }
    const size = Number(blob.sizeBytes);
    if (this.sizeBytes !== undefined && this.sizeBytes !== size) {
      throw new AnswerRefused(`${this.#digest}: first ${this.sizeBytes}, now ${size} bytes`);
    }
    this.sizeBytes = size;
    this.#position.end = Math.min(this.#position.end ?? size, size);
  }
}

/** How far a file of chosen tensors has been read. */
export class TensorsCursor implements Cursor<ReadTensorsRequest, ReadTensorsResponse, Uint8Array> {
  readonly #position: Position;
  readonly #wanted: ReadTensorsRequest;
  /** What the stream carries, once it said so. */
  file: TensorsFile | undefined;
  /** `sha256:<hex>` of the whole file, when it is complete. */
  digest = "";

  /** @param wanted its offset is where the reading begins. */
  constructor(wanted: MessageInitShape<typeof ReadTensorsRequestSchema>) {
    this.#wanted = create(ReadTensorsRequestSchema, wanted);
    this.#position = new Position(this.#wanted.name, Number(this.#wanted.offset), undefined);
  }

  /** Returns the request for the bytes after the last ones that came. */
  request(): ReadTensorsRequest {
    const chunkBytes = this.#wanted.chunkBytes || CHUNK_BYTES;
    const offset = BigInt(this.#position.offset);
    return create(ReadTensorsRequestSchema, { ...this.#wanted, chunkBytes, offset });
  }

  /** Returns the message's bytes, compared with where we are and with their checksum. */
  take(message: ReadTensorsResponse): readonly Uint8Array[] {
    if (message.file) this.takeFile(message.file);
    this.digest = message.digest;
    return this.#position.take(message);
  }

  end(message: ReadTensorsResponse): StreamEnd | undefined {
    return message.end;
  }

  /** Checks that all the bytes came. */
  finish(): void {
    this.#position.finish();
    if (!this.file) {
      throw new AnswerRefused(`${this.#wanted.name}: complete, but it never said what it is`);
    }
  }

  private takeFile(file: TensorsFile): void {
    if (this.file && this.file.etag !== file.etag) {
      throw new AnswerRefused(`${this.#wanted.name}: first ${this.file.etag}, now ${file.etag}`);
    }
    this.file = file;
    this.#position.end = file.isNotModified ? this.#position.offset : Number(file.sizeBytes);
  }
}

/**
 * Returns `sha256:<hex>` for `blobs/sha256:<hex>` or `sha256:<hex>`.
 *
 * @throws RangeError it is neither.
 */
export function digestOf(name: string): string {
  const digest = name.startsWith("blobs/") ? name.slice("blobs/".length) : name;
  if (!DIGEST.test(digest)) {
    throw new RangeError(`'${name}' is not a blob; expected 'blobs/sha256:<64 hex digits>'`);
  }
  return digest;
}

/** Checksums of bytes that arrive: CRC-32C of each piece, sha256 of a whole file piece by piece. */

import { sha256 } from "@noble/hashes/sha2.js";
import { bytesToHex } from "@noble/hashes/utils.js";
import crc from "crc-32/crc32c.js";

/** Returns the CRC-32C (Castagnoli) of `bytes`. */
export function crc32c(bytes: Uint8Array): number {
  return crc.buf(bytes) >>> 0;
}

/** The sha256 of bytes that come one piece after the other. */
export class Sha256 {
  readonly #hash = sha256.create();

  update(bytes: Uint8Array): void {
    this.#hash.update(bytes);
  }

  /** `sha256:<hex>` of the bytes so far. */
  get digest(): string {
    return `sha256:${bytesToHex(this.#hash.clone().digest())}`;
  }
}

/** The part of the package crc-32 that its own types leave out. */
declare module "crc-32/crc32c.js" {
  /** Returns the CRC-32C of `bytes` as a signed 32-bit number. */
  export function buf(bytes: Uint8Array, seed?: number): number;
  const module: { buf: typeof buf };
  export default module;
}

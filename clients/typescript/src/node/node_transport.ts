/** gRPC over HTTP/2, as the Python client speaks it. */

import { createGrpcTransport, Http2SessionManager } from "@connectrpc/connect-node";

import type { Way } from "../vertebra.js";

/** Pings find a dead connection within 50 s; servers refuse them closer than 10 s. */
const PINGS = { pingIntervalMs: 30_000, pingTimeoutMs: 20_000 };

const LARGEST_MESSAGE_BYTES = 64 * 1024 * 1024;

/** Returns the way to the service or gateway at `address`, `host:port`. */
export function nodeTransport(address: string): Way {
  const baseUrl = `http://${address}`;
  const sessionManager = new Http2SessionManager(baseUrl, PINGS);
  const transport = createGrpcTransport({
    baseUrl,
    sessionManager,
    readMaxBytes: LARGEST_MESSAGE_BYTES,
  });
  return Object.assign(transport, { address, close: () => sessionManager.abort() });
}

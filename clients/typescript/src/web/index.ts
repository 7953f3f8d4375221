/** The way from a browser: gRPC-Web over fetch, through a gateway. */

import { createGrpcWebTransport } from "@connectrpc/connect-web";

import type { Way } from "../vertebra.js";

export interface WebOptions {
  /** Asked before every call; what it returns is sent as a bearer token. */
  readonly token?: () => string | undefined | Promise<string | undefined>;
}

/** Returns the way to the gateway at `url`, such as `location.origin`. */
export function webTransport(url: string, { token }: WebOptions = {}): Way {
  const transport = createGrpcWebTransport({
    baseUrl: url,
    interceptors: [
      (next) => async (request) => {
        const bearer = await token?.();
        if (bearer) request.header.set("authorization", `Bearer ${bearer}`);
        return next(request);
      },
    ],
  });
  return Object.assign(transport, { address: url });
}

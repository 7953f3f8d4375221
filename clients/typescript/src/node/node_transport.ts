/** gRPC over HTTP/2, as the Python client speaks it. */

import { readFileSync } from "node:fs";
import type { SecureClientSessionOptions } from "node:http2";
import { createSecureContext } from "node:tls";

import type { Interceptor, Transport } from "@connectrpc/connect";
import { createGrpcTransport, Http2SessionManager } from "@connectrpc/connect-node";

import type { Way } from "../vertebra.js";
import {
  type Credentials,
  CredentialsUnusable,
  isEncrypted,
  isToken,
  requireFit,
  stampOf,
} from "./credentials.js";

/** Pings find a dead connection within 50 s; servers refuse them closer than 10 s. */
const PINGS = { pingIntervalMs: 30_000, pingTimeoutMs: 20_000 };

const LARGEST_MESSAGE_BYTES = 64 * 1024 * 1024;

/**
 * Returns the way to the service or gateway at `address`, `host:port`.
 *
 * @throws CredentialsUnusable files that cannot be read or do not fit, or a token in plain text.
 */
export function nodeTransport(address: string, credentials: Credentials = {}): Way {
  requireFit(credentials, address);
  const connections = new Connections(address, credentials);
  return {
    address,
    close: () => connections.close(),
    unary: (...call) => connections.transport().unary(...call),
    stream: (...call) => connections.transport().stream(...call),
  };
}

/**
 * Makes a new connection when certificate files change; calls under way end on the one that they
 * began on, which then closes by itself. Files that cannot be read now leave the last ones valid.
 */
class Connections {
  #stamp: string;
  #transport: Transport;
  #sessions: Http2SessionManager[] = [];
  readonly #token: Interceptor[];

  constructor(
    private readonly address: string,
    private readonly credentials: Credentials,
  ) {
    this.#token = bearer(credentials);
    this.#stamp = stampOf(this.#files);
    this.#transport = this.#made();
  }

  transport(): Transport {
    const stamp = stampOf(this.#files, this.#stamp);
    if (stamp !== this.#stamp) this.#renew(stamp);
    return this.#transport;
  }

  close(): void {
    for (const session of this.#sessions) session.abort();
    this.#sessions = [];
  }

  get #files() {
    return [this.credentials.ca, this.credentials.cert, this.credentials.key];
  }

  #renew(stamp: string): void {
    try {
      this.#transport = this.#made();
      this.#stamp = stamp;
    } catch (error) {
      if (!(error instanceof CredentialsUnusable)) throw error;
    }
  }

  #made(): Transport {
    const scheme = isEncrypted(this.credentials) ? "https" : "http";
    const baseUrl = `${scheme}://${this.address}`;
    const sessionManager = new Http2SessionManager(baseUrl, PINGS, secrets(this.credentials));
    this.#sessions = this.#sessions.filter((session) => session.state() !== "closed");
    this.#sessions.push(sessionManager);
    return createGrpcTransport({
      baseUrl,
      sessionManager,
      readMaxBytes: LARGEST_MESSAGE_BYTES,
      interceptors: this.#token,
    });
  }
}

function secrets({ ca, cert, key, serverName }: Credentials): SecureClientSessionOptions {
  const files = {
    ...(ca && { ca: read(ca) }),
    ...(cert && key && { cert: read(cert), key: read(key) }),
  };
  try {
    createSecureContext(files);
  } catch (error) {
    const names = [ca, cert, key].filter(Boolean).join(", ");
    throw new CredentialsUnusable(`${names}: ${(error as Error).message}`);
  }
  return { ...files, ...(serverName && { servername: serverName }) };
}

/** Returns what puts the token on every call, as its file is at that moment. */
function bearer({ token, tokenFile }: Credentials): Interceptor[] {
  if (!token && !tokenFile) return [];
  let [last, stamp] = [token || tokenIn(tokenFile!), stampOf([tokenFile])];
  const current = (): string => {
    const now = stampOf([tokenFile], stamp);
    if (now === stamp) return last;
    try {
      [last, stamp] = [tokenIn(tokenFile!), now];
    } catch (error) {
      if (!(error instanceof CredentialsUnusable)) throw error; // else half-written: the last one
    }
    return last;
  };
  return [
    (next) => (request) => {
      request.header.set("authorization", `Bearer ${current()}`);
      return next(request);
    },
  ];
}

function tokenIn(file: string): string {
  const token = read(file).trim();
  if (isToken(token)) return token;
  throw new CredentialsUnusable(`${file} does not hold a token: one word of ASCII`);
}

function read(file: string): string {
  try {
    return readFileSync(file, "utf8");
  } catch (error) {
    throw new CredentialsUnusable(`cannot read ${file}: ${(error as Error).message}`);
  }
}

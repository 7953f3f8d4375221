/**
 * What a call that failed says: one sentence for people, a reason and details for programs.
 *
 * The details travel as google.rpc messages in the `grpc-status-details-bin` trailer.
 */

import { durationMs } from "@bufbuild/protobuf/wkt";
import { Code, ConnectError } from "@connectrpc/connect";

import {
  BadRequestSchema,
  ErrorInfoSchema,
  HelpSchema,
  RetryInfoSchema,
} from "./gen/google/rpc/error_details_pb.js";

export { Code };

/** A service that asks for a longer wait than this has refused: the caller decides. */
const LONGEST_BUSY_MS = 5_000;

/** Reasons of UNAVAILABLE that a service gives after it has tried again itself. */
const TRIED_LONG_ENOUGH = new Set(["WEIGHTS_UNREACHABLE"]);

/**
 * The caller was known when an upload began, and is not any more: with a new token it goes on, and
 * with the same one it is refused with another reason.
 */
const AUTH_EXPIRED = "AUTH_EXPIRED";

/** One thing wrong with a request: a field path such as `spec.model.backbone`, and why. */
export interface Violation {
  readonly field: string;
  readonly description: string;
}

/** A page that helps: where access is granted, where something is described. */
export interface Link {
  readonly text: string;
  readonly url: string;
}

/** The parts of a status beside its code and its sentence. */
export interface FailureDetails {
  /** UPPER_SNAKE_CASE such as `ARCHITECTURE_NOT_FOUND`; empty where the transport failed. */
  readonly reason?: string;
  /** Details for programs. */
  readonly metadata?: Readonly<Record<string, string>>;
  /** Every problem found in the request. */
  readonly violations?: readonly Violation[];
  /** How long the service asks to wait. */
  readonly retryAfterMs?: number | undefined;
  /** Pages that help, the best first. */
  readonly links?: readonly Link[];
  /** True where the way to the service broke, not the service refused. */
  readonly isBreak?: boolean;
  readonly cause?: unknown;
}

/** A call that the service, or the way to it, refused. `message` is a sentence with the way out. */
export class RpcFailed extends Error {
  override name = "RpcFailed";
  readonly code: Code;
  readonly reason: string;
  readonly metadata: Readonly<Record<string, string>>;
  readonly violations: readonly Violation[];
  readonly retryAfterMs: number | undefined;
  readonly links: readonly Link[];
  readonly isBreak: boolean;

  constructor(code: Code, message: string, details: FailureDetails = {}) {
    super(message, { cause: details.cause });
    this.code = code;
    this.reason = details.reason ?? "";
    this.metadata = details.metadata ?? {};
    this.violations = details.violations ?? [];
    this.retryAfterMs = details.retryAfterMs;
    this.links = details.links ?? [];
    this.isBreak = details.isBreak ?? false;
  }

  /**
   * Whether the same call may succeed a moment later.
   *
   * Proxies cut streams with INTERNAL and `RST_STREAM`, and an overloaded server rejects with
   * CANCELLED or says how soon it has room. Nobody cancels a call while its caller waits.
   */
  get mayPass(): boolean {
    if (this.code === Code.ResourceExhausted && !this.isBreak) {
      return this.retryAfterMs !== undefined && this.retryAfterMs <= LONGEST_BUSY_MS;
    }
    if (this.code === Code.Internal && !this.isBreak) return this.message.includes("RST_STREAM");
    if (TRIED_LONG_ENOUGH.has(this.reason)) return false;
    if (this.reason === AUTH_EXPIRED) return true;
    return this.isBreak || this.code === Code.Unavailable || this.code === Code.Canceled;
  }
}

/** Nothing answers at the address. Nothing was done. */
export class ServiceUnreachable extends RpcFailed {
  override name = "ServiceUnreachable";
}

/** Something answers at the address, and the two do not agree on TLS. Nothing was sent. */
export class HandshakeFailed extends RpcFailed {
  override name = "HandshakeFailed";

  override get mayPass(): boolean {
    return this.isBreak;
  }
}

/** Returns what a break means where nothing has ever answered: a server may not say why it leaves. */
export function closedAtOnce(failure: RpcFailed, address: string): HandshakeFailed {
  const message =
    `${address} closes the connection at once: it may want TLS (ca), or a certificate of yours ` +
    "that it believes (cert and key)";
  return new HandshakeFailed(Code.Unavailable, message, { isBreak: true, cause: failure });
}

/** The service answered something that cannot be true: bytes, offsets or events out of line. */
export class AnswerRefused extends RpcFailed {
  override name = "AnswerRefused";

  constructor(message: string, reason = "ANSWER_REFUSED") {
    super(Code.DataLoss, message, { reason });
  }
}

/** Returns what a failed call to `address` says, with the details that it carries. */
export function toRpcFailed(thrown: unknown, address: string): RpcFailed {
  if (thrown instanceof RpcFailed) return thrown;
  const error = ConnectError.from(thrown);
  if (error.details.length === 0) return withoutDetails(error, address);
  const info = error.findDetails(ErrorInfoSchema)[0];
  const request = error.findDetails(BadRequestSchema)[0];
  const retry = error.findDetails(RetryInfoSchema)[0]?.retryDelay;
  const help = error.findDetails(HelpSchema)[0];
  return new RpcFailed(error.code, error.rawMessage || answered(error, address), {
    reason: info?.reason ?? "",
    metadata: info?.metadata ?? {},
    violations: (request?.fieldViolations ?? []).map(({ field, description }) => ({
      field,
      description,
    })),
    retryAfterMs: retry && durationMs(retry),
    links: (help?.links ?? []).map(({ description, url }) => ({ text: description, url })),
    cause: error,
  });
}

/** Returns an error of the transport itself, which knows nothing of reasons. */
function withoutDetails(error: ConnectError, address: string): RpcFailed {
  const cause = { cause: error };
  if (error.code === Code.DeadlineExceeded) {
    const message = `${address} did not answer in time; it may still be working on it`;
    return new RpcFailed(error.code, message, cause);
  }
  const handshake = handshakeProblem(error);
  if (handshake) {
    return new HandshakeFailed(Code.Unavailable, `${address} ${handshake}`, cause);
  }
  if (error.code === Code.Unavailable || isUnreachable(error)) {
    const message = `no service answers at ${address} (${last(error.rawMessage)})`;
    return new ServiceUnreachable(Code.Unavailable, message, cause);
  }
  if (error.code === Code.Unimplemented) {
    const message = `${address} does not know this call: is it the other service?`;
    return new RpcFailed(error.code, message, cause);
  }
  const details = { ...cause, isBreak: isBreak(error) };
  return new RpcFailed(error.code, error.rawMessage || answered(error, address), details);
}

/** What Node calls a handshake that failed, and what it means. */
const HANDSHAKES: readonly (readonly [sign: RegExp, meaning: string])[] = [
  [/ALTNAME_INVALID/, "shows a certificate for another name: give that name as serverName"],
  [/CERT_HAS_EXPIRED|CERT_NOT_YET_VALID/, "shows a certificate that is not valid now"],
  [
    /SELF_SIGNED|UNABLE_TO|ISSUER/,
    "shows a certificate of an authority that is not believed: give it as ca",
  ],
  [
    /CERTIFICATE_REQUIRED|HANDSHAKE_FAILURE|UNKNOWN_CA|BAD_CERTIFICATE/,
    "wants a certificate of yours that it believes: give cert and key",
  ],
  [
    /WRONG_VERSION_NUMBER|PACKET_LENGTH|ERR_SSL|EPROTO/,
    "does not speak TLS: leave ca, cert, key and tls away",
  ],
];

function handshakeProblem(error: ConnectError): string | undefined {
  const codes: string[] = [];
  for (let cause: unknown = error; cause instanceof Error; cause = cause.cause) {
    if ("code" in cause && typeof cause.code === "string") codes.push(cause.code);
  }
  return HANDSHAKES.find(([sign]) => codes.some((code) => sign.test(code)))?.[1];
}

/** A browser says of everything that goes wrong before an answer that a TypeError happened. */
function isUnreachable(error: ConnectError): boolean {
  return error.cause instanceof TypeError;
}

/**
 * Whether nobody gave this status: the library made it up when the connection ended.
 *
 * What a service or a proxy answers arrives with headers or trailers.
 */
function isBreak(error: ConnectError): boolean {
  return [...error.metadata.keys()].length === 0;
}

function answered(error: ConnectError, address: string): string {
  return `${address} answered ${Code[error.code]}`;
}

/** Returns the telling end of a transport message such as `...: Connection refused`. */
function last(message: string): string {
  return message.slice(message.lastIndexOf(": ") + 1).trim() || "connection failed";
}

/**
 * A way to one service, and how calls on it are repeated when the way there breaks.
 *
 * Unary calls are safe to repeat: reads by nature, the others because they carry a request id.
 * Streams are opened again at their cursor: see `resumed`.
 */

import type { DescService } from "@bufbuild/protobuf";
import { type CallOptions, type Client, createClient, type Transport } from "@connectrpc/connect";

import { closedAtOnce, Code, RpcFailed, ServiceUnreachable, toRpcFailed } from "./failures.js";
import { type Pace, USUAL_PACE, waitMs } from "./pace.js";
import { Backoff } from "./backoff.js";

const UNARY_ATTEMPTS = 4;

/** A service that fails most calls is not asked again for each. Source: gRFC A6, retryThrottling. */
const MOST_TOKENS = 10;
const TOKENS_PER_ANSWER = 0.1;

/** The header in which a stream that is opened again says what had ended it, for the metrics. */
const RESUMED_AFTER = "x-vertebra-resumed-after";

/** What a caller may say about one call. */
export interface Asked {
  /** Ends the call, and waiting between its attempts; the call then throws the signal's reason. */
  readonly signal?: AbortSignal | undefined;
  /** Deadline of each attempt; streams have none. */
  readonly timeoutMs?: number | undefined;
}

/** What a stream is told. */
export interface Streaming {
  readonly signal?: AbortSignal | undefined;
  /** What ended the stream that this one goes on with; empty for a first one. */
  readonly resumedAfter?: string;
}

export interface ConnectionOptions {
  readonly transport: Transport;
  /** What to call the service in messages. */
  readonly address: string;
  /** Deadline of every call that is not a stream. */
  readonly timeoutMs?: number | undefined;
  readonly pace?: Partial<Pace> | undefined;
  /** Sent with every call. */
  readonly headers?: Readonly<Record<string, string>>;
}

/** Makes calls over one transport, with deadlines, retries and readable errors. */
export class Connection {
  readonly address: string;
  readonly pace: Pace;
  readonly timeoutMs: number;
  readonly #transport: Transport;
  readonly #headers: Readonly<Record<string, string>>;
  #hasAnswered = false;
  #tokens = MOST_TOKENS;

  constructor(options: ConnectionOptions) {
    this.#transport = options.transport;
    this.#headers = options.headers ?? {};
    this.address = options.address;
    this.timeoutMs = options.timeoutMs ?? 60_000;
    this.pace = { ...USUAL_PACE, ...options.pace };
  }

  /** Whether it was ever there: then it is waited for while it restarts. */
  get hasAnswered(): boolean {
    return this.#hasAnswered;
  }

  /** Returns the generated client of one service. */
  client<S extends DescService>(service: S): Client<S> {
    return createClient(service, this.#transport);
  }

  /**
   * Returns the answer of a unary call, made again when only the way there broke.
   *
   * @throws RpcFailed the service refused, or did not answer in time.
   */
  async call<A>(once: (options: CallOptions) => Promise<A>, asked: Asked = {}): Promise<A> {
    const began = this.pace.now();
    for (let numFailures = 0; ; numFailures++) {
      try {
        return await this.attempt(once, asked);
      } catch (failure) {
        if (!(failure instanceof RpcFailed) || !failure.mayPass) throw failure;
        const isAgain = !this.#isThrottled(failure) && numFailures + 1 < UNARY_ATTEMPTS;
        if (!isAgain && !this.#isWaitedFor(failure, began)) throw failure;
        const wait = Math.max(failure.retryAfterMs ?? 0, waitMs(this.pace, numFailures));
        await this.pace.sleep(wait, asked.signal);
      }
    }
  }

  /** Whether a service that refuses most calls refused this one, too. */
  #isThrottled({ code }: RpcFailed): boolean {
    if (code !== Code.Unavailable) return false;
    this.#tokens = Math.max(0, this.#tokens - 1);
    return this.#tokens <= MOST_TOKENS / 2;
  }

  /** Whether a service that was there before may be there again soon: it restarts. */
  #isWaitedFor(failure: RpcFailed, began: number): boolean {
    const isAway = failure instanceof ServiceUnreachable;
    return isAway && this.#hasAnswered && this.pace.now() - began < this.pace.awayPatienceMs;
  }

  /**
   * Returns the answer of a call that is made once.
   *
   * @throws RpcFailed as `call`.
   */
  async attempt<A>(
    once: (options: CallOptions) => Promise<A>,
    { signal, timeoutMs = this.timeoutMs }: Asked = {},
  ): Promise<A> {
    try {
      const answer = await once({ timeoutMs, headers: this.#headers, ...withSignal(signal) });
      this.#hasAnswered = true;
      this.#tokens = Math.min(MOST_TOKENS, this.#tokens + TOKENS_PER_ANSWER);
      return answer;
    } catch (thrown) {
      throw this.failed(thrown, signal);
    }
  }

  /**
   * Returns what `once` returns, called again for as long as a stream would be opened again.
   *
   * @throws RpcFailed the service refused, or nothing answered for `patienceMs`.
   */
  async persist<A>(once: () => Promise<A>, signal?: AbortSignal): Promise<A> {
    const backoff = new Backoff(this.pace, this);
    backoff.answered();
    for (;;) {
      backoff.opened();
      try {
        return await once();
      } catch (thrown) {
        const failure = this.failed(thrown, signal);
        if (!failure.mayPass) throw failure;
        await backoff.wait(failure, failure.retryAfterMs ?? 0, signal);
      }
    }
  }

  /**
   * Yields one stream's messages; leaving early cancels it.
   */
  async *messages<M>(
    open: (options: CallOptions) => AsyncIterable<M>,
    { signal, resumedAfter = "" }: Streaming = {},
  ): AsyncGenerator<M, void, undefined> {
    const cut = new AbortController();
    const either = signal ? AbortSignal.any([signal, cut.signal]) : cut.signal;
    const headers = { ...this.#headers, ...(resumedAfter && { [RESUMED_AFTER]: resumedAfter }) };
    const stream = open({ signal: either, headers })[Symbol.asyncIterator]();
    try {
      for (;;) {
        const timer = setTimeout(() => cut.abort(), this.pace.idleMs);
        const next = await stream.next().finally(() => clearTimeout(timer));
        if (next.done) return;
        this.#hasAnswered = true;
        yield next.value;
      }
    } catch (thrown) {
      throw this.failed(thrown, signal, cut.signal.aborted);
    } finally {
      cut.abort();
    }
  }

  /** Returns what was thrown as a failure of this service; rethrows what the caller asked for. */
  private failed(thrown: unknown, signal?: AbortSignal, wasIdle = false): RpcFailed {
    signal?.throwIfAborted();
    if (!wasIdle) return this.#told(toRpcFailed(thrown, this.address));
    const told = `nothing came from ${this.address} for ${this.pace.idleMs / 1000} s`;
    return new RpcFailed(Code.Unavailable, told, { reason: "STREAM_IDLE", isBreak: true });
  }

  #told(failure: RpcFailed): RpcFailed {
    if (failure.isBreak && !this.#hasAnswered) return closedAtOnce(failure, this.address);
    if (!(failure instanceof ServiceUnreachable)) this.#hasAnswered = true;
    return failure;
  }
}

/** The library tells a signal that is undefined from one that is not there. */
function withSignal(signal: AbortSignal | undefined): Pick<CallOptions, "signal"> {
  return signal ? { signal } : {};
}

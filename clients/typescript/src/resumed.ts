/** Streams that are opened again at their cursor wherever they break. */

import { durationMs } from "@bufbuild/protobuf/wkt";
import type { CallOptions } from "@connectrpc/connect";

import { Backoff } from "./backoff.js";
import type { Connection } from "./connection.js";
import { Code, RpcFailed } from "./failures.js";
import { type StreamEnd, StreamEnd_Reason } from "./gen/vertebra/model/v1/stream_pb.js";

/** Where a stream stands: asks for the rest, and checks what comes. */
export interface Cursor<Request, Message, Item> {
  /** Returns the request for everything that has not come yet. */
  request(): Request;
  /** Checks a message, advances, and returns what it brings. Throws AnswerRefused. */
  take(message: Message): readonly Item[];
  /** Returns the stream's end, where the message has it. */
  end(message: Message): StreamEnd | undefined;
  /** Checks that a stream that says COMPLETED is complete. Throws AnswerRefused. */
  finish(end: StreamEnd): void;
}

export type Open<Request, Message> = (
  request: Request,
  options: CallOptions,
) => AsyncIterable<Message>;

/**
 * Yields what a stream brings until it says COMPLETED, opening it again wherever it breaks.
 *
 * @throws RpcFailed the service refuses the call, or nothing came for `Pace.patienceMs`.
 * @throws AnswerRefused the service contradicts itself; never resumed.
 */
export async function* resumed<Request, Message, Item>(
  connection: Connection,
  open: Open<Request, Message>,
  cursor: Cursor<Request, Message, Item>,
  signal?: AbortSignal,
): AsyncGenerator<Item, void, undefined> {
  const backoff = new Backoff(connection.pace, connection);
  for (let resumedAfter = ""; ;) {
    const opening = new Opening(connection, open, cursor, backoff);
    yield* opening.items(resumedAfter, signal);
    if (opening.isCompleted) return;
    resumedAfter = opening.endedBy;
    await backoff.wait(opening.failure, opening.retryAfterMs, signal);
  }
}

/** One opening of a stream that may be opened many times. */
class Opening<Request, Message, Item> {
  isCompleted = false;
  retryAfterMs = 0;
  failure: RpcFailed;
  /** What ended it: a typed end such as `rotate`, or how it was cut. */
  endedBy = "cut";

  constructor(
    private readonly connection: Connection,
    private readonly open: Open<Request, Message>,
    private readonly cursor: Cursor<Request, Message, Item>,
    private readonly backoff: Backoff,
  ) {
    const told = `the stream from ${connection.address} broke again and again without bringing more`;
    this.failure = new RpcFailed(Code.Unavailable, told, { reason: "STREAM_CUT" });
  }

  /** Yields what comes until this opening ends, in order or not; deadlines are proxies' own. */
  async *items(resumedAfter: string, signal?: AbortSignal): AsyncGenerator<Item, void, undefined> {
    this.backoff.opened();
    const request = this.cursor.request();
    const how = { signal, resumedAfter };
    try {
      const messages = this.connection.messages((o) => this.open(request, o), how);
      for await (const message of messages) yield* this.take(message);
    } catch (thrown) {
      if (!(thrown instanceof RpcFailed)) throw thrown;
      if (!thrown.mayPass && thrown.code !== Code.DeadlineExceeded) throw thrown;
      this.failure = thrown;
      this.retryAfterMs = thrown.retryAfterMs ?? 0;
      this.endedBy = cutWord(thrown);
    }
  }

  private take(message: Message): readonly Item[] {
    this.backoff.answered();
    const items = this.cursor.take(message);
    if (items.length > 0) this.backoff.progressed();
    const end = this.cursor.end(message);
    if (end) this.ended(end);
    return items;
  }

  private ended(end: StreamEnd): void {
    this.endedBy = (StreamEnd_Reason[end.reason] ?? "cut").toLowerCase();
    this.retryAfterMs = end.retryAfter ? durationMs(end.retryAfter) : 0;
    if (end.reason === StreamEnd_Reason.COMPLETED) {
      this.cursor.finish(end);
      this.isCompleted = true;
    }
  }
}

/** Returns what a client sees of an end that nobody announced, in the words of the metrics. */
function cutWord(failure: RpcFailed): string {
  if (failure.reason === "STREAM_IDLE") return "idle";
  if (failure.code === Code.DeadlineExceeded) return "deadline";
  return failure.code === Code.Unavailable ? "unavailable" : "cut";
}

/** A watch of a job: where it stands, and what it does where events are not kept any more. */

import { create } from "@bufbuild/protobuf";
import { durationFromMs } from "@bufbuild/protobuf/wkt";

import { AnswerRefused, Code, RpcFailed } from "./failures.js";
import type { StreamEnd } from "./gen/vertebra/model/v1/stream_pb.js";
import type { TrainEvent } from "./gen/vertebra/trainer/v1/train_event_pb.js";
import {
  type WatchTrainJobRequest,
  WatchTrainJobRequestSchema,
  type WatchTrainJobResponse,
} from "./gen/vertebra/trainer/v1/train_job_service_pb.js";
import type { Cursor } from "./resumed.js";

/** A stream is given up after so many heartbeats that did not come. */
const HEARTBEATS = 6;

/** The shortest heartbeat that the contract allows, and its usual one. */
const HEARTBEAT_RANGE_MS = [1_000, 15_000] as const;

/** Events that the trainer does not keep any more: both ends are among them. */
export interface EventGap {
  readonly firstSeq: bigint;
  readonly lastSeq: bigint;
}

export type OnGap = (gap: EventGap) => void;

/** Events that were asked for are not kept any more. `gap` says which. */
export class EventsCompacted extends RpcFailed {
  override name = "EventsCompacted";

  constructor(
    job: string,
    readonly gap: EventGap,
  ) {
    const message =
      `${job}: events ${gap.firstSeq} to ${gap.lastSeq} are not kept any more; \`metrics\` still ` +
      `has their curves, and a watch after ${gap.lastSeq} goes on from there`;
    const metadata = { oldest_seq: String(gap.lastSeq + 1n) };
    super(Code.OutOfRange, message, { reason: "CURSOR_COMPACTED", metadata });
  }
}

export interface EventCursorOptions {
  /** The last event that is not wanted; 0 asks for all that are kept. */
  readonly afterSeq?: bigint | undefined;
  /** Told of events that went before they were read; without it they end the watch. */
  readonly onGap?: OnGap | undefined;
  /** How long a silent stream is trusted; heartbeats come often enough for that. */
  readonly idleMs?: number | undefined;
}

/** The last event that came; the next one must be its successor. */
export class EventCursor implements Cursor<
  WatchTrainJobRequest,
  WatchTrainJobResponse,
  TrainEvent
> {
  #seq: bigint;
  #logId = "";
  readonly #onGap: OnGap | undefined;
  readonly #heartbeatMs: number;

  constructor(
    private readonly job: string,
    { afterSeq = 0n, onGap, idleMs = 90_000 }: EventCursorOptions = {},
  ) {
    this.#seq = afterSeq;
    this.#onGap = onGap;
    const [shortest, longest] = HEARTBEAT_RANGE_MS;
    this.#heartbeatMs = Math.min(longest, Math.max(shortest, idleMs / HEARTBEATS));
  }

  /** Returns the request for the events after the last one. */
  request(): WatchTrainJobRequest {
    return create(WatchTrainJobRequestSchema, {
      name: this.job,
      logId: this.#logId,
      afterSeq: this.#seq,
      heartbeat: durationFromMs(Math.round(this.#heartbeatMs)),
    });
  }

  /** Returns the message's events, which must go on where the last message stopped. */
  take(message: WatchTrainJobResponse): readonly TrainEvent[] {
    if (message.logId) this.checkLog(message.logId);
    if (message.event.case === "bookmark") this.checkNothingMissing(message.event.value.seq);
    if (message.event.case !== "events") return [];
    const { events } = message.event.value;
    for (const { seq } of events) {
      if (seq !== this.#seq + 1n) {
        throw new AnswerRefused(`${this.job}: event ${seq} came after ${this.#seq}`);
      }
      this.#seq = seq;
    }
    return events;
  }

  end(message: WatchTrainJobResponse): StreamEnd | undefined {
    return message.event.case === "end" ? message.event.value : undefined;
  }

  /** Checks that all events up to the end came. */
  finish(end: StreamEnd): void {
    this.checkNothingMissing(end.resumeAfter);
  }

  /**
   * Moves to the oldest event that is kept, where that is why the service refused.
   *
   * A watch from the start begins there by itself: nobody has read what is gone.
   *
   * @throws EventsCompacted events after the last one that was read are gone.
   */
  refused(failure: RpcFailed): boolean {
    const oldest = BigInt(failure.metadata["oldest_seq"] || "0");
    if (failure.reason !== "CURSOR_COMPACTED" || oldest <= this.#seq + 1n) return false;
    const gap = { firstSeq: this.#seq + 1n, lastSeq: oldest - 1n };
    if (this.#onGap) this.#onGap(gap);
    else if (this.#seq) throw new EventsCompacted(this.job, gap);
    this.#seq = gap.lastSeq;
    return true;
  }

  private checkLog(logId: string): void {
    if (this.#logId && this.#logId !== logId) {
      throw new AnswerRefused(`${this.job}: its events were replaced; watch from the start`);
    }
    this.#logId = logId;
  }

  private checkNothingMissing(seq: bigint): void {
    if (seq > this.#seq) {
      throw new AnswerRefused(`${this.job}: events ${this.#seq + 1n} to ${seq} never came`);
    }
  }
}

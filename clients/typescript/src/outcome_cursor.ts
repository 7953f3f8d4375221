/** Work that is watched until its outcome comes: a build, a download. */

import { AnswerRefused } from "./failures.js";
import type { StreamEnd } from "./gen/vertebra/model/v1/stream_pb.js";
import type { Cursor } from "./resumed.js";

/** A message that brings progress, the outcome under a name of its own, a heartbeat or the end. */
export interface OutcomeMessage {
  readonly event: { readonly case: string | undefined; readonly value?: unknown };
}

/** Work under way: calling again with the same request joins it. */
export class OutcomeCursor<Request, Progress, Outcome> implements Cursor<
  Request,
  OutcomeMessage,
  Progress
> {
  outcome: Outcome | undefined;

  /** @param key what the message calls the outcome. */
  constructor(
    private readonly wanted: Request,
    private readonly key: string,
  ) {}

  /** Returns the same request every time. */
  request(): Request {
    return this.wanted;
  }

  /** Keeps the outcome; returns progress. */
  take({ event }: OutcomeMessage): readonly Progress[] {
    if (event.case === this.key) this.outcome = event.value as Outcome;
    return event.case === "progress" ? [event.value as Progress] : [];
  }

  end({ event }: OutcomeMessage): StreamEnd | undefined {
    return event.case === "end" ? (event.value as StreamEnd) : undefined;
  }

  /** Checks that an outcome came. */
  finish(): void {
    if (this.outcome === undefined) {
      throw new AnswerRefused(`called complete, but the ${this.key} did not come`);
    }
  }
}

/** A job's events as they come. Each is put into words once, whatever came before it. */

import type { DataReport, TrainEvent } from "@vertebra/client/v1/trainer";

import { type EventLine, lineOf } from "./job_words";

export interface LoggedLine {
  readonly event: TrainEvent;
  readonly line: EventLine;
}

/** What happened: the events that people read, and what others said last. It grows in place. */
export class EventLog {
  readonly #lines: LoggedLine[] = [];
  #report: DataReport | undefined;

  constructor(events: readonly TrainEvent[] = []) {
    for (const event of events) this.add(event);
  }

  add(event: TrainEvent): void {
    const line = lineOf(event);
    if (line) this.#lines.push({ event, line });
    if (event.event.case === "dataChecked") this.#report = event.event.value.report;
  }

  /** What the last look at every image gave. */
  get report(): DataReport | undefined {
    return this.#report;
  }

  get numLines(): number {
    return this.#lines.length;
  }

  /** Returns the newest lines, the newest first. */
  newest(most: number): LoggedLine[] {
    return this.#lines.slice(-most).reverse();
  }
}

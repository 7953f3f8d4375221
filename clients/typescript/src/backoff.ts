/** Waits between the openings of a stream: longer after every break, anew after progress. */

import type { RpcFailed } from "./failures.js";
import { type Pace, waitMs } from "./pace.js";

export class Backoff {
  #numFailures = 0;
  #since: number;
  #opened: number;
  #patienceMs: number;

  constructor(
    private readonly pace: Pace,
    { hasAnswered }: { hasAnswered: boolean },
  ) {
    this.#since = pace.now();
    this.#opened = this.#since;
    this.#patienceMs = Math.max(pace.firstPatienceMs, hasAnswered ? pace.awayPatienceMs : 0);
  }

  /** Notes that a stream is opened now. */
  opened(): void {
    this.#opened = this.pace.now();
  }

  /** Notes that a service is there: from now on a break is waited out. */
  answered(): void {
    this.#patienceMs = this.pace.patienceMs;
  }

  /** Notes that something new came. */
  progressed(): void {
    this.#numFailures = 0;
    this.#since = this.pace.now();
  }

  /** Sleeps before the next attempt, or throws `failure` when patience is spent. */
  async wait(failure: RpcFailed, atLeastMs: number, signal?: AbortSignal): Promise<void> {
    const now = this.pace.now();
    if (now - this.#opened >= this.pace.steadyMs) this.progressed();
    if (now - this.#since > this.#patienceMs) throw failure;
    await this.pace.sleep(Math.max(atLeastMs, waitMs(this.pace, this.#numFailures)), signal);
    this.#numFailures++;
  }
}

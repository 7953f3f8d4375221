/** How long to wait between attempts and when to give up; the clock can be replaced. */
export interface Pace {
  readonly firstWaitMs: number;
  readonly longestWaitMs: number;
  /** Give up when a stream that had begun made no progress for this long. */
  readonly patienceMs: number;
  /** Give up when nothing has ever answered for this long. */
  readonly firstPatienceMs: number;
  /** Give up when a service that had answered before is away for this long: it restarts. */
  readonly awayPatienceMs: number;
  /** A stream that held this long counts as progress, even when it was silent. */
  readonly steadyMs: number;
  /** Cut a stream on which nothing came for this long: six heartbeats. */
  readonly idleMs: number;
  readonly now: () => number;
  readonly sleep: (ms: number, signal?: AbortSignal) => Promise<void>;
}

export const USUAL_PACE: Pace = {
  firstWaitMs: 100,
  longestWaitMs: 5_000,
  patienceMs: 120_000,
  firstPatienceMs: 2_000,
  awayPatienceMs: 30_000,
  steadyMs: 5_000,
  idleMs: 90_000,
  now: () => performance.now(),
  sleep: pause,
};

/** Returns the wait after so many failures: doubling, bounded, spread by a fifth. */
export function waitMs(pace: Pace, numFailures: number): number {
  const wait = Math.min(pace.longestWaitMs, pace.firstWaitMs * 2 ** Math.min(numFailures, 16));
  return wait * (0.8 + 0.4 * Math.random());
}

/** Resolves after `ms`; rejects with the signal's reason when that comes first. */
function pause(ms: number, signal?: AbortSignal): Promise<void> {
  return new Promise((resolve, reject) => {
    signal?.throwIfAborted();
    const stop = (): void => {
      clearTimeout(timer);
      reject(signal?.reason as Error);
    };
    const timer = setTimeout(() => {
      signal?.removeEventListener("abort", stop);
      resolve();
    }, ms);
    signal?.addEventListener("abort", stop, { once: true });
  });
}

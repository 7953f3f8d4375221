/** What a component asks a service for: the answer, the failure, or neither yet. */

import { RpcFailed } from "@vertebra/client";
import { useSyncExternalStore } from "preact/compat";
import { useEffect, useState } from "preact/hooks";

import { type Health, healthNow, onHealth } from "../health";

/** When to ask again where the way broke: a short break is over before `health` has seen it. */
export const AGAIN_MS = 5_000;

export interface Asked<T> {
  /** The newest answer; it stays while it is asked again. */
  readonly value: T | undefined;
  readonly failure: Error | undefined;
  readonly isAsking: boolean;
  /** Asks again now. */
  readonly again: () => void;
}

/** Returns how both services stand, and follows it. */
export function useHealth(): Health {
  return useSyncExternalStore(onHealth, healthNow);
}

/**
 * Returns what `ask` answers; asks again when `deps` change, when a service that was silent is
 * back, a moment after the way to it broke, and every `everyMs` where that is given.
 */
export function useAsked<T>(
  ask: (signal: AbortSignal) => Promise<T>,
  deps: readonly unknown[],
  { everyMs = 0 } = {},
): Asked<T> {
  const [standing, setStanding] = useState<Omit<Asked<T>, "again">>(
    NOTHING as Omit<Asked<T>, "again">,
  );
  const [round, setRound] = useState(0);
  const { returns } = useHealth();

  useEffect(() => {
    const stop = new AbortController();
    setStanding((before) => ({ ...before, isAsking: true }));
    const asking = ask(stop.signal).then(
      (value) => ({ value, failure: undefined, isAsking: false }),
      (failure: Error) => ({ failure, isAsking: false }),
    );
    void asking.then((now) => {
      if (!stop.signal.aborted) setStanding((before) => ({ ...before, ...now }));
    });
    return () => stop.abort();
  }, [...deps, round, returns]);

  const againMs = everyMs || (mayPass(standing.failure) ? AGAIN_MS : 0);
  useEffect(() => {
    if (!againMs || standing.isAsking) return;
    const timer = setTimeout(() => setRound((before) => before + 1), againMs);
    return () => clearTimeout(timer);
  }, [againMs, standing.isAsking]);

  return { ...standing, again: () => setRound((before) => before + 1) };
}

/** Whether the same may succeed a moment later. */
export function mayPass(failure: Error | undefined): boolean {
  return failure instanceof RpcFailed && failure.mayPass;
}

const NOTHING = { value: undefined, failure: undefined, isAsking: true };

/** Returns `value` once it has not changed for `ms`. */
export function useSettled<T>(value: T, ms: number): T {
  const [settled, setSettled] = useState(value);
  useEffect(() => {
    const timer = setTimeout(() => setSettled(value), ms);
    return () => clearTimeout(timer);
  }, [value, ms]);
  return settled;
}

/** Returns all items of a listing of the client. */
export async function all<T>(items: AsyncIterable<T>): Promise<T[]> {
  const found: T[] = [];
  for await (const item of items) found.push(item);
  return found;
}

/**
 * A job as it is told: its state, its curves, its events, followed until it ends.
 *
 * Breaks on the way are mended by the client; what a rollback takes back disappears from curves. Of
 * long stories the beginning and the end are read: events between them are counted, not shown.
 */

import { FINAL_STATES, RpcFailed } from "@vertebra/client";
import type { TrainEvent, TrainJob } from "@vertebra/client/v1/trainer";
import { useEffect, useState } from "preact/hooks";

import { AGAIN_MS, mayPass, useHealth } from "../../parts/asked";
import { askNow } from "../../health";
import { services } from "../../services";
import { Curves } from "./curves";
import { EventLog } from "./event_log";

export interface Story {
  readonly job: TrainJob | undefined;
  readonly curves: Curves;
  readonly log: EventLog;
  /** Behind which event some are not shown, and how many. */
  readonly gap: { readonly after: bigint; readonly count: number } | undefined;
  readonly failure: Error | undefined;
}

const NOTHING: Story = {
  job: undefined,
  curves: new Curves(),
  log: new EventLog(),
  gap: undefined,
  failure: undefined,
};
const FIRST_EVENTS = 60;
const LAST_EVENTS = 400;
const TELL_MS = 200;
const JOB_MS = 1_500;
/** Events that come in thousands and change nothing but the progress. */
const OFTEN = new Set(["stepMetrics", "epochMetrics", "message"]);
const ENDED_MS = 3_000;

/** Returns the story of a job, which grows; `again` reads it anew. */
export function useStory(name: string): Story & { readonly again: () => void } {
  const [story, setStory] = useState(NOTHING);
  const [round, setRound] = useState(0);
  const { returns } = useHealth();
  useEffect(() => {
    const stop = new AbortController();
    const teller = new Teller((next) => stop.signal.aborted || setStory(next));
    setStory((before) => (before.job?.jobId === name ? before : NOTHING));
    let timer: ReturnType<typeof setTimeout> | undefined;
    void tell(name, teller, stop.signal).catch((failure: Error) => {
      if (stop.signal.aborted) return;
      teller.change({ failure });
      if (mayPass(failure)) timer = setTimeout(() => setRound((before) => before + 1), AGAIN_MS);
    });
    return () => {
      clearTimeout(timer);
      stop.abort();
    };
  }, [name, round, returns]);
  return { ...story, again: () => setRound((before) => before + 1) };
}

/** Keeps the story and tells of it at most every `TELL_MS`. */
class Teller {
  story = NOTHING;
  #timer: ReturnType<typeof setTimeout> | undefined;

  constructor(private readonly told: (story: Story) => void) {}

  change(changed: Partial<Story>): void {
    this.story = { ...this.story, ...changed };
    this.#timer ??= setTimeout(() => {
      this.#timer = undefined;
      this.told(this.story);
    }, TELL_MS);
  }
}

async function tell(name: string, teller: Teller, signal: AbortSignal): Promise<void> {
  const { trainer } = services;
  for (;;) {
    const job = await trainer.get(name, { signal });
    const { series, lastSeq } = await trainer.jobs.queryMetrics({ name }, { signal });
    const events = await firstEvents(name, signal);
    const begin = events.at(-1)?.seq ?? 0n;
    const after =
      job.lastSeq - BigInt(LAST_EVENTS) > begin ? job.lastSeq - BigInt(LAST_EVENTS) : begin;
    const gap =
      after > begin && events.length ? { after: begin, count: Number(after - begin) } : undefined;
    const curves = new Curves(series);
    teller.change({ job, curves, log: new EventLog(events), gap, failure: undefined });
    await follow(name, after, lastSeq, teller, signal);
    if (!(await goesOnLater(name, teller, signal))) return;
  }
}

/** Returns the first events that are kept. */
async function firstEvents(name: string, signal: AbortSignal): Promise<TrainEvent[]> {
  const ask = (afterSeq: bigint) =>
    services.trainer.jobs.listTrainJobEvents(
      { name, afterSeq, pageSize: FIRST_EVENTS },
      { signal },
    );
  try {
    return (await ask(0n)).events;
  } catch (failure) {
    const oldest = failure instanceof RpcFailed ? failure.metadata["oldest_seq"] : undefined;
    if (!oldest) throw failure;
    return (await ask(BigInt(oldest) - 1n)).events;
  }
}

async function follow(
  name: string,
  afterSeq: bigint,
  curvesAt: bigint,
  teller: Teller,
  signal: AbortSignal,
): Promise<void> {
  let readAt = Date.now();
  for await (const event of services.trainer.watch(name, {
    afterSeq,
    signal,
    onGap: () => undefined,
  })) {
    const { curves, log } = teller.story;
    const isNew = event.seq > curvesAt;
    log.add(event);
    if (isNew) curves.add(event);
    teller.change({});
    const isTelling = !OFTEN.has(event.event.case ?? "");
    if (isNew && event.event.case === "stateChanged") askNow("trainer");
    if (!isNew || (!isTelling && Date.now() - readAt < JOB_MS)) continue;
    readAt = Date.now();
    teller.change({ job: await services.trainer.get(name, { signal }) });
  }
  teller.change({ job: await services.trainer.get(name, { signal }) });
}

/** Waits until a job that has ended is resumed; false where it cannot be. */
async function goesOnLater(name: string, teller: Teller, signal: AbortSignal): Promise<boolean> {
  for (;;) {
    await new Promise((done) => setTimeout(done, ENDED_MS));
    signal.throwIfAborted();
    const job = await services.trainer.get(name, { signal });
    teller.change({ job });
    if (!FINAL_STATES.has(job.state)) return true;
  }
}

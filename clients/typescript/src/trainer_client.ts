/** The trainer: plan, start, watch and steer jobs, and fetch what they left. */

import { fromJson, type JsonValue, type MessageInitShape } from "@bufbuild/protobuf";
import { durationFromMs } from "@bufbuild/protobuf/wkt";

import { BlobClient } from "./blob_client.js";
import { type Calls, callsOf } from "./calls.js";
import type { Asked, Connection } from "./connection.js";
import { EventCursor, type OnGap } from "./event_cursor.js";
import { AnswerRefused, RpcFailed } from "./failures.js";
import type { TrainEvent } from "./gen/vertebra/trainer/v1/train_event_pb.js";
import {
  type Export,
  JobState,
  type TrainJob,
  type TrainJobSpec,
  TrainJobSpecSchema,
} from "./gen/vertebra/trainer/v1/train_job_pb.js";
import {
  type PlanTrainJobResponse,
  TrainJobService,
  type WatchTrainJobRequest,
  type WatchTrainJobResponse,
} from "./gen/vertebra/trainer/v1/train_job_service_pb.js";
import type { Snapshot } from "./gen/vertebra/trainer/v1/train_run_pb.js";
import { itemsOfPages } from "./paging.js";
import { type Open, resumed } from "./resumed.js";

export type Spec = MessageInitShape<typeof TrainJobSpecSchema>;

/**
 * Returns a spec from its JSON form, the experiment file that `vertebra train` takes.
 *
 * @throws Error a field that is unknown or of another type.
 */
export function specFromJson(json: JsonValue): TrainJobSpec {
  return fromJson(TrainJobSpecSchema, json);
}

/** Only `resume` leads out of the last two; a watch ends at all of them. */
export const FINAL_STATES: ReadonlySet<JobState> = new Set([
  JobState.SUCCEEDED,
  JobState.FAILED,
  JobState.CANCELLED,
]);

/** What a call that changes something may be told. */
export interface Change extends Asked {
  /** A UUID; however often the way repeats the call, it counts once. Made anew unless given. */
  readonly requestId?: string;
  /** Why, for the job's own record. */
  readonly reason?: string;
}

export interface Listing extends Asked {
  readonly filter?: string;
  readonly orderBy?: string;
}

export interface Watching extends Asked {
  /** The last event that is not wanted; 0 asks for all. */
  readonly afterSeq?: bigint;
  /** Told of events that went before they came here; without it they end the watch. */
  readonly onGap?: OnGap;
}

export interface Waiting extends Watching {
  /** Sees every event on the way; may take its time. */
  readonly onEvent?: (event: TrainEvent) => void | Promise<void>;
}

export class TrainerClient {
  /** All unary calls of the contract, repeated where only the way broke. */
  readonly jobs: Calls<typeof TrainJobService>;
  readonly blobs: BlobClient;
  readonly #watch: Open<WatchTrainJobRequest, WatchTrainJobResponse>;

  constructor(readonly connection: Connection) {
    const stub = connection.client(TrainJobService);
    this.#watch = (request, options) => stub.watchTrainJob(request, options);
    this.jobs = callsOf(connection, TrainJobService);
    this.blobs = new BlobClient(connection);
  }

  /** Returns what a job would do, and its spec with all defaults. Nothing runs. */
  plan(spec: Spec, asked?: Asked): Promise<PlanTrainJobResponse> {
    return this.jobs.planTrainJob({ spec }, asked);
  }

  /** Returns the new job, QUEUED; the same request id again gives the same job. */
  async create(spec: Spec, { requestId = "", ...asked }: Change = {}): Promise<TrainJob> {
    return jobOf(await this.jobs.createTrainJob({ spec, requestId }, asked));
  }

  /** Returns one job by name, id or a prefix of its id. May throw JOB_NOT_FOUND. */
  async get(name: string, asked?: Asked): Promise<TrainJob> {
    return jobOf(await this.jobs.getTrainJob({ name }, asked));
  }

  /** Yields all matching jobs, newest first unless `orderBy` says otherwise. */
  list({ filter = "", orderBy = "", ...asked }: Listing = {}): AsyncGenerator<TrainJob> {
    return itemsOfPages(
      this.connection,
      (wanted) => this.jobs.listTrainJobs({ filter, orderBy, ...wanted }, asked),
      (page) => page.jobs,
    );
  }

  /** Returns the job, which is stopping or stopped now. */
  async cancel(name: string, change: Change = {}): Promise<TrainJob> {
    const { requestId = "", reason = "", ...asked } = change;
    return jobOf(await this.jobs.cancelTrainJob({ name, reason, requestId }, asked));
  }

  /**
   * Returns the job, which saves a snapshot now and then frees its devices.
   *
   * @param change `withinMs` is how long saving may take; without it the service's own 120 s.
   */
  async pause(name: string, change: Change & { readonly withinMs?: number } = {}) {
    const { requestId = "", reason = "", withinMs, ...asked } = change;
    const deadline = withinMs === undefined ? {} : { deadline: durationFromMs(withinMs) };
    return jobOf(await this.jobs.pauseTrainJob({ name, reason, requestId, ...deadline }, asked));
  }

  /**
   * Returns the job, which is in the queue again: paused, failed or cancelled before.
   *
   * @param change `snapshot` names the one to go on from; without it the newest.
   */
  async resume(name: string, change: Change & { readonly snapshot?: string } = {}) {
    const { requestId = "", reason = "", snapshot = "", ...asked } = change;
    return jobOf(await this.jobs.resumeTrainJob({ name, reason, requestId, snapshot }, asked));
  }

  /** Deletes a job that is over or paused: events, metrics, snapshots and files. */
  async delete(name: string, { requestId = "", ...asked }: Change = {}): Promise<void> {
    await this.jobs.deleteTrainJob({ name, requestId }, asked);
  }

  /**
   * Yields a job's events in order, each once, until the job is in a final state.
   *
   * Breaks on the way (proxies, restarts, rotation) are mended out of sight. The start is the
   * oldest event that is kept. To stop while it waits, abort the signal.
   *
   * @throws RpcFailed JOB_NOT_FOUND, CURSOR_AHEAD, LOG_REPLACED; or no contact for too long.
   * @throws EventsCompacted events after `afterSeq` are not kept any more.
   * @throws AnswerRefused an event is missing, or came twice.
   */
  async *watch(name: string, { signal, ...from }: Watching = {}): AsyncGenerator<TrainEvent> {
    const cursor = new EventCursor(name, { ...from, idleMs: this.connection.pace.idleMs });
    for (;;) {
      try {
        yield* resumed(this.connection, this.#watch, cursor, signal);
        return;
      } catch (thrown) {
        if (!(thrown instanceof RpcFailed) || !cursor.refused(thrown)) throw thrown;
      }
    }
  }

  /**
   * Returns the job once it is in a final state.
   *
   * A job that failed and is resumed before anyone has looked is waited for again.
   */
  async wait(name: string, { onEvent, onGap, ...from }: Waiting = {}): Promise<TrainJob> {
    const { pace } = this.connection;
    const missed = onEvent ? onGap : () => undefined;
    let afterSeq = from.afterSeq ?? 0n;
    for (;;) {
      const watching = { ...from, afterSeq, ...(missed && { onGap: missed }) };
      for await (const event of this.watch(name, watching)) {
        await onEvent?.(event);
        afterSeq = event.seq;
      }
      const job = await this.connection.persist(() => this.get(name, from), from.signal);
      if (FINAL_STATES.has(job.state)) return job;
      await pace.sleep(pace.firstWaitMs, from.signal);
    }
  }

  /** Yields what a job exported: nothing before it succeeded. */
  listExports(name: string, asked?: Asked): AsyncGenerator<Export> {
    return itemsOfPages(
      this.connection,
      (wanted) => this.jobs.listExports({ name, ...wanted }, asked),
      (page) => page.exports,
    );
  }

  /** Yields a job's snapshots, newest first. */
  listSnapshots(name: string, asked?: Asked): AsyncGenerator<Snapshot> {
    return itemsOfPages(
      this.connection,
      (wanted) => this.jobs.listSnapshots({ name, ...wanted }, asked),
      (page) => page.snapshots,
    );
  }
}

function jobOf({ job }: { job?: TrainJob | undefined }): TrainJob {
  if (!job) throw new AnswerRefused("the trainer answered without a job");
  return job;
}

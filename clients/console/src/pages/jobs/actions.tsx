/** What can be done to a job as it stands. */

import { FINAL_STATES } from "@vertebra/client";
import { JobState, type TrainJob } from "@vertebra/client/v1/trainer";

import { addressOf, go } from "../../address";
import { Button } from "../../parts/button";
import { Link } from "../../parts/link";
import { services } from "../../services";
import { titleOf } from "./job_words";

const PAUSABLE = new Set([JobState.QUEUED, JobState.PREPARING, JobState.RUNNING]);
const RESUMABLE = new Set([JobState.PAUSED, JobState.FAILED, JobState.CANCELLED]);

export function canResume({ state }: TrainJob): boolean {
  return RESUMABLE.has(state);
}

interface Given {
  readonly job: TrainJob;
  readonly onChange: () => void;
  readonly onFailure: (failure: Error | undefined) => void;
}

export function Actions({ job, onChange, onFailure }: Given) {
  const { trainer } = services;
  const isOver = FINAL_STATES.has(job.state);
  const steer = (does: () => Promise<unknown>) => async (): Promise<void> => {
    onFailure(undefined);
    await does();
    onChange();
  };
  return (
    <div class="buttons">
      {PAUSABLE.has(job.state) && (
        <Button onPress={steer(() => trainer.pause(job.name))} onFailure={onFailure}>
          Pause
        </Button>
      )}
      {canResume(job) && (
        <Button kind="main" onPress={steer(() => trainer.resume(job.name))} onFailure={onFailure}>
          Resume
        </Button>
      )}
      {!isOver && job.state !== JobState.CANCELLING && (
        <Button onPress={steer(() => trainer.cancel(job.name))} onFailure={onFailure}>
          Cancel
        </Button>
      )}
      <Link class="button plain" to={addressOf("/training", { like: job.jobId })}>
        Train again
      </Link>
      {(isOver || job.state === JobState.PAUSED) && (
        <Button
          kind="danger"
          confirm={`Delete ${titleOf(job)} with its metrics, snapshots and files? What the catalog registered stays.`}
          onPress={steer(async () => {
            await trainer.delete(job.name);
            go("/jobs");
          })}
          onFailure={onFailure}
        >
          Delete
        </Button>
      )}
    </div>
  );
}

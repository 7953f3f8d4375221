/** What a job would go on from: its snapshots, which can be kept and gone on from. */

import { JobState, type Snapshot, type TrainJob } from "@vertebra/client/v1/trainer";
import { useState } from "preact/hooks";

import { all, useAsked } from "../../parts/asked";
import { Button } from "../../parts/button";
import { Empty, Failure } from "../../parts/notice";
import { type Column, Table } from "../../parts/table";
import { services } from "../../services";
import { bytes, exact, time } from "../../words";
import { canResume } from "./actions";

export function SnapshotsView({ job, onChange }: { job: TrainJob; onChange: () => void }) {
  const [failure, setFailure] = useState<Error>();
  const found = useAsked(
    async (signal) => all(services.trainer.listSnapshots(job.name, { signal })),
    [job.name, job.state, job.snapshot?.name],
  );
  const pin = async ({ name, isPinned }: Snapshot): Promise<void> => {
    await services.trainer.jobs.pinSnapshot({ name, pinned: !isPinned });
    found.again();
  };
  const goOn = async ({ name }: Snapshot): Promise<void> => {
    await services.trainer.resume(job.name, { snapshot: name });
    onChange();
  };
  const columns: Column<Snapshot>[] = [
    { heading: "Step", cell: ({ step }) => exact(step), isNumber: true },
    { heading: "Epoch", cell: ({ epoch }) => epoch, isNumber: true },
    { heading: "Attempt", cell: ({ attempt }) => attempt, isNumber: true },
    { heading: "Saved", cell: ({ createTime }) => time(createTime) },
    { heading: "Size", cell: ({ sizeBytes }) => bytes(sizeBytes), isNumber: true },
    { heading: "Kept because", cell: keptBecause },
    {
      heading: "To do",
      cell: (one) => (
        <div class="buttons">
          <Button onPress={() => pin(one)} onFailure={setFailure}>
            {one.isPinned ? "Unpin" : "Pin"}
          </Button>
          {canResume(job) && (
            <Button onPress={() => goOn(one)} onFailure={setFailure}>
              Go on from it
            </Button>
          )}
        </div>
      ),
    },
  ];
  if (!found.value?.length) {
    const why =
      job.state === JobState.SUCCEEDED
        ? "A job that has succeeded keeps what it exported, and snapshots that were pinned."
        : "Nothing was saved yet.";
    return found.failure ? <Failure of={found.failure} /> : <Empty>{why}</Empty>;
  }
  return (
    <>
      <Failure of={failure} />
      <Table caption="Snapshots" columns={columns} rows={found.value} keyOf={({ name }) => name} />
    </>
  );
}

function keptBecause({ isPinned, isBest }: Snapshot): string {
  return (
    [isPinned && "pinned", isBest && "the best so far"].filter(Boolean).join(", ") ||
    "one of the last"
  );
}

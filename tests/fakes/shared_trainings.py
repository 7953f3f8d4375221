"""Trainings that several ranks do together, each rank a thread. Imports torch."""

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from torch import Tensor

from tests.fakes.interruptions import LeavesAfter
from tests.fakes.running import ready, state_of
from tests.fakes.threaded_ranks import on_ranks
from trainer_service.freezing import Seal
from trainer_service.jobs import EpochMetrics, JobSpec, SnapshotRef, SnapshotTaken
from trainer_service.run_job.several_ranks import shared_out, written_by_first
from trainer_service.snapshots.snapshot_reader import read_snapshot
from trainer_service.snapshots.snapshot_writer import SnapshotWriter
from trainer_service.stop_switch import StopRequested, StopSwitch
from trainer_service.train.keeping import Keeping
from trainer_service.train.loop import Trained, TrainEvent, Training, train
from trainer_service.train.ranks import Ranks
from trainer_service.train.saved_training import put_back


@dataclass(frozen=True, slots=True, kw_only=True)
class Done:
    """What one rank has of a training that ended, or was left where it was saved."""

    events: list[TrainEvent]
    trained: Trained | None
    state: dict[str, Tensor]
    snapshot: SnapshotRef | None = None

    def epochs(self, split: str) -> list[dict[str, float]]:
        """Return the metrics of a split, epoch by epoch."""
        told = [each for each in self.events if isinstance(each, EpochMetrics)]
        return [dict(each.values) for each in told if each.split == split]


def train_together(
    spec: JobSpec,
    num_ranks: int,
    folder: Path,
    *,
    num_images: int = 11,
    leave_after: int = -1,
    saved: SnapshotRef | None = None,
    change: Callable[[int, Training], Training] = lambda rank, training: training,
) -> list[Done]:
    """Return what each rank has of a training; one rank is alone.

    Args:
        leave_after: saves after this step, and ends there.
        saved: goes on from there.
        change: makes the training of a rank another one.
    """
    made = [ready(spec, num_images=num_images) for _ in range(num_ranks)]
    state = read_snapshot(saved) if saved else None
    writer = SnapshotWriter(folder, job_id="job1", attempt=2 if saved else 1)

    def one(ranks: Ranks) -> Done:
        training, seal = made[ranks.part.rank]
        training = change(ranks.part.rank, shared_out(training, ranks))
        if state is not None:
            seal = put_back(training, state)
        write = written_by_first(writer.write, 1, ranks)
        keeping = Keeping(saver=LeavesAfter(leave_after), write=write, saved=state)
        return _trained(training, seal, keeping)

    return on_ranks(num_ranks, one)


def _trained(training: Training, seal: Seal, keeping: Keeping) -> Done:
    events: list[TrainEvent] = []
    loop = train(training, seal, StopSwitch(), keeping=keeping)
    while True:
        try:
            events.append(next(loop))
        except StopIteration as end:
            return Done(events=events, trained=end.value, state=state_of(training.model))
        except StopRequested:
            last = events[-1]
            assert isinstance(last, SnapshotTaken)
            return Done(
                events=events,
                trained=None,
                state=state_of(training.model),
                snapshot=last.snapshot,
            )

"""Trainings that are saved, end, and go on in another attempt. Imports torch."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path

from torch import Tensor

from tests.fakes.running import ready, state_of
from trainer_service.freezing import Seal
from trainer_service.jobs import (
    EpochMetrics,
    Export,
    JobEvent,
    JobSpec,
    Paused,
    SnapshotRef,
    SnapshotTaken,
    StepMetrics,
    WorkOrder,
)
from trainer_service.run_job import run_job
from trainer_service.snapshots.saved_state import SavedState
from trainer_service.snapshots.snapshot_reader import read_snapshot
from trainer_service.snapshots.snapshot_writer import SnapshotWriter
from trainer_service.stop_switch import StopRequested, StopSwitch
from trainer_service.train.keeping import Keeping
from trainer_service.train.loop import Trained, TrainEvent, Training, train
from trainer_service.train.saved_training import put_back
from trainer_service.train.saver import SaveEvents, WriteSnapshot

Ready = Callable[[], tuple[Training, Seal]]
PutBack = Callable[[Training, SavedState], Seal]


@dataclass(slots=True)
class LeavesAfter:
    """A saver that saves after one step, and ends training there."""

    step: int
    asked: list[int] = field(default_factory=list)
    """After which steps the loop asked."""

    def begin(self, step: int) -> None:
        """Nothing to remember."""

    def due(self, step: int, *, ahead_s: float = 0.0) -> bool:
        """Whether it is that step."""
        self.asked.append(step)
        return step == self.step

    def save(self, step: int, write: WriteSnapshot) -> SaveEvents:
        """Save, and leave."""
        yield SnapshotTaken(snapshot=write())
        raise StopRequested(Paused(step=step))


@dataclass(frozen=True, slots=True, kw_only=True)
class Outcome:
    """A training that came to its end, in one attempt or in several."""

    events: list[TrainEvent]
    trained: Trained
    state: dict[str, Tensor]
    auxiliary: dict[str, Tensor]

    @property
    def told(self) -> list[TrainEvent]:
        """Return what was measured, without how fast; as a reader has it after every rollback."""
        return [without_speed(each) for each in self.events if not isinstance(each, SnapshotTaken)]


def without_speed(event: TrainEvent) -> TrainEvent:
    """Return the event without what differs from run to run."""
    return replace(event, images_per_s=0.0) if isinstance(event, StepMetrics) else event


def uninterrupted(made: Ready) -> Outcome:
    """Train in one go."""
    training, seal = made()
    events, trained, _ = _attempt(training, seal, Keeping())
    assert trained is not None
    return _outcome(events, training, trained)


def interrupted(
    made: Ready, folder: Path, steps: Sequence[int], put_back: PutBack = put_back
) -> Outcome:
    """Train in several attempts: each but the last one is saved after one of `steps` and ends."""
    events: list[TrainEvent] = []
    saved: SavedState | None = None
    for number, step in enumerate((*steps, -1), start=1):
        training, seal = made()
        if saved is not None:
            seal = put_back(training, saved)
        writer = SnapshotWriter(folder, job_id="job1", attempt=number)
        keeping = Keeping(saver=LeavesAfter(step), write=writer.write, saved=saved)
        more, trained, snapshot = _attempt(training, seal, keeping)
        events += more
        if trained is not None:
            assert step == -1, f"training ended before step {step}"
            return _outcome(events, training, trained)
        assert snapshot is not None and snapshot.step == step
        saved = read_snapshot(snapshot)
    raise AssertionError("the last attempt ended before training did")


def _attempt(
    training: Training, seal: Seal, keeping: Keeping
) -> tuple[list[TrainEvent], Trained | None, SnapshotRef | None]:
    """Return what was said, and what training gave or where it was saved."""
    events: list[TrainEvent] = []
    loop = train(training, seal, StopSwitch(), clock=_every_step(), keeping=keeping)
    while True:
        try:
            events.append(next(loop))
        except StopIteration as end:
            return events, end.value, None
        except StopRequested:
            last = events[-1]
            assert isinstance(last, SnapshotTaken)
            return events, None, last.snapshot


def _every_step() -> Callable[[], float]:
    """Return a clock by which every step is told of."""
    times = iter(range(10**9))
    return lambda: float(next(times))


def _outcome(events: list[TrainEvent], training: Training, trained: Trained) -> Outcome:
    beside = state_of(training.auxiliary) if training.auxiliary is not None else {}
    return Outcome(events=events, trained=trained, state=state_of(training.model), auxiliary=beside)


def prepared(spec: JobSpec, **sizes: int) -> Ready:
    """Return what makes the same training again and again."""
    return lambda: ready(spec, **sizes)


@dataclass(slots=True)
class JobRun:
    """A whole job in this process, saved after every step of an attempt that is interrupted."""

    order: WorkOrder
    events: list[JobEvent] = field(default_factory=list)
    snapshots: list[SnapshotRef] = field(default_factory=list)
    exports: tuple[Export, ...] = ()

    def attempt(
        self, number: int, *, leave_after: int = 0, pause_at_start: bool = False, **order: object
    ) -> list[JobEvent]:
        """Run one attempt on the newest snapshots; return what it said.

        Args:
            leave_after: asks to pause when this step is saved; 0 runs to the end.
            pause_at_start: asks to pause at the first epoch's metrics.
        """
        said: list[JobEvent] = []
        stop = StopSwitch()

        def emit(event: JobEvent) -> None:
            said.append(event)
            if pause_at_start and isinstance(event, EpochMetrics) and event.epoch == 1:
                stop.ask_pause(1, 0.0)
            if isinstance(event, SnapshotTaken):
                self.snapshots.insert(0, event.snapshot)
                if event.snapshot.step == leave_after:
                    stop.ask_pause(1, 0.0)

        run = replace(self.order.spec.run, snapshot_interval_s=1e-9 if leave_after else 0.0)
        ordered = replace(
            self.order,
            attempt=number,
            spec=replace(self.order.spec, run=run),
            resume_from=tuple(self.snapshots[:3]),
            **order,  # type: ignore[arg-type]
        )
        try:
            said_last = run_job(ordered, emit, stop)
        except StopRequested as end:
            assert leave_after and end.word == Paused(step=leave_after), end.word
        else:
            assert not leave_after, f"the job ended before step {leave_after}"
            self.exports = said_last.exports
        self.events += said
        return said

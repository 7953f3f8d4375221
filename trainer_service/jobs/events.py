"""What happens to a job: the events people read, and the last words of a worker."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal

from catalog_service.models.freeze_plan import FreezePlan
from catalog_service.models.plain_json import JsonObject, MalformedJson, from_plain, to_plain
from trainer_service.jobs.attempts import ExitClass
from trainer_service.jobs.evaluation import DataReport, Evaluation
from trainer_service.jobs.exports import Export
from trainer_service.jobs.model import JobModel
from trainer_service.jobs.plan import OptimizerGroup, TrainPlan
from trainer_service.jobs.snapshot import SnapshotRef
from trainer_service.jobs.states import JobState


@dataclass(frozen=True, slots=True, kw_only=True)
class JobFailure:
    """Why a job failed: a reason for programs, a message for people."""

    reason: str
    message: str


@dataclass(frozen=True, slots=True, kw_only=True)
class StateChanged:
    """The job moved from one state to another."""

    from_state: JobState | None
    """None for the first one."""
    to_state: JobState
    reason: str = ""
    failure: JobFailure | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class ModelReady:
    """The model's bytes are here and verified."""

    model: JobModel


@dataclass(frozen=True, slots=True, kw_only=True)
class Planned:
    """The worker knows what it will do."""

    plan: TrainPlan


@dataclass(frozen=True, slots=True, kw_only=True)
class StepMetrics:
    """Metrics of one optimizer step."""

    epoch: int
    """Counted from 1."""
    step: int
    """Counted from 1 over the whole job."""
    values: Mapping[str, float]
    """`loss`, `accuracy`, `lr`."""
    images_per_s: float = 0.0


@dataclass(frozen=True, slots=True, kw_only=True)
class EpochMetrics:
    """Metrics of one pass over a split."""

    epoch: int
    """Counted from 1; 0 for the state before training."""
    split: Literal["train", "validation"]
    values: Mapping[str, float]
    step: int
    """The last step of the epoch."""


@dataclass(frozen=True, slots=True, kw_only=True)
class JobWarning:
    """Something to know that does not stop the job."""

    code: str
    text: str


@dataclass(frozen=True, slots=True, kw_only=True)
class JobMessage:
    """A line for people: what the job is doing."""

    text: str


@dataclass(frozen=True, slots=True, kw_only=True)
class DataChecked:
    """The data was read, image by image."""

    report: DataReport


@dataclass(frozen=True, slots=True, kw_only=True)
class PhaseStarted:
    """More or less trains from here on."""

    phase: int
    """Counted from 1."""
    reason: str
    freeze: FreezePlan
    optimizer_groups: tuple[OptimizerGroup, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Evaluated:
    """The model was evaluated class by class."""

    epoch: int
    evaluation: Evaluation


@dataclass(frozen=True, slots=True, kw_only=True)
class Exported:
    """An export is whole, in the blob store, and registered where that was asked for."""

    export: Export


@dataclass(frozen=True, slots=True, kw_only=True)
class SnapshotTaken:
    """A snapshot is on the disk and was read back."""

    snapshot: SnapshotRef


@dataclass(frozen=True, slots=True, kw_only=True)
class SnapshotFailed:
    """A snapshot could not be saved; training goes on."""

    reason: str
    message: str
    control_number: int = 0
    """Of the command that it was asked for with; 0 where nobody asked."""


@dataclass(frozen=True, slots=True, kw_only=True)
class RolledBack:
    """An attempt begins where a snapshot was taken: what was told of later steps does not count."""

    to_step: int
    to_epoch: int
    num_lost_steps: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class AttemptEnded:
    """An attempt ended; what follows is in the next StateChanged."""

    number: int
    exit_class: ExitClass
    detail: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Finished:
    """A worker's last line when the job was done. Readers of the job never see it."""

    exports: tuple[Export, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Failed:
    """A worker's last line when the job could not be done. Readers never see it."""

    reason: str
    message: str
    exit_class: ExitClass = ExitClass.REFUSED


@dataclass(frozen=True, slots=True, kw_only=True)
class Cancelled:
    """A worker's last line when it was told to stop. Readers never see it."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Paused:
    """A worker's last line when it was told to pause and could. Readers never see it."""

    step: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Preempted:
    """A worker's last line when it was told to go, or heard nothing of its supervisor any more.
    Readers never see it.
    """

    is_saved: bool
    message: str


JobEvent = (
    StateChanged
    | ModelReady
    | Planned
    | StepMetrics
    | EpochMetrics
    | JobWarning
    | JobMessage
    | Exported
    | DataChecked
    | PhaseStarted
    | Evaluated
    | SnapshotTaken
    | SnapshotFailed
    | RolledBack
    | AttemptEnded
)
"""What readers of a job see."""

LastWord = Finished | Failed | Cancelled | Paused | Preempted
"""What ends the spool of a worker that ended in order."""

EVENT_KINDS: dict[str, type[JobEvent | LastWord]] = {
    "state_changed": StateChanged,
    "model_ready": ModelReady,
    "planned": Planned,
    "step_metrics": StepMetrics,
    "epoch_metrics": EpochMetrics,
    "warning": JobWarning,
    "message": JobMessage,
    "exported": Exported,
    "data_checked": DataChecked,
    "phase_started": PhaseStarted,
    "evaluated": Evaluated,
    "snapshot_taken": SnapshotTaken,
    "snapshot_failed": SnapshotFailed,
    "rolled_back": RolledBack,
    "attempt_ended": AttemptEnded,
    "finished": Finished,
    "failed": Failed,
    "cancelled": Cancelled,
    "paused": Paused,
    "preempted": Preempted,
}
"""Every kind by the word that spools and the store use for it."""

_WORDS = {kind: word for word, kind in EVENT_KINDS.items()}


def event_kind(event: JobEvent | LastWord) -> str:
    """Return the word for an event, such as `step_metrics`."""
    return _WORDS[type(event)]


def event_to_json(event: JobEvent | LastWord) -> JsonObject:
    """Return an event's fields as plain JSON; its kind is kept beside it."""
    plain: JsonObject = to_plain(event)
    return plain


def event_from_json(kind: str, data: object) -> JobEvent | LastWord:
    """Return the event that was stored under `kind`.

    Raises:
        MalformedJson: no such kind, or other fields than it has.
    """
    if kind not in EVENT_KINDS:
        raise MalformedJson(f"no event kind {kind!r}; there are {', '.join(EVENT_KINDS)}")
    return from_plain(EVENT_KINDS[kind], data)

"""What the job store takes and gives: plain values, no rows."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from trainer_service.jobs import (
    AttemptEnd,
    Evaluation,
    Export,
    JobEvent,
    JobFailure,
    JobModel,
    JobSpec,
    JobState,
    SnapshotRef,
    TrainPlan,
)
from trainer_service.jobs.run_spec import EngineName


@dataclass(frozen=True, slots=True, kw_only=True)
class NewJob:
    """A checked spec, and the request that it came with."""

    spec: JobSpec
    sent_spec: str
    """As the caller wrote it, as JSON; kept word for word and never read here."""
    request_id: str
    request_hash: str
    """sha256 of the canonical request: tells a repetition from a reused id."""
    trace: str = ""
    """Its place in a trace, see `jobs.trace`."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Progress:
    """How far a job is, folded from its events."""

    epoch: int = 0
    step: int = 0
    images_per_s: float = 0.0
    first_step: int = 0
    first_step_time: float = 0.0
    last_step_time: float = 0.0

    def remaining_s(self, num_steps: int) -> float | None:
        """Return the estimated time to the last step; None before two steps were seen, or where
        the worker's clock was set back in between.
        """
        num_seen = self.step - self.first_step
        elapsed_s = self.last_step_time - self.first_step_time
        if num_seen <= 0 or elapsed_s < 0:
            return None
        return elapsed_s / num_seen * max(0, num_steps - self.step)


@dataclass(frozen=True, slots=True, kw_only=True)
class JobRecord:
    """A job and how it stands. Times are Unix seconds, 0 where they did not come yet."""

    job_id: str
    spec: JobSpec
    sent_spec: str
    state: JobState
    state_reason: str
    failure: JobFailure | None
    create_time: float
    start_time: float
    end_time: float
    last_seq: int
    attempt: int
    """0 before the first one began."""
    progress: Progress
    metrics: Mapping[str, float]
    """The newest value of each, such as `validation/accuracy`."""
    model: JobModel | None
    plan: TrainPlan | None
    evaluation: Evaluation | None = None
    """The newest one."""
    first_seq: int = 1
    """The oldest event that is kept."""
    owner: str = ""
    """The host that holds it."""
    not_before: float = 0.0
    """It waits for its next attempt until then."""
    pause_deadline: float = 0.0
    """When it goes on where saving has not ended by then."""
    deadline: float = 0.0
    """When its time limit passes."""
    snapshot: SnapshotRef | None = None
    """What it would go on from."""
    resume_snapshot_id: str = ""
    """What a caller asked to go on from, until it has done so; empty means the newest."""
    trace: str = ""
    """Its place in a trace."""


@dataclass(frozen=True, slots=True, kw_only=True)
class JobLook:
    """What changes from moment to moment: cheap to ask for."""

    state: JobState
    attempt: int
    owner: str
    pause_deadline: float
    deadline: float
    last_seq: int


@dataclass(frozen=True, slots=True, kw_only=True)
class JobFigures:
    """How many jobs are where, of those that are not over."""

    num_in_state: Mapping[JobState, int]
    oldest_ready_time: float
    """Since when the first of those waits that wait for devices only; 0 where there is none."""
    num_hosts: int
    """Hosts that were ever heard of and have not ended in order."""


@dataclass(frozen=True, slots=True, kw_only=True)
class LogEnds:
    """Where a job's log begins and ends: cheap to ask for."""

    job_id: str
    first_seq: int
    """The oldest event that is kept."""
    last_seq: int


@dataclass(frozen=True, slots=True, kw_only=True)
class CreatedJob:
    """The answer of a creation, the first time and every time it is repeated."""

    job: JobRecord
    replayed: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class CancelledJob:
    """The answer of a cancellation."""

    job: JobRecord
    has_ended: bool
    """By this very call: no host held it."""


@dataclass(frozen=True, slots=True)
class Hold:
    """The right to speak for a job: it ends when the job is given back, or taken over."""

    job_id: str
    attempt: int
    owner: str
    """A host's id."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Attempt:
    """One run of one job. Times are Unix seconds, 0 where they did not come yet."""

    job_id: str
    number: int
    nonce: str
    num_lines_stored: int
    """Spool lines that are in the store already: the next one has this index."""
    host: str = ""
    device_indices: tuple[int, ...] = ()
    """Of that host, one a rank."""
    num_devices: int = 1
    start_time: float = 0.0
    end_time: float = 0.0
    end: AttemptEnd | None = None
    """None while it runs."""
    start_step: int | None = None
    """Steps that were done when it began; None until it has told that."""
    last_step: int = 0
    """The last one that it told of."""

    @property
    def hold(self) -> Hold:
        """Return the right to speak for it, as it was when it began."""
        return Hold(self.job_id, self.number, self.host)


@dataclass(frozen=True, slots=True, kw_only=True)
class Retries:
    """Attempts that ended before their time since the job was resumed last."""

    num_failures: int = 0
    num_preemptions: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class EventRecord:
    """One event as it was stored."""

    seq: int
    time: float
    attempt: int
    event: JobEvent


@dataclass(frozen=True, slots=True, kw_only=True)
class Outcome:
    """How a job ends. Stored together with its export and its attempt's end, or not at all."""

    state: JobState
    reason: str = ""
    failure: JobFailure | None = None
    export: Export | None = None
    end: AttemptEnd | None = None
    """Of the attempt, where it was not told before."""


@dataclass(frozen=True, slots=True, kw_only=True)
class WaitingJob:
    """A job that may start now, as far as the store knows."""

    job_id: str
    priority: int
    num_devices: int
    engine: EngineName
    queue_time: float
    """Since when it waits."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Placement:
    """Where a job is that a host holds."""

    job_id: str
    state: JobState
    host_id: str
    device_indices: tuple[int, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class CapacityNumbers:
    """What waits and what runs."""

    num_queued: int
    num_running: int
    """Held by a host."""
    oldest_queued_time: float
    """Unix seconds; 0 where nothing waits."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Series:
    """One curve, raw: its three columns are of one length, and steps grow."""

    name: str
    """Such as `validation/accuracy`."""
    steps: Sequence[int]
    epochs: Sequence[int]
    values: Sequence[float]


@dataclass(frozen=True, slots=True, kw_only=True)
class Curves:
    """Curves, and how far they go."""

    series: tuple[Series, ...]
    last_seq: int
    """Everything up to this event is in them."""

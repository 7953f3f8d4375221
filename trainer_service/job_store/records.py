"""What the job store takes and gives: plain values, no rows."""

from collections.abc import Mapping
from dataclasses import dataclass

from trainer_service.jobs import (
    Evaluation,
    Export,
    JobEvent,
    JobFailure,
    JobModel,
    JobSpec,
    JobState,
    TrainPlan,
)


@dataclass(frozen=True, slots=True, kw_only=True)
class NewJob:
    """A checked spec, and the request that it came with."""

    spec: JobSpec
    sent_spec: str
    """As the caller wrote it, as JSON; kept word for word and never read here."""
    request_id: str
    request_hash: str
    """sha256 of the canonical request: tells a repetition from a reused id."""


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


@dataclass(frozen=True, slots=True, kw_only=True)
class JobSummary:
    """What lists filter and order by."""

    job_id: str
    display_name: str
    backbone: str
    state: str
    create_time: float


@dataclass(frozen=True, slots=True, kw_only=True)
class CreatedJob:
    """The answer of a creation, the first time and every time it is repeated."""

    job: JobRecord
    replayed: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class Attempt:
    """One run of one job."""

    job_id: str
    number: int
    nonce: str
    num_lines_stored: int
    """Spool lines that are in the store already: the next one has this index."""


@dataclass(frozen=True, slots=True, kw_only=True)
class EventRecord:
    """One event as it was stored."""

    seq: int
    time: float
    attempt: int
    event: JobEvent


@dataclass(frozen=True, slots=True, kw_only=True)
class Outcome:
    """How a job ends. Stored together with its export, or not at all."""

    state: JobState
    reason: str = ""
    failure: JobFailure | None = None
    export: Export | None = None

"""What follows the end of an attempt. Pure: one table and the budgets."""

from dataclasses import dataclass

from trainer_service.job_store import Retries
from trainer_service.jobs import (
    RETRIED_WITHIN,
    AttemptEnd,
    ExitClass,
    JobFailure,
    JobState,
    RunSpec,
)
from trainer_service.jobs.run_spec import UNLIMITED
from trainer_service.supervisor.rooms import Timing

FAILURE_REASONS = {
    ExitClass.CRASHED: "WORKER_CRASHED",
    ExitClass.HUNG: "WORKER_HUNG",
    ExitClass.HOST_OUT_OF_MEMORY: "HOST_OUT_OF_MEMORY",
    ExitClass.DEVICE_OUT_OF_MEMORY: "DEVICE_OUT_OF_MEMORY",
    ExitClass.DEADLINE: "DEADLINE_EXCEEDED",
    ExitClass.PREEMPTED: "PREEMPTED_TOO_OFTEN",
    ExitClass.HOST_LOST: "HOST_LOST",
    ExitClass.CANCELLED: "WORKER_STOPPED",
}
"""Of a job that is not tried again, where the end has no reason of its own."""

UNNAMED = "INTERNAL"
"""What a worker says of an error that nobody named: it crashed."""

PAUSES = frozenset({ExitClass.PAUSED, ExitClass.DISK_FULL})


@dataclass(frozen=True, slots=True, kw_only=True)
class Following:
    """The move that follows an attempt."""

    to_state: JobState
    reason: str = ""
    failure: JobFailure | None = None
    wait_s: float = 0.0
    """Before the next attempt may begin."""


def what_follows(
    end: AttemptEnd, before: Retries, run: RunSpec, timing: Timing, *, did_a_step: bool
) -> Following:
    """Return where the end of an attempt leads.

    Args:
        before: how often the job ended before its time until now, without this end.
        did_a_step: where it did, a preempted job goes on at once; else it might go round and round.
    """
    spent = _with(end, before)
    if end.exit_class in PAUSES:
        return Following(to_state=JobState.PAUSED, reason=end.detail)
    match RETRIED_WITHIN.get(end.exit_class):
        case "failures" if spent.num_failures <= run.max_failures:
            wait_s = backoff_s(spent.num_failures, timing)
            used = f"{_times(spent.num_failures, 'failure')} of {run.max_failures} allowed"
            reason = f"{end.detail}; {used}; next attempt in {wait_s:.0f} s"
            return Following(to_state=JobState.QUEUED, reason=reason, wait_s=wait_s)
        case "preemptions" if _has_left(spent.num_preemptions, run.max_preemptions):
            wait_s = 0.0 if did_a_step else backoff_s(spent.num_preemptions, timing)
            return Following(to_state=JobState.QUEUED, reason=end.detail, wait_s=wait_s)
        case budget:
            return _failed(end, spent, run, budget)


def backoff_s(num_failures: int, timing: Timing) -> float:
    """Return how long a job waits after its n-th failure: 10 s, 20 s, 40 s, ..."""
    return float(
        min(timing.longest_backoff_s, timing.first_backoff_s * 2.0 ** max(0, num_failures - 1))
    )


def _with(end: AttemptEnd, before: Retries) -> Retries:
    budget = RETRIED_WITHIN.get(end.exit_class)
    return Retries(
        num_failures=before.num_failures + (budget == "failures"),
        num_preemptions=before.num_preemptions + (budget == "preemptions"),
    )


def _failed(end: AttemptEnd, spent: Retries, run: RunSpec, budget: str | None) -> Following:
    said = {
        "failures": f"; {_times(spent.num_failures, 'failure')}, and `run.max_failures` is"
        f" {run.max_failures}; when it is resumed it goes on from its last snapshot",
        "preemptions": f"; {_times(spent.num_preemptions, 'preemption')}, and"
        f" `run.max_preemptions` is {run.max_preemptions}",
    }
    has_own = end.reason not in ("", UNNAMED)
    reason = end.reason if has_own else FAILURE_REASONS.get(end.exit_class, UNNAMED)
    message = end.detail + said.get(budget or "", "")
    failure = JobFailure(reason=reason, message=message)
    return Following(to_state=JobState.FAILED, reason=message, failure=failure)


def _has_left(spent: int, budget: int) -> bool:
    return budget == UNLIMITED or spent <= budget


def _times(number: int, word: str) -> str:
    return f"{number} {word}" if number == 1 else f"{number} {word}s"

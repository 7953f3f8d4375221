"""From a worker's last word, or its silence, to the outcome that is stored."""

from pathlib import Path

from catalog_service.errors import VertebraError
from trainer_service.engines.process import WorkerProcess
from trainer_service.job_store import Outcome
from trainer_service.jobs import LOG_FILE, JobFailure, JobState

LOG_TAIL_BYTES = 4096
MAX_LOG_LINE_CHARS = 300


def failed(reason: str, message: str) -> Outcome:
    """Return a failure."""
    failure = JobFailure(reason=reason, message=message)
    return Outcome(state=JobState.FAILED, reason=message, failure=failure)


def failed_by(error: VertebraError) -> Outcome:
    """Return a failure that says all that `error` says."""
    return failed(error.error_reason, error.message)


def worker_died(worker: WorkerProcess, folder: Path) -> Outcome:
    """Return the failure of a worker that ended without a word."""
    last = last_log_line(folder)
    said = f"; its log ends with {last!r}" if last else ""
    return failed(
        "WORKER_DIED",
        f"the worker died: {worker.how_it_ended()}{said}; all of it is in {folder / LOG_FILE}",
    )


def stopped_from_outside(folder: Path) -> Outcome:
    """Return the failure of a worker that somebody else told to stop."""
    return failed(
        "WORKER_STOPPED",
        "the worker was stopped by a signal that this service did not send; "
        f"its log is {folder / LOG_FILE}",
    )


def last_log_line(folder: Path) -> str:
    """Return the last line that the worker printed, shortened; empty if there is none."""
    try:
        with (folder / LOG_FILE).open("rb") as log:
            log.seek(max(0, log.seek(0, 2) - LOG_TAIL_BYTES))
            tail = log.read().decode("utf-8", "replace")
    except FileNotFoundError:
        return ""
    lines = [line.strip() for line in tail.splitlines() if line.strip()]
    return lines[-1][:MAX_LOG_LINE_CHARS] if lines else ""

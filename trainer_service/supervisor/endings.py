"""From a worker's last word, or its silence, to how its attempt ended."""

from pathlib import Path

from catalog_service.blobs.disk import DiskFull
from catalog_service.errors import VertebraError
from trainer_service.job_store import JobRecord, Outcome
from trainer_service.jobs import (
    LOG_FILE,
    AttemptEnd,
    Command,
    ExitClass,
    JobFailure,
    JobState,
    LastWord,
    read_end,
)
from trainer_service.jobs.worker_end import WorkerEnd, exit_class_of
from trainer_service.supervisor.attempt_worker import AttemptWorker
from trainer_service.supervisor.oom_kills import oom_kills_since

LOG_TAIL_BYTES = 4096
MAX_LOG_LINE_CHARS = 300


def failed(reason: str, message: str) -> Outcome:
    """Return a failure."""
    failure = JobFailure(reason=reason, message=message)
    return Outcome(state=JobState.FAILED, reason=message, failure=failure)


def failed_by(error: VertebraError) -> Outcome:
    """Return a failure that says all that `error` says."""
    return failed(error.error_reason, error.message)


def refused(error: VertebraError) -> AttemptEnd:
    """Return the end of an attempt that would fail again in the same way."""
    return AttemptEnd(exit_class=ExitClass.REFUSED, reason=error.error_reason, detail=error.message)


def no_room(error: DiskFull) -> AttemptEnd:
    """Return the end of an attempt for which a disk has no room; the job can be resumed."""
    detail = f"{error.message}: make room there, then resume the job"
    return AttemptEnd(exit_class=ExitClass.DISK_FULL, reason="DISK_FULL", detail=detail)


def damaged_spool(error: VertebraError) -> AttemptEnd:
    """Return the end of an attempt that cannot be understood."""
    return AttemptEnd(exit_class=ExitClass.CRASHED, reason=error.error_reason, detail=error.message)


def hung(silence_s: float, stacks: str, folder: Path) -> AttemptEnd:
    """Return the end of a worker in which nothing moves."""
    where = f"; it hangs at {stacks}" if stacks else ""
    detail = (
        f"the worker told nothing and did nothing for {silence_s:.0f} s, and was stopped{where};"
        f" all stacks are in {folder / LOG_FILE}"
    )
    return AttemptEnd(exit_class=ExitClass.HUNG, detail=detail)


def over_time(limit_s: float) -> AttemptEnd:
    """Return the end of an attempt whose job took too long."""
    detail = (
        f"the job's time limit of {limit_s:g} s has passed (`run.time_limit`); when it is resumed"
        " it goes on from its last snapshot, with the whole time again"
    )
    return AttemptEnd(exit_class=ExitClass.DEADLINE, detail=detail)


def sent_away(within_s: float) -> AttemptEnd:
    """Return the end of an attempt whose host wants its devices back."""
    detail = f"its host stops; the worker did not end within {within_s:g} s"
    return AttemptEnd(exit_class=ExitClass.PREEMPTED, detail=detail)


def end_of(
    word: LastWord | None, worker: AttemptWorker, folder: Path, was_asked: Command
) -> AttemptEnd:
    """Return how the attempt of a worker that is gone ended."""
    if word is None and (known := read_end(folder)) is not None:
        return known
    return exit_class_of(
        WorkerEnd(
            last_word=word,
            exit_code=worker.exit_code,
            num_oom_kills=oom_kills_since(folder),
            was_asked=was_asked,
            how=worker.how_it_ended(),
            log_tail=last_log_line(folder),
        )
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


def given_up() -> AttemptEnd:
    """Return the end of an attempt that its supervisor cannot handle."""
    return AttemptEnd(
        exit_class=ExitClass.CRASHED,
        reason="INTERNAL",
        detail="the trainer failed again and again at looking after this job; the service's own log"
        " says at what. A resume goes on from the last snapshot",
    )


def loss_of(job: JobRecord) -> str:
    """Return what is done again when a job goes on that died before it was saved."""
    saved = job.snapshot.step if job.snapshot else 0
    return f"{max(0, job.progress.step - saved)} steps after the last snapshot will be done again"

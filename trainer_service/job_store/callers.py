"""What callers ask for: each request is done once, however often it comes."""

import uuid
from collections.abc import Callable
from typing import TypeVar

import sqlalchemy as sql

from trainer_service.errors import (
    JobActive,
    JobCancelling,
    JobFinished,
    JobPausing,
    JobRunning,
    TooManyJobsWait,
)
from trainer_service.job_store import queries, snapshots
from trainer_service.job_store.database import Database
from trainer_service.job_store.journal import append_events, locked_row
from trainer_service.job_store.moves import move, set_columns, set_state
from trainer_service.job_store.records import CancelledJob, CreatedJob, JobRecord, NewJob
from trainer_service.job_store.removal import remove_job
from trainer_service.job_store.requests import recall, remember
from trainer_service.job_store.rows import Columns, first_row, label_rows
from trainer_service.job_store.schema import JOB_LABELS, JOBS
from trainer_service.jobs import (
    FINAL_STATES,
    RESUMABLE,
    JobState,
    SnapshotRef,
    StateChanged,
)
from trainer_service.jobs.trace import begun_again

Answer = TypeVar("Answer")

_S = JobState


class Callers:
    """Writes what callers ask for.

    Args:
        max_waiting_jobs: a longer queue takes no more.
    """

    def __init__(self, database: Database, *, max_waiting_jobs: int) -> None:
        self._database = database
        self._max_waiting_jobs = max_waiting_jobs

    def recall_creation(self, request_id: str, request_hash: str) -> JobRecord | None:
        """Return the job that this request made, None if it is new.

        Raises:
            JobNotFound: the job that it made is deleted.
            RequestIdReused: the id came with another request.
        """

        def work(connection: sql.Connection) -> JobRecord | None:
            job_id = recall(connection, "create", request_id, request_hash)
            return queries.job(connection, job_id) if job_id else None

        return self._database.read(work)

    def create_job(self, new: NewJob) -> CreatedJob:
        """Store a job, QUEUED, together with its request id.

        Raises:
            RequestIdReused: the id came with another request.
            TooManyJobsWait: the queue is full.
        """

        def work(connection: sql.Connection) -> CreatedJob:
            known = recall(connection, "create", new.request_id, new.request_hash)
            if known:
                return CreatedJob(job=queries.job(connection, known), replayed=True)
            self._check_queue(connection)
            job_id = self._insert(connection, new)
            remember(connection, "create", new.request_id, new.request_hash, job_id)
            return CreatedJob(job=queries.job(connection, job_id), replayed=False)

        created = self._write_request(work)
        self._database.tell(created.job.job_id)
        return created

    def request_cancel(
        self, job_id: str, *, request_id: str, request_hash: str, reason: str
    ) -> CancelledJob:
        """Make a job CANCELLING; one that no host holds is CANCELLED with it. Once it is either,
        nothing more happens.

        Raises:
            JobNotFound: no such job.
            JobFinished: it has succeeded or failed already.
            RequestIdReused: the id came with another request.
        """

        def work(connection: sql.Connection) -> bool:
            state = _state(connection, job_id)
            if state in (_S.SUCCEEDED, _S.FAILED):
                raise JobFinished(f"job {job_id} has {state.value}: there is nothing to cancel")
            if state in (_S.CANCELLING, _S.CANCELLED):
                return False
            now = self._database.now()
            move(connection, job_id, _S.CANCELLING, now, reason=reason)
            is_held = state not in (_S.QUEUED, _S.PAUSED)
            if not is_held:  # nothing runs: there is nobody to wait for
                move(connection, job_id, _S.CANCELLED, now, reason=reason)
            return not is_held

        job, has_ended = self._once("cancel", job_id, request_id, request_hash, work)
        return CancelledJob(job=job, has_ended=bool(has_ended))

    def request_pause(
        self, job_id: str, *, request_id: str, request_hash: str, reason: str, within_s: float
    ) -> JobRecord:
        """Make a job PAUSING; one that waits is PAUSED at once. Once it is either, nothing more
        happens.

        Args:
            within_s: how long saving may take.

        Raises:
            JobNotFound: no such job.
            JobFinished, JobCancelling: there is nothing to pause.
            RequestIdReused: the id came with another request.
        """

        def work(connection: sql.Connection) -> None:
            state = _state(connection, job_id)
            if state in FINAL_STATES:
                raise JobFinished(f"job {job_id} has {_WORDS[state]}: there is nothing to pause")
            if state is _S.CANCELLING:
                raise JobCancelling(f"job {job_id} is being cancelled: it cannot be paused")
            now = self._database.now()
            if state is _S.QUEUED:
                move(connection, job_id, _S.PAUSED, now, reason=reason)
            elif state in (_S.PREPARING, _S.RUNNING):
                move(connection, job_id, _S.PAUSING, now, reason=reason)
                set_columns(connection, job_id, {"pause_deadline": now + within_s})

        return self._once("pause", job_id, request_id, request_hash, work)[0]

    def request_resume(
        self,
        job_id: str,
        *,
        request_id: str,
        request_hash: str,
        reason: str,
        snapshot_id: str = "",
    ) -> JobRecord:
        """Put a paused, failed or cancelled job back into the queue, with whole budgets.

        Args:
            snapshot_id: such as `2-1500`; empty goes on from the newest.

        Raises:
            JobNotFound: no such job.
            SnapshotNotFound: it has no such snapshot.
            JobFinished: it has succeeded.
            JobCancelling, JobPausing: that must end first.
            JobRunning: a snapshot was named, and it runs.
            TooManyJobsWait: the queue is full.
            RequestIdReused: the id came with another request.
        """

        def work(connection: sql.Connection) -> None:
            row = locked_row(connection, job_id)
            state = JobState(row["state"])
            _check_resumable(job_id, state, snapshot_id)
            if snapshot_id:
                snapshots.find_snapshot(connection, job_id, snapshot_id)
            if snapshot_id or state in RESUMABLE:  # else what was named before holds
                set_columns(connection, job_id, {"resume_snapshot": snapshot_id})
            if state in RESUMABLE:
                self._check_queue(connection)
                set_state(connection, job_id, _S.QUEUED, self._database.now(), reason=reason)
                set_columns(connection, job_id, {"resumed_after_attempt": row["attempt"]})
            if state in FINAL_STATES:  # its life begins again
                set_columns(connection, job_id, _NEW_LIFE | {"trace": begun_again(row["trace"])})

        return self._once("resume", job_id, request_id, request_hash, work)[0]

    def delete_job(self, name: str, *, request_id: str, request_hash: str) -> None:
        """Delete a job that is over or paused. Its hosts still have its files: see `deleted`.

        Args:
            name: as for `find_job`; a repeated request is answered though it fits no job by now.

        Raises:
            JobNotFound: none or several fit.
            JobActive: it waits or runs.
            RequestIdReused: the id came with another request.
        """

        def work(connection: sql.Connection) -> str:
            if recall(connection, "delete", request_id, request_hash):
                return ""
            job_id = queries.find_id(connection, name)
            state = _state(connection, job_id)
            if state not in FINAL_STATES and state is not _S.PAUSED:
                first = "it ends in a moment" if state is _S.CANCELLING else "cancel it first"
                raise JobActive(f"job {job_id} is {state.value}: {first}")
            remove_job(connection, job_id, self._database.now())
            remember(connection, "delete", request_id, request_hash, job_id)
            return job_id

        if job_id := self._write_request(work):
            self._database.tell(job_id)

    def set_pin(self, job_id: str, snapshot_id: str, pinned: bool) -> SnapshotRef:
        """Keep a snapshot until it is unpinned, or stop doing so; return it as it is then.

        Raises:
            SnapshotNotFound: the job has none of that name.
        """

        def work(connection: sql.Connection) -> SnapshotRef:
            return snapshots.set_pin(connection, job_id, snapshot_id, is_pinned=pinned)

        return self._database.change(job_id, work)

    def _once(
        self,
        method: str,
        job_id: str,
        request_id: str,
        request_hash: str,
        work: Callable[[sql.Connection], Answer],
    ) -> tuple[JobRecord, Answer | None]:
        """Do what a request asks for, unless it was done; return the job as it is then, and what
        `work` returned if it was done now.
        """

        def once(connection: sql.Connection) -> tuple[JobRecord, Answer | None]:
            locked_row(connection, job_id)
            answer = None
            if recall(connection, method, request_id, request_hash) is None:
                answer = work(connection)
                remember(connection, method, request_id, request_hash, job_id)
            return queries.job(connection, job_id), answer

        answered = self._write_request(once)
        self._database.tell(job_id)
        return answered

    def _write_request(self, work: Callable[[sql.Connection], Answer]) -> Answer:
        try:
            return self._database.write(work)
        except sql.exc.IntegrityError:  # another process stored the same request id just now
            return self._database.write(work)

    def _insert(self, connection: sql.Connection, new: NewJob) -> str:
        job_id, now = uuid.uuid4().hex, self._database.now()
        connection.execute(JOBS.insert().values(first_row(job_id, new, now)))
        if labels := label_rows(job_id, new):
            connection.execute(JOB_LABELS.insert(), labels)
        first = StateChanged(from_state=None, to_state=_S.QUEUED)
        append_events(connection, locked_row(connection, job_id), [first], now)
        return job_id

    def _check_queue(self, connection: sql.Connection) -> None:
        num_waiting = queries.num_waiting(connection)
        if num_waiting >= self._max_waiting_jobs:
            raise TooManyJobsWait(
                f"{num_waiting} jobs wait already; the most is {self._max_waiting_jobs}",
                retry_after_s=30,
            )


_NEW_LIFE: Columns = {"failure": None, "end_time": 0.0, "deadline": 0.0}
_WORDS = {_S.SUCCEEDED: "succeeded", _S.FAILED: "failed", _S.CANCELLED: "been cancelled"}


def _state(connection: sql.Connection, job_id: str) -> JobState:
    return JobState(locked_row(connection, job_id)["state"])


def _check_resumable(job_id: str, state: JobState, snapshot_id: str) -> None:
    match state:
        case _S.SUCCEEDED:
            raise JobFinished(f"job {job_id} has succeeded: there is nothing to go on with")
        case _S.CANCELLING:
            raise JobCancelling(f"job {job_id} is being cancelled; resume it when that has ended")
        case _S.PAUSING:
            raise JobPausing(f"job {job_id} is being paused; resume it when that has ended")
        case _S.PREPARING | _S.RUNNING if snapshot_id:
            raise JobRunning(
                f"job {job_id} is {state.value}; pause it to go on from {snapshot_id!r}"
            )

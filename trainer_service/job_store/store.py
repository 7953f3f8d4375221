"""The job store: every fact about jobs, and the only place where their state changes."""

import secrets
import time
import uuid
from collections.abc import Callable, Sequence
from typing import TypeVar

import sqlalchemy as sql

from trainer_service.errors import JobFinished, TooManyJobsWait
from trainer_service.job_store import queries
from trainer_service.job_store.database import Database
from trainer_service.job_store.journal import append_events, append_lines, read_job_row
from trainer_service.job_store.records import (
    Attempt,
    CreatedJob,
    EventRecord,
    JobRecord,
    JobSummary,
    NewJob,
    Outcome,
)
from trainer_service.job_store.requests import recall, remember
from trainer_service.job_store.rows import export_row, first_row
from trainer_service.job_store.schema import ATTEMPTS, EXPORTS, JOBS
from trainer_service.jobs import (
    FINAL_STATES,
    Export,
    Exported,
    JobEvent,
    JobModel,
    JobState,
    ModelReady,
    SpoolLine,
    StateChanged,
    check_transition,
)

Answer = TypeVar("Answer")

MAX_WAITING_JOBS = 1000
"""A queue longer than this is a caller's loop, not work."""


class JobStore:
    """Jobs, their attempts, events and exports. Every method is one transaction.

    Args:
        url: SQLAlchemy's database URL.
        clock: Unix seconds.
    """

    def __init__(
        self,
        url: str,
        *,
        clock: Callable[[], float] = time.time,
        max_waiting_jobs: int = MAX_WAITING_JOBS,
    ) -> None:
        self._database = Database(url)
        self._clock = clock
        self._max_waiting_jobs = max_waiting_jobs
        self._listeners: list[Callable[[str], None]] = []

    @property
    def log_id(self) -> str:
        """The identity of this database's event logs."""
        return self._database.log_id

    def subscribe(self, listener: Callable[[str], None]) -> None:
        """Call `listener(job_id)` after a job changed, on the thread that changed it."""
        self._listeners.append(listener)

    def close(self) -> None:
        """Finish the writes under way and let go of the database."""
        self._database.close()

    # What callers ask for

    def recall_creation(self, request_id: str, request_hash: str) -> JobRecord | None:
        """Return the job that this request made, None if it is new.

        Raises:
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
            job_id = uuid.uuid4().hex
            connection.execute(JOBS.insert().values(first_row(job_id, new, self._clock())))
            first = StateChanged(from_state=None, to_state=JobState.QUEUED)
            append_events(connection, job_id, [first], self._clock())
            remember(connection, "create", new.request_id, new.request_hash, job_id)
            return CreatedJob(job=queries.job(connection, job_id), replayed=False)

        try:
            created = self._database.write(work)
        except sql.exc.IntegrityError:  # another process stored the same request id just now
            created = self._database.write(work)
        self._tell(created.job.job_id)
        return created

    def request_cancel(
        self, job_id: str, *, request_id: str, request_hash: str, reason: str
    ) -> JobRecord:
        """Make a job CANCELLING. Once it is CANCELLING or CANCELLED nothing more happens.

        Raises:
            JobNotFound: no such job.
            JobFinished: it has succeeded or failed already.
            RequestIdReused: the id came with another request.
        """

        def work(connection: sql.Connection) -> JobRecord:
            if recall(connection, "cancel", request_id, request_hash):
                return queries.job(connection, job_id)
            state = JobState(read_job_row(connection, job_id)["state"])
            if state in (JobState.SUCCEEDED, JobState.FAILED):
                raise JobFinished(f"job {job_id} has {state.value}: there is nothing to cancel")
            if state not in (JobState.CANCELLING, JobState.CANCELLED):
                self._move(connection, job_id, JobState.CANCELLING, reason)
            remember(connection, "cancel", request_id, request_hash, job_id)
            return queries.job(connection, job_id)

        job = self._database.write(work)
        self._tell(job_id)
        return job

    # What the supervisor does

    def begin_attempt(self, job_id: str) -> Attempt:
        """Move a QUEUED job to PREPARING, with a new attempt and its nonce."""

        def work(connection: sql.Connection) -> Attempt:
            number = int(read_job_row(connection, job_id)["attempt"]) + 1
            row = {"job_id": job_id, "number": number, "nonce": secrets.token_hex(16)}
            connection.execute(ATTEMPTS.insert().values(**row, num_lines_stored=0))
            connection.execute(JOBS.update().where(JOBS.c.job_id == job_id).values(attempt=number))
            self._move(connection, job_id, JobState.PREPARING)
            return queries.attempt(connection, job_id)

        return self._write_and_tell(job_id, work)

    def pin_model(self, job_id: str, model: JobModel) -> None:
        """Keep the model that the catalog built: every later start uses exactly this one."""
        self._append(job_id, [ModelReady(model=model)])

    def set_running(self, job_id: str) -> None:
        """Move a PREPARING job to RUNNING.

        Raises:
            TransitionRefused: it was cancelled in the meantime.
        """
        self._write_and_tell(
            job_id, lambda connection: self._move(connection, job_id, JobState.RUNNING)
        )

    def say(self, job_id: str, event: JobEvent) -> None:
        """Append one event of the supervisor's own. A job in a final state stays as it is."""
        self._append(job_id, [event])

    def append_lines(self, job_id: str, attempt: int, lines: Sequence[SpoolLine]) -> None:
        """Append a worker's events, each once, however often it is called with the same lines.

        Raises:
            SpoolGap: a line is missing between those stored and those given.
        """
        self._write_and_tell(
            job_id, lambda connection: append_lines(connection, job_id, attempt, lines)
        )

    def finish(self, job_id: str, outcome: Outcome) -> None:
        """Move a job to its final state, with its export if there is one: all of it or nothing.

        Raises:
            TransitionRefused: the table has no such move, because it was cancelled, for example.
        """

        def work(connection: sql.Connection) -> None:
            from_state = JobState(read_job_row(connection, job_id)["state"])
            check_transition(from_state, outcome.state)
            events: list[JobEvent] = []
            if outcome.export is not None:
                connection.execute(EXPORTS.insert().values(export_row(job_id, outcome.export)))
                events.append(Exported(export=outcome.export))
            append_events(connection, job_id, events, self._clock())
            self._move(connection, job_id, outcome.state, outcome.reason, outcome)

        self._write_and_tell(job_id, work)

    # What everybody reads

    def find_job(self, name: str) -> JobRecord:
        """Return the job called `trainJobs/<id>`, `<id>`, or a prefix that one id alone has.

        Raises:
            JobNotFound: none or several fit.
        """
        return self._database.read(lambda connection: queries.find(connection, name))

    def jobs(self, job_ids: Sequence[str]) -> list[JobRecord]:
        """Return jobs in the order of `job_ids`; those that are gone are left out."""
        return self._database.read(lambda connection: queries.jobs(connection, job_ids))

    def summaries(self) -> list[JobSummary]:
        """Return what lists need of every job."""
        return self._database.read(queries.summaries)

    def unfinished(self) -> list[tuple[str, JobState]]:
        """Return jobs that are in no final state, oldest first."""
        return self._database.read(queries.unfinished)

    def attempt(self, job_id: str) -> Attempt | None:
        """Return a job's newest attempt, None before the first."""
        return self._database.read(lambda connection: queries.find_attempt(connection, job_id))

    def events(self, job_id: str, *, after_seq: int, limit: int) -> list[EventRecord]:
        """Return up to `limit` events with larger seq, in order."""
        return self._database.read(
            lambda connection: queries.events(connection, job_id, after_seq, limit)
        )

    def state(self, job_id: str) -> JobState:
        """Return where a job is in its life."""
        return self._database.read(lambda connection: queries.state(connection, job_id))

    def position(self, job_id: str) -> tuple[int, bool]:
        """Return the newest event's seq, and whether no event will follow it."""
        return self._database.read(lambda connection: queries.position(connection, job_id))

    def exports(self, job_id: str) -> list[Export]:
        """Return what a job exported, oldest first."""
        return self._database.read(lambda connection: queries.exports(connection, job_id))

    # Inside

    def _append(self, job_id: str, events: Sequence[JobEvent]) -> None:
        def work(connection: sql.Connection) -> None:
            if JobState(read_job_row(connection, job_id)["state"]) not in FINAL_STATES:
                append_events(connection, job_id, events, self._clock())

        self._write_and_tell(job_id, work)

    def _move(
        self,
        connection: sql.Connection,
        job_id: str,
        to_state: JobState,
        reason: str = "",
        outcome: Outcome | None = None,
    ) -> None:
        from_state = JobState(read_job_row(connection, job_id)["state"])
        check_transition(from_state, to_state)
        failure = outcome.failure if outcome else None
        moved = StateChanged(
            from_state=from_state, to_state=to_state, reason=reason, failure=failure
        )
        append_events(connection, job_id, [moved], self._clock())

    def _check_queue(self, connection: sql.Connection) -> None:
        num_waiting = queries.num_waiting(connection)
        if num_waiting >= self._max_waiting_jobs:
            raise TooManyJobsWait(
                f"{num_waiting} jobs wait already; the most is {self._max_waiting_jobs}",
                retry_after_s=30,
            )

    def _write_and_tell(self, job_id: str, work: Callable[[sql.Connection], Answer]) -> Answer:
        answer = self._database.write(work)
        self._tell(job_id)
        return answer

    def _tell(self, job_id: str) -> None:
        for listener in self._listeners:
            listener(job_id)

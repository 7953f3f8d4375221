"""What everybody reads. Each call sees one moment of what it asks for."""

from collections.abc import Collection, Sequence

import sqlalchemy as sql

from catalog_service.serving.listing import Page
from trainer_service.job_store import queries, snapshots
from trainer_service.job_store.curves import curves
from trainer_service.job_store.database import Database
from trainer_service.job_store.job_listing import page_of_jobs
from trainer_service.job_store.records import (
    Attempt,
    Curves,
    EventRecord,
    Hold,
    JobLook,
    JobRecord,
    LogEnds,
    Retries,
)
from trainer_service.jobs import Export, JobState, SnapshotRef


class Readers:
    """Reads."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def find_job(self, name: str) -> JobRecord:
        """Return the job called `trainJobs/<id>`, `<id>`, or a prefix that one id alone has.

        Raises:
            JobNotFound: none or several fit.
        """
        return self._database.read(lambda connection: queries.find(connection, name))

    def jobs(self, job_ids: Sequence[str]) -> list[JobRecord]:
        """Return jobs in the order of `job_ids`; those that are gone are left out."""
        return self._database.read(lambda connection: queries.jobs(connection, job_ids))

    def page_of_jobs(
        self,
        *,
        filter: str = "",  # noqa: A002  # the word of the contract
        order_by: str = "",
        page_size: int = 0,
        page_token: str = "",
    ) -> Page[JobRecord]:
        """Return a page of jobs, and how many match in all.

        Raises:
            InvalidRequest: FILTER_INVALID, ORDER_INVALID, PAGE_TOKEN_INVALID or FIELD_INVALID.
        """

        def work(connection: sql.Connection) -> Page[JobRecord]:
            page = page_of_jobs(connection, filter, order_by, page_size, page_token)
            return Page(
                items=tuple(queries.jobs(connection, page.items)),
                next_page_token=page.next_page_token,
                total_size=page.total_size,
            )

        return self._database.read(work)

    def attempts(self, job_id: str) -> list[Attempt]:
        """Return a job's attempts, oldest first."""
        return self._database.read(lambda connection: queries.attempts(connection, job_id))

    def attempt(self, job_id: str) -> Attempt | None:
        """Return a job's newest attempt, None before the first."""
        return self._database.read(lambda connection: queries.find_attempt(connection, job_id))

    def hold(self, job_id: str) -> Hold:
        """Return who may speak for a job now. Raises JobNotFound."""
        return self._database.read(lambda connection: queries.hold(connection, job_id))

    def retries(self, job_id: str) -> Retries:
        """Return how often attempts ended before their time since the job was resumed last."""
        return self._database.read(lambda connection: queries.retries(connection, job_id))

    def events(self, job_id: str, *, after_seq: int, limit: int) -> list[EventRecord]:
        """Return up to `limit` events with larger seq, in order.

        Raises:
            CursorCompacted: the next one is not kept any more.
        """
        return self._database.read(
            lambda connection: queries.events(connection, job_id, after_seq, limit)
        )

    def states(self, job_ids: Collection[str]) -> dict[str, JobState]:
        """Return where jobs are in their lives; those that are gone are left out."""
        return self._database.read(lambda connection: queries.states(connection, job_ids))

    def look(self, job_id: str) -> JobLook:
        """Return what changes of a job from moment to moment: for whoever looks often. Raises
        JobNotFound.
        """
        return self._database.read(lambda connection: queries.look(connection, job_id))

    def find_id(self, name: str) -> str:
        """Return the id of the job that `find_job` would return."""
        return self._database.read(lambda connection: queries.find_id(connection, name))

    def log_ends(self, name: str) -> LogEnds:
        """Return where the log of the job that `find_job` would return begins and ends."""

        def work(connection: sql.Connection) -> LogEnds:
            return queries.log_ends(connection, queries.find_id(connection, name))

        return self._database.read(work)

    def position(self, job_id: str) -> tuple[int, bool]:
        """Return the newest event's seq, and whether no event will follow it unless the job is
        resumed. Raises JobNotFound.
        """
        return self._database.read(lambda connection: queries.position(connection, job_id))

    def last_seqs(self, job_ids: Collection[str]) -> dict[str, int]:
        """Return the newest event's seq of each job; those that are gone are left out. For whoever
        waits for jobs that other processes change.
        """
        return self._database.read(lambda connection: queries.last_seqs(connection, job_ids))

    def exports(self, job_id: str) -> list[Export]:
        """Return what a job exported, oldest first."""
        return self._database.read(lambda connection: queries.exports(connection, job_id))

    def snapshots(self, job_id: str) -> list[SnapshotRef]:
        """Return a job's snapshots that are kept, newest first."""
        return self._database.read(lambda connection: snapshots.snapshots(connection, job_id))

    def resume_from(self, job_id: str) -> tuple[SnapshotRef, ...]:
        """Return what the next attempt may go on from, the best choice first; at most three."""
        return self._database.read(lambda connection: snapshots.resume_from(connection, job_id))

    def metrics(
        self,
        job_id: str,
        *,
        patterns: Sequence[str] = (),
        min_step: int = 0,
        max_step: int = 0,
    ) -> Curves:
        """Return curves without what was rolled back.

        Args:
            patterns: names, or patterns with `*`; none means all.
            max_step: 0 means that none is the last.
        """
        steps = (min_step, max_step)
        return self._database.read(lambda connection: curves(connection, job_id, patterns, steps))

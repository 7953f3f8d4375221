"""What a host writes about the jobs that it holds. Every write proves that it still does."""

from collections.abc import Callable, Sequence
from dataclasses import replace

import sqlalchemy as sql

from trainer_service.job_store import snapshots
from trainer_service.job_store.database import Database
from trainer_service.job_store.journal import append_events, append_lines, held_row
from trainer_service.job_store.moves import end_attempt, move, set_columns
from trainer_service.job_store.records import Hold, Outcome
from trainer_service.job_store.removal import compact, deleted, forget_deleted
from trainer_service.job_store.rows import export_row
from trainer_service.job_store.schema import EXPORTS
from trainer_service.jobs import (
    AttemptEnd,
    Exported,
    JobEvent,
    JobFailure,
    JobModel,
    JobState,
    ModelReady,
    SpoolLine,
    TransitionRefused,
    check_transition,
)

Write = Callable[[sql.Connection], None]


class Holders:
    """Writes for the hosts that hold jobs.

    With a hold: LeaseLost where the job is another's by now; nothing is written then.
    """

    def __init__(self, database: Database) -> None:
        self._database = database

    def pin_model(self, hold: Hold, model: JobModel) -> None:
        """Keep the model that the catalog built: every later start uses exactly this one."""
        self.say(hold, ModelReady(model=model))

    def say(self, hold: Hold, event: JobEvent) -> None:
        """Append one event of the supervisor's own."""

        def work(connection: sql.Connection) -> None:
            append_events(connection, held_row(connection, hold), [event], self._database.now())

        self._database.change(hold.job_id, work)

    def append_lines(self, hold: Hold, lines: Sequence[SpoolLine]) -> None:
        """Append a worker's events, each once, however often it is called with the same lines.

        Raises:
            SpoolGap: a line is missing between those stored and those given.
        """
        self._database.change(hold.job_id, lambda connection: append_lines(connection, hold, lines))

    def move(
        self,
        hold: Hold,
        to_state: JobState,
        reason: str = "",
        *,
        failure: JobFailure | None = None,
        not_before: float = 0.0,
        end: AttemptEnd | None = None,
    ) -> None:
        """Move a job, with its attempt's end if that is why. The hold ends in QUEUED, PAUSED and
        final states.

        Args:
            not_before: of a QUEUED job: it is not started earlier.

        Raises:
            TransitionRefused: the table has no such move, because it was cancelled, for example.
        """

        def work(connection: sql.Connection) -> None:
            self._leave(connection, hold, to_state, end)
            now = self._database.now()
            move(connection, hold.job_id, to_state, now, reason=reason, failure=failure)
            if not_before:
                assert to_state is JobState.QUEUED  # nothing else waits
                set_columns(connection, hold.job_id, {"not_before": not_before})

        self._database.change(hold.job_id, work)

    def begin(self, hold: Hold) -> None:
        """Move a PREPARING job to RUNNING: a worker may be started.

        Raises:
            TransitionRefused: it is not PREPARING any more, because it was paused, for example. The
                table has a move from there, which is for a pause that failed.
        """

        def work(connection: sql.Connection) -> None:
            state = JobState(held_row(connection, hold)["state"])
            if state is not JobState.PREPARING:
                raise TransitionRefused(f"job {hold.job_id} is {state.value!r}, and cannot begin")
            move(connection, hold.job_id, JobState.RUNNING, self._database.now())

        self._database.change(hold.job_id, work)

    def end_attempt(self, hold: Hold, end: AttemptEnd) -> None:
        """Note how the attempt ended, and tell it. Where that was done, nothing happens."""

        def work(connection: sql.Connection) -> None:
            held_row(connection, hold)
            end_attempt(connection, hold.job_id, end, self._database.now())

        self._database.change(hold.job_id, work)

    def finish(self, hold: Hold, outcome: Outcome) -> None:
        """Move a job to its final state, with its export and its attempt's end if there are some:
        all of it or nothing.

        Raises:
            TransitionRefused: the table has no such move, because it was cancelled, for example.
        """

        def work(connection: sql.Connection) -> None:
            self._leave(connection, hold, outcome.state, outcome.end)
            now = self._database.now()
            if outcome.export is not None:
                self._add_export(connection, hold, outcome)
            move(
                connection,
                hold.job_id,
                outcome.state,
                now,
                reason=outcome.reason,
                failure=outcome.failure,
            )

        self._database.change(hold.job_id, work)

    def drop_snapshots(self, hold: Hold, snapshot_ids: Sequence[str]) -> list[str]:
        """Take snapshots out of the store and return which: their folders may go. Neither pinned
        ones go, nor the one that the job would go on from.
        """

        def work(connection: sql.Connection) -> list[str]:
            held_row(connection, hold)
            return snapshots.drop_snapshots(connection, hold.job_id, snapshot_ids)

        return self._database.change(hold.job_id, work)

    def spent(self) -> list[str]:
        """Return jobs that have succeeded, and have snapshots that nobody pinned."""
        return self._database.read(snapshots.spent)

    def drop_spent(self, job_id: str) -> None:
        """Take the snapshots out of which `spent` tells: their folders may go."""
        self._database.change(job_id, lambda connection: snapshots.drop_spent(connection, job_id))

    def deleted(self, owner: str) -> list[str]:
        """Return deleted jobs of which this host may have files."""
        return self._database.read(lambda connection: deleted(connection, owner))

    def forget_deleted(self, job_id: str, owner: str) -> None:
        """Note that this host has no file of a deleted job any more."""
        self._database.write(lambda connection: forget_deleted(connection, job_id, owner))

    def compact(self, job_id: str, keep: int) -> None:
        """Delete a job's oldest events, so that `keep` are left; the curves stay whole."""
        assert keep > 0  # readers find the end of the log by its last event
        while self._database.write(lambda connection: compact(connection, job_id, keep)):
            pass

    def _leave(
        self, connection: sql.Connection, hold: Hold, to_state: JobState, end: AttemptEnd | None
    ) -> None:
        """Check that the job is ours and may move; note how its attempt ended."""
        check_transition(JobState(held_row(connection, hold)["state"]), to_state)
        if end is not None:
            end_attempt(connection, hold.job_id, end, self._database.now())

    def _add_export(self, connection: sql.Connection, hold: Hold, outcome: Outcome) -> None:
        """Keep an export. A job that was resumed after it had exported has several."""
        assert outcome.export is not None
        of_job = EXPORTS.c.job_id == hold.job_id
        query = sql.select(sql.func.coalesce(sql.func.max(EXPORTS.c.number), 0)).where(of_job)
        number = int(connection.execute(query).scalar_one()) + 1
        export = replace(outcome.export, number=number)
        connection.execute(EXPORTS.insert().values(export_row(hold.job_id, export)))
        row = held_row(connection, hold)
        append_events(connection, row, [Exported(export=export)], self._database.now())

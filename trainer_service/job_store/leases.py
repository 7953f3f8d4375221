"""Which host holds which job, and until when. One host at a time, whatever happens to the others.

Leases are measured by the database's clock where hosts share one.
"""

import json
import secrets
from collections.abc import Callable, Collection

import sqlalchemy as sql

from trainer_service.errors import JobNotFound
from trainer_service.job_store import queries
from trainer_service.job_store.database import Database
from trainer_service.job_store.journal import locked_row
from trainer_service.job_store.moves import end_attempt, move, run_spec, set_columns
from trainer_service.job_store.records import Attempt, Hold
from trainer_service.job_store.rows import Columns
from trainer_service.job_store.schema import ATTEMPTS, JOBS
from trainer_service.jobs import (
    HOLDING,
    AttemptEnd,
    ExitClass,
    JobFailure,
    JobState,
    TransitionRefused,
)
from trainer_service.jobs.run_spec import UNLIMITED

_S = JobState

IS_HELD = JOBS.c.state.in_([state.value for state in HOLDING])


class Leases:
    """Gives jobs to hosts, and takes them from hosts that are lost."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def claim(
        self, job_id: str, owner: str, lease_s: float, *, device_indices: tuple[int, ...] = ()
    ) -> Attempt:
        """Move a QUEUED job to PREPARING, with a new attempt and its nonce. Of hosts that try at
        once, one does.

        Args:
            owner: the host's id.
            lease_s: the host holds it for so long, and renews that; 0 means for ever.

        Raises:
            JobNotFound: it is deleted.
            TransitionRefused: it does not wait any more, or must wait longer.
        """

        def work(connection: sql.Connection) -> Attempt:
            row = locked_row(connection, job_id)
            now = self._database.now()
            if row["not_before"] > now:
                raise TransitionRefused(
                    f"job {job_id} waits for {row['not_before'] - now:.1f} s more"
                )
            set_columns(connection, job_id, {"attempt": row["attempt"] + 1})
            move(connection, job_id, _S.PREPARING, now)
            lease_until = self._lease_until(connection, lease_s)
            set_columns(connection, job_id, {"owner": owner, "lease_until": lease_until})
            if not row["deadline"] and (limit_s := run_spec(connection, job_id).time_limit_s):
                set_columns(connection, job_id, {"deadline": now + limit_s})
            attempt = _attempt_row(row, owner, device_indices, now)
            connection.execute(ATTEMPTS.insert().values(attempt))
            return queries.attempt(connection, job_id)

        return self._database.change(job_id, work)

    def renew(self, owner: str, lease_s: float, job_ids: Collection[str]) -> set[str]:
        """Hold jobs for `lease_s` from now on; return which of them are still this host's."""

        def work(connection: sql.Connection) -> set[str]:
            ours = sql.and_(JOBS.c.owner == owner, JOBS.c.job_id.in_(list(job_ids)), IS_HELD)
            lease_until = self._lease_until(connection, lease_s)
            connection.execute(JOBS.update().where(ours).values(lease_until=lease_until))
            return set(connection.execute(sql.select(JOBS.c.job_id).where(ours)).scalars())

        return self._database.write(work) if job_ids else set()

    def adopt(self, owner: str, lease_s: float) -> list[Hold]:
        """Return what this host holds after a restart, its leases renewed. Jobs that run and have
        no owner become its own: the first release left them.
        """

        def work(connection: sql.Connection) -> list[Hold]:
            ours = sql.and_(JOBS.c.owner.in_([owner, ""]), IS_HELD)
            lease_until = self._lease_until(connection, lease_s)
            held = JOBS.update().where(ours).values(owner=owner, lease_until=lease_until)
            connection.execute(held)
            query = sql.select(JOBS.c.job_id, JOBS.c.attempt).where(JOBS.c.owner == owner, IS_HELD)
            rows = connection.execute(query.order_by(JOBS.c.create_time, JOBS.c.job_id))
            return [Hold(job_id, attempt, owner) for job_id, attempt in rows]

        return self._database.write(work)

    def take_over(
        self, owner: str, lapsed_s: float, *, backoff_s: Callable[[int], float] = lambda _: 0.0
    ) -> list[str]:
        """Take jobs from hosts whose leases ended more than `lapsed_s` ago, and return which. They
        wait again; or they are over, where they were being stopped or their budget is spent.

        Args:
            owner: this host, which takes nothing from itself.
            backoff_s: how long a job waits that was lost for the n-th time and did no step: it may
                be what takes its hosts down.
        """

        def lapsed(connection: sql.Connection) -> list[Hold]:
            before = self._database.shared_now(connection) - lapsed_s
            query = sql.select(JOBS.c.job_id, JOBS.c.attempt, JOBS.c.owner).where(
                IS_HELD, JOBS.c.lease_until < before, JOBS.c.owner != owner
            )
            return [Hold(*row) for row in connection.execute(query)]

        def take(hold: Hold) -> bool:
            def work(connection: sql.Connection) -> bool:
                is_lost = self._end_lost_attempt(connection, hold, lapsed_s)
                if is_lost:
                    self._wait_longer(connection, hold.job_id, backoff_s)
                return is_lost

            is_taken = self._database.write(work)
            if is_taken:
                self._database.tell(hold.job_id)
            return is_taken

        return [hold.job_id for hold in self._database.read(lapsed) if take(hold)]

    def _wait_longer(
        self, connection: sql.Connection, job_id: str, backoff_s: Callable[[int], float]
    ) -> None:
        """Have a lost job that waits again wait for longer, where its attempt did no step."""
        attempt = queries.attempt(connection, job_id)
        is_waiting = locked_row(connection, job_id)["state"] == _S.QUEUED.value
        if is_waiting and attempt.last_step <= (attempt.start_step or 0):
            wait_s = backoff_s(queries.retries(connection, job_id).num_preemptions)
            set_columns(connection, job_id, {"not_before": self._database.now() + wait_s})

    def _end_lost_attempt(self, connection: sql.Connection, hold: Hold, lapsed_s: float) -> bool:
        """End the attempt of a lost host, unless somebody was faster or it came back."""
        try:
            row = locked_row(connection, hold.job_id)
        except JobNotFound:
            return False
        lease_until, before = row["lease_until"], self._database.shared_now(connection) - lapsed_s
        is_same = (row["attempt"], row["owner"]) == (hold.attempt, hold.owner)
        if not is_same or lease_until is None or lease_until >= before:
            return False
        detail = f"host {hold.owner} was not heard of any more"
        end = AttemptEnd(exit_class=ExitClass.HOST_LOST, reason="HOST_LOST", detail=detail)
        now = self._database.now()
        end_attempt(connection, hold.job_id, end, now)
        to_state = _after_loss(connection, hold.job_id, JobState(row["state"]))
        failure = JobFailure(reason="HOST_LOST", message=detail)
        is_failure = to_state is _S.FAILED
        move(
            connection,
            hold.job_id,
            to_state,
            now,
            reason=detail,
            failure=failure if is_failure else None,
        )
        return True

    def _lease_until(self, connection: sql.Connection, lease_s: float) -> float | None:
        return self._database.shared_now(connection) + lease_s if lease_s else None


def _attempt_row(
    job: sql.RowMapping, owner: str, device_indices: tuple[int, ...], time: float
) -> Columns:
    """Return the row of the attempt after a job's present one."""
    number = job["attempt"] + 1
    return {
        "job_id": job["job_id"],
        "number": number,
        "nonce": secrets.token_hex(16),
        "num_lines_stored": 0,
        "host": owner,
        "device_indices": json.dumps(device_indices),
        "num_devices": job["num_devices"],
        "start_time": time,
        "start_step": 0 if number == 1 else None,
    }


def _after_loss(connection: sql.Connection, job_id: str, state: JobState) -> JobState:
    if state is _S.CANCELLING:
        return _S.CANCELLED
    if state is _S.PAUSING:
        return _S.PAUSED
    most = run_spec(connection, job_id).max_preemptions
    spent = queries.retries(connection, job_id).num_preemptions
    return _S.QUEUED if most == UNLIMITED or spent <= most else _S.FAILED

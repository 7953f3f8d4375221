"""The hosts that train, what waits for them, and what is where."""

import json
from collections.abc import Collection

import sqlalchemy as sql

from trainer_service.job_store.database import Database
from trainer_service.job_store.journal import locked_row
from trainer_service.job_store.leases import IS_HELD
from trainer_service.job_store.many_rows import upsert
from trainer_service.job_store.moves import move
from trainer_service.job_store.records import (
    CapacityNumbers,
    JobFigures,
    Placement,
    WaitingJob,
)
from trainer_service.job_store.rows import host_of, host_row
from trainer_service.job_store.schema import ATTEMPTS, HOSTS, JOBS
from trainer_service.jobs import FINAL_STATES, JobFailure, JobState
from trainer_service.jobs.host import HostRecord

IS_QUEUED = JOBS.c.state == JobState.QUEUED.value
UNFINISHED = [state.value for state in JobState if state not in FINAL_STATES]


class Hosts:
    """Knows the hosts, the queue, and who is where."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def heartbeat(self, host: HostRecord) -> None:
        """Note that a host was heard of just now, and what it says of itself."""

        def work(connection: sql.Connection) -> None:
            row = host_row(host, self._database.shared_now(connection))
            upsert(connection, HOSTS, [row])

        self._database.write(work)

    def forget_host(self, host_id: str) -> None:
        """Take out a host that ended in order."""
        gone = HOSTS.delete().where(HOSTS.c.host_id == host_id)
        self._database.write(lambda connection: connection.execute(gone))

    def hosts(self) -> list[HostRecord]:
        """Return every host that was ever heard of and has not ended in order, by name."""
        query = sql.select(HOSTS).order_by(HOSTS.c.name, HOSTS.c.host_id)
        return self._database.read(
            lambda connection: [host_of(row) for row in connection.execute(query).mappings()]
        )

    def queue(
        self,
        *,
        engines: Collection[str] | None = None,
        max_devices: int | None = None,
        limit: int = 100,
    ) -> list[WaitingJob]:
        """Return jobs that may start now, in order: by priority, then by age.

        Args:
            engines: only for these; None for any.
            max_devices: only those that want no more of this host; a cluster has its own.
            limit: the most that are returned.
        """
        names = ("job_id", "priority", "num_devices", "engine", "queue_time")
        columns = [JOBS.c[name] for name in names]
        query = sql.select(*columns).where(IS_QUEUED, JOBS.c.not_before <= self._database.now())
        if engines is not None:
            query = query.where(JOBS.c.engine.in_(list(engines)))
        if max_devices is not None:
            fits = (JOBS.c.num_devices <= max_devices) | (JOBS.c.engine != "process")
            query = query.where(fits)
        query = query.order_by(JOBS.c.priority.desc(), JOBS.c.create_time, JOBS.c.job_id)
        return self._database.read(
            lambda connection: [
                WaitingJob(**row) for row in connection.execute(query.limit(limit)).mappings()
            ]
        )

    def overdue(self) -> list[str]:
        """Return jobs that no host holds and whose time limit has passed."""
        waits = JOBS.c.state.in_([JobState.QUEUED.value, JobState.PAUSED.value])
        passed = (JOBS.c.deadline > 0) & (JOBS.c.deadline < self._database.now())
        query = sql.select(JOBS.c.job_id).where(waits, passed)
        return self._database.read(lambda c: list(c.execute(query).scalars()))

    def fail_waiting(self, job_id: str, failure: JobFailure) -> bool:
        """Fail a job that no host holds and whose time limit has passed; return False where that is
        not so any more.
        """

        def work(connection: sql.Connection) -> bool:
            row, now = locked_row(connection, job_id), self._database.now()
            is_overdue = 0 < row["deadline"] < now  # or somebody resumed it since it was
            if not is_overdue or JobState(row["state"]) not in (JobState.QUEUED, JobState.PAUSED):
                return False
            reason = failure.message
            move(connection, job_id, JobState.FAILED, now, reason=reason, failure=failure)
            return True

        return self._database.change(job_id, work)

    def placements(self) -> list[Placement]:
        """Return where jobs are that a host holds."""
        same = (ATTEMPTS.c.job_id == JOBS.c.job_id) & (ATTEMPTS.c.number == JOBS.c.attempt)
        columns = (JOBS.c.job_id, JOBS.c.state, JOBS.c.owner, ATTEMPTS.c.device_indices)
        query = sql.select(*columns).join(ATTEMPTS, same).where(IS_HELD)

        def work(connection: sql.Connection) -> list[Placement]:
            return [
                Placement(
                    job_id=job_id,
                    state=JobState(state),
                    host_id=owner,
                    device_indices=tuple(json.loads(indices)),
                )
                for job_id, state, owner, indices in connection.execute(query)
            ]

        return self._database.read(work)

    def figures(self) -> JobFigures:
        """Return how many jobs are where. Jobs that are over are not looked at, however many."""
        counted = sql.select(JOBS.c.state, sql.func.count()).where(JOBS.c.state.in_(UNFINISHED))
        ready = IS_QUEUED & (JOBS.c.not_before <= self._database.now())
        oldest = sql.select(JOBS.c.queue_time).where(ready).order_by(JOBS.c.queue_time).limit(1)
        hosts = sql.select(sql.func.count()).select_from(HOSTS)

        def work(connection: sql.Connection) -> JobFigures:
            rows = connection.execute(counted.group_by(JOBS.c.state))
            return JobFigures(
                num_in_state={JobState(state): int(number) for state, number in rows},
                oldest_ready_time=connection.execute(oldest).scalar() or 0.0,
                num_hosts=int(connection.execute(hosts).scalar_one()),
            )

        return self._database.read(work)

    def capacity(self) -> CapacityNumbers:
        """Return how many jobs wait and run, and since when the oldest waits."""
        waiting = sql.select(sql.func.count()).select_from(JOBS).where(IS_QUEUED)
        oldest = sql.select(sql.func.min(JOBS.c.queue_time)).where(IS_QUEUED)
        running = sql.select(sql.func.count()).select_from(JOBS).where(IS_HELD)

        def work(connection: sql.Connection) -> CapacityNumbers:
            return CapacityNumbers(
                num_queued=int(connection.execute(waiting).scalar_one()),
                num_running=int(connection.execute(running).scalar_one()),
                oldest_queued_time=connection.execute(oldest).scalar_one() or 0.0,
            )

        return self._database.read(work)

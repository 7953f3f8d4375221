"""Reading: functions of a connection."""

import re
from collections.abc import Sequence

import sqlalchemy as sql

from catalog_service.errors import listed
from trainer_service.errors import JobNotFound
from trainer_service.job_store.records import Attempt, EventRecord, JobRecord, JobSummary
from trainer_service.job_store.rows import attempt_of, event_of, export_of, job_of
from trainer_service.job_store.schema import ATTEMPTS, EVENTS, EXPORTS, JOBS
from trainer_service.jobs import FINAL_STATES, Export, JobState

NAME_PREFIX = "trainJobs/"
_ID_PREFIX = re.compile(r"[0-9a-f]{1,32}")


def find(connection: sql.Connection, name: str) -> JobRecord:
    """Return the one job whose id is, or starts with, `name` after its `trainJobs/`."""
    wanted = name.removeprefix(NAME_PREFIX)
    fitting = _ids_starting_with(connection, wanted)
    if wanted in fitting:
        return job(connection, wanted)
    if len(fitting) > 1:
        raise JobNotFound(f"{len(fitting)} jobs start with {wanted!r}: {listed(fitting)}")
    if not fitting:
        raise JobNotFound(f"no job {name!r}; ListTrainJobs returns all there are")
    return job(connection, fitting[0])


def _ids_starting_with(connection: sql.Connection, prefix: str) -> list[str]:
    if not _ID_PREFIX.fullmatch(prefix):
        return []
    query = sql.select(JOBS.c.job_id).where(JOBS.c.job_id.like(f"{prefix}%"))
    return list(connection.execute(query.order_by(JOBS.c.job_id)).scalars())


def job(connection: sql.Connection, job_id: str) -> JobRecord:
    """Return a job that is known to exist."""
    query = sql.select(JOBS).where(JOBS.c.job_id == job_id)
    return job_of(connection.execute(query).mappings().one())


def jobs(connection: sql.Connection, job_ids: Sequence[str]) -> list[JobRecord]:
    """Return jobs in the order of `job_ids`."""
    query = sql.select(JOBS).where(JOBS.c.job_id.in_(job_ids))
    by_id = {row["job_id"]: job_of(row) for row in connection.execute(query).mappings()}
    return [by_id[job_id] for job_id in job_ids if job_id in by_id]


def summaries(connection: sql.Connection) -> list[JobSummary]:
    """Return what lists need of every job."""
    names = ("job_id", "display_name", "backbone", "state", "create_time")
    query = sql.select(*(JOBS.c[name] for name in names))
    return [JobSummary(**row) for row in connection.execute(query).mappings()]


def unfinished(connection: sql.Connection) -> list[tuple[str, JobState]]:
    """Return ids and states of jobs that are in no final state, oldest first."""
    final = [state.value for state in FINAL_STATES]
    query = sql.select(JOBS.c.job_id, JOBS.c.state).where(JOBS.c.state.not_in(final))
    rows = connection.execute(query.order_by(JOBS.c.create_time, JOBS.c.job_id))
    return [(job_id, JobState(state)) for job_id, state in rows]


def num_waiting(connection: sql.Connection) -> int:
    """Return how many jobs are QUEUED."""
    query = sql.select(sql.func.count()).where(JOBS.c.state == JobState.QUEUED.value)
    return int(connection.execute(query).scalar_one())


def find_attempt(connection: sql.Connection, job_id: str) -> Attempt | None:
    """Return a job's newest attempt, None before the first."""
    query = sql.select(ATTEMPTS).where(ATTEMPTS.c.job_id == job_id)
    row = connection.execute(query.order_by(ATTEMPTS.c.number.desc()).limit(1)).mappings().first()
    return attempt_of(row) if row else None


def attempt(connection: sql.Connection, job_id: str) -> Attempt:
    """Return the newest attempt of a job that has one."""
    found = find_attempt(connection, job_id)
    assert found is not None  # attempts begin before anything speaks for them
    return found


def events(
    connection: sql.Connection, job_id: str, after_seq: int, limit: int
) -> list[EventRecord]:
    """Return up to `limit` events with larger seq, in order."""
    query = sql.select(EVENTS).where(EVENTS.c.job_id == job_id, EVENTS.c.seq > after_seq)
    rows = connection.execute(query.order_by(EVENTS.c.seq).limit(limit)).mappings()
    return [event_of(row) for row in rows]


def state(connection: sql.Connection, job_id: str) -> JobState:
    """Return where a job is in its life."""
    query = sql.select(JOBS.c.state).where(JOBS.c.job_id == job_id)
    return JobState(connection.execute(query).scalar_one())


def position(connection: sql.Connection, job_id: str) -> tuple[int, bool]:
    """Return the newest event's seq, and whether no event will follow it."""
    query = sql.select(JOBS.c.last_seq, JOBS.c.state).where(JOBS.c.job_id == job_id)
    last_seq, state = connection.execute(query).one()
    return int(last_seq), JobState(state) in FINAL_STATES


def exports(connection: sql.Connection, job_id: str) -> list[Export]:
    """Return what a job exported, oldest first."""
    query = sql.select(EXPORTS).where(EXPORTS.c.job_id == job_id).order_by(EXPORTS.c.number)
    return [export_of(row) for row in connection.execute(query).mappings()]

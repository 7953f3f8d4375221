"""Reading: functions of a connection."""

import re
from collections import Counter
from collections.abc import Collection, Sequence
from dataclasses import fields

import sqlalchemy as sql

from catalog_service.errors import listed
from trainer_service.errors import CursorCompacted, JobNotFound
from trainer_service.job_store import snapshots
from trainer_service.job_store.records import (
    Attempt,
    EventRecord,
    Hold,
    JobLook,
    JobRecord,
    LogEnds,
    Retries,
)
from trainer_service.job_store.rows import attempt_of, event_of, export_of, job_of
from trainer_service.job_store.schema import ATTEMPTS, EVENTS, EXPORTS, JOBS
from trainer_service.jobs import FINAL_STATES, RETRIED_WITHIN, ExitClass, Export, JobState

NAME_PREFIX = "trainJobs/"
_ID_PREFIX = re.compile(r"[0-9a-f]{1,32}")


def find(connection: sql.Connection, name: str) -> JobRecord:
    """Return the one job whose id is, or starts with, `name` after its `trainJobs/`."""
    return job(connection, find_id(connection, name))


def find_id(connection: sql.Connection, name: str) -> str:
    """Return the one id that is, or starts with, `name` after its `trainJobs/`.

    Raises:
        JobNotFound: none or several fit.
    """
    wanted = name.removeprefix(NAME_PREFIX)
    fitting = _ids_starting_with(connection, wanted)
    if wanted in fitting:
        return wanted
    if len(fitting) > 1:
        raise JobNotFound(f"{len(fitting)} jobs start with {wanted!r}: {listed(fitting)}")
    if not fitting:
        raise JobNotFound(f"no job {name!r}: a job goes by its id, or the beginning of it")
    return fitting[0]


def _ids_starting_with(connection: sql.Connection, prefix: str) -> list[str]:
    if not _ID_PREFIX.fullmatch(prefix):
        return []
    after = prefix + "g"  # after every id that starts with the prefix: ids are hexadecimal
    query = sql.select(JOBS.c.job_id).where(JOBS.c.job_id >= prefix, JOBS.c.job_id < after)
    return list(connection.execute(query.order_by(JOBS.c.job_id)).scalars())


def job(connection: sql.Connection, job_id: str) -> JobRecord:
    """Return a job by its whole id.

    Raises:
        JobNotFound: it is deleted.
    """
    found = jobs(connection, [job_id])
    if not found:
        raise gone(job_id)
    return found[0]


def gone(job_id: str) -> JobNotFound:
    """Return what is said of a job that there was, and is not."""
    return JobNotFound(f"job {job_id} is deleted")


def jobs(connection: sql.Connection, job_ids: Sequence[str]) -> list[JobRecord]:
    """Return jobs in the order of `job_ids`; those that are gone are left out."""
    query = sql.select(JOBS).where(JOBS.c.job_id.in_(job_ids))
    saved = snapshots.newest(connection, job_ids)
    by_id = {
        row["job_id"]: job_of(row, saved.get(row["job_id"]))
        for row in connection.execute(query).mappings()
    }
    return [by_id[job_id] for job_id in job_ids if job_id in by_id]


def last_seqs(connection: sql.Connection, job_ids: Collection[str]) -> dict[str, int]:
    """Return the newest event's seq of each job; those that are gone are left out."""
    query = sql.select(JOBS.c.job_id, JOBS.c.last_seq).where(JOBS.c.job_id.in_(list(job_ids)))
    return {job_id: int(last_seq) for job_id, last_seq in connection.execute(query)}


def num_waiting(connection: sql.Connection) -> int:
    """Return how many jobs are QUEUED."""
    query = sql.select(sql.func.count()).where(JOBS.c.state == JobState.QUEUED.value)
    return int(connection.execute(query).scalar_one())


def attempts(connection: sql.Connection, job_id: str) -> list[Attempt]:
    """Return a job's attempts, oldest first."""
    query = sql.select(ATTEMPTS).where(ATTEMPTS.c.job_id == job_id).order_by(ATTEMPTS.c.number)
    return [attempt_of(row) for row in connection.execute(query).mappings()]


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


def retries(connection: sql.Connection, job_id: str) -> Retries:
    """Return how often attempts ended before their time since the job was resumed last."""
    query = (
        sql.select(ATTEMPTS.c.exit_class)
        .join(JOBS)
        .where(ATTEMPTS.c.job_id == job_id, ATTEMPTS.c.number > JOBS.c.resumed_after_attempt)
        .where(ATTEMPTS.c.exit_class != "")
    )
    ends = [ExitClass(word) for word in connection.execute(query).scalars()]
    counted = Counter(RETRIED_WITHIN[end] for end in ends if end in RETRIED_WITHIN)
    return Retries(num_failures=counted["failures"], num_preemptions=counted["preemptions"])


def hold(connection: sql.Connection, job_id: str) -> Hold:
    """Return who may speak for a job now."""
    query = sql.select(JOBS.c.attempt, JOBS.c.owner).where(JOBS.c.job_id == job_id)
    row = connection.execute(query).one_or_none()
    if row is None:
        raise gone(job_id)
    return Hold(job_id, row.attempt, row.owner)


def events(
    connection: sql.Connection, job_id: str, after_seq: int, limit: int
) -> list[EventRecord]:
    """Return up to `limit` events with larger seq, in order.

    Raises:
        CursorCompacted: the next one is not kept any more.
    """
    query = sql.select(EVENTS).where(EVENTS.c.job_id == job_id, EVENTS.c.seq > after_seq)
    rows = connection.execute(query.order_by(EVENTS.c.seq).limit(limit)).mappings()
    found = [event_of(row) for row in rows]
    if found and found[0].seq != after_seq + 1:
        oldest = found[0].seq
        raise CursorCompacted(
            f"events {after_seq + 1} to {oldest - 1} of job {job_id} are not kept any more;"
            f" QueryMetrics has its curves, and events go on after {oldest - 1}",
            metadata={"oldest_seq": str(oldest)},
        )
    return found


def states(connection: sql.Connection, job_ids: Collection[str]) -> dict[str, JobState]:
    """Return where jobs are in their lives; those that are gone are left out."""
    query = sql.select(JOBS.c.job_id, JOBS.c.state).where(JOBS.c.job_id.in_(job_ids))
    return {job_id: JobState(state) for job_id, state in connection.execute(query)}


def look(connection: sql.Connection, job_id: str) -> JobLook:
    """Return what changes of a job from moment to moment."""
    columns = [JOBS.c[field.name] for field in fields(JobLook)]
    row = connection.execute(sql.select(*columns).where(JOBS.c.job_id == job_id)).one_or_none()
    if row is None:
        raise gone(job_id)
    return JobLook(**{**row._mapping, "state": JobState(row.state)})


def log_ends(connection: sql.Connection, job_id: str) -> LogEnds:
    """Return where a job's log begins and ends."""
    columns = [JOBS.c[field.name] for field in fields(LogEnds)]
    row = connection.execute(sql.select(*columns).where(JOBS.c.job_id == job_id)).one_or_none()
    if row is None:
        raise gone(job_id)
    return LogEnds(**row._mapping)


def position(connection: sql.Connection, job_id: str) -> tuple[int, bool]:
    """Return the newest event's seq, and whether no event will follow it."""
    query = sql.select(JOBS.c.last_seq, JOBS.c.state).where(JOBS.c.job_id == job_id)
    row = connection.execute(query).one_or_none()
    if row is None:
        raise gone(job_id)
    return int(row.last_seq), JobState(row.state) in FINAL_STATES


def exports(connection: sql.Connection, job_id: str) -> list[Export]:
    """Return what a job exported, oldest first."""
    query = sql.select(EXPORTS).where(EXPORTS.c.job_id == job_id).order_by(EXPORTS.c.number)
    return [export_of(row) for row in connection.execute(query).mappings()]

"""Taking things out: whole jobs, and the oldest events of jobs that tell too much."""

import sqlalchemy as sql

from trainer_service.job_store.schema import (
    ATTEMPTS,
    DELETED_JOBS,
    EVENTS,
    JOBS,
    OF_A_JOB,
)

MAX_EVENTS_AT_ONCE = 20_000
"""Deleted in one transaction: others write in between."""


def remove_job(connection: sql.Connection, job_id: str, time: float) -> None:
    """Delete a job's rows; the hosts that may have files of it are noted."""
    hosts = sql.select(ATTEMPTS.c.host).where(ATTEMPTS.c.job_id == job_id).distinct()
    notes = [
        {"job_id": job_id, "host": host, "delete_time": time}
        for host in connection.execute(hosts).scalars()
    ]
    if notes:
        connection.execute(DELETED_JOBS.insert(), notes)
    for table in OF_A_JOB:
        connection.execute(table.delete().where(table.c.job_id == job_id))
    connection.execute(JOBS.delete().where(JOBS.c.job_id == job_id))


def deleted(connection: sql.Connection, host: str) -> list[str]:
    """Return deleted jobs of which `host` may have files; also those of a host without a name,
    which the first release left.
    """
    query = sql.select(DELETED_JOBS.c.job_id).where(DELETED_JOBS.c.host.in_([host, ""]))
    return list(connection.execute(query.distinct().order_by(DELETED_JOBS.c.job_id)).scalars())


def forget_deleted(connection: sql.Connection, job_id: str, host: str) -> None:
    """Note that `host` has no file of a deleted job any more."""
    ours = (DELETED_JOBS.c.job_id == job_id) & DELETED_JOBS.c.host.in_([host, ""])
    connection.execute(DELETED_JOBS.delete().where(ours))


def compact(connection: sql.Connection, job_id: str, keep: int) -> bool:
    """Delete a job's oldest events, some at a time; return whether more are to go."""
    query = sql.select(JOBS.c.first_seq, JOBS.c.last_seq).where(JOBS.c.job_id == job_id)
    row = connection.execute(query.with_for_update()).one_or_none()
    if row is None:
        return False
    wanted = row.last_seq - keep + 1
    first_seq = min(wanted, row.first_seq + MAX_EVENTS_AT_ONCE)
    if first_seq <= row.first_seq:
        return False
    older = (EVENTS.c.job_id == job_id) & (EVENTS.c.seq < first_seq)
    connection.execute(EVENTS.delete().where(older))
    connection.execute(JOBS.update().where(JOBS.c.job_id == job_id).values(first_seq=first_seq))
    return bool(first_seq < wanted)

"""Appending events: dense seq, each spool line once, and the job's row kept in step.

Everything here runs inside a transaction that the store opened.
"""

import json
from collections.abc import Sequence
from typing import Any

import sqlalchemy as sql

from trainer_service.errors import JobNotFound, SpoolGap
from trainer_service.job_store import queries
from trainer_service.job_store.rows import Columns, columns_after
from trainer_service.job_store.schema import ATTEMPTS, EVENTS, JOBS
from trainer_service.jobs import FINAL_STATES, JobEvent, JobState, SpoolLine
from trainer_service.jobs.events import event_kind, event_to_json


def read_job_row(connection: sql.Connection, job_id: str) -> sql.RowMapping:
    """Return a job's row, locked until the transaction ends.

    Raises:
        JobNotFound: no such job.
    """
    query = sql.select(JOBS).where(JOBS.c.job_id == job_id).with_for_update()
    row = connection.execute(query).mappings().one_or_none()
    if row is None:
        raise JobNotFound(f"no job {job_id!r}")
    return row


def append_events(
    connection: sql.Connection, job_id: str, events: Sequence[JobEvent], time: float
) -> None:
    """Append the supervisor's own events."""
    row = read_job_row(connection, job_id)
    _append(connection, row, [(event, time, None) for event in events])


def append_lines(
    connection: sql.Connection, job_id: str, attempt: int, lines: Sequence[SpoolLine]
) -> None:
    """Append a worker's lines that are not stored yet. A job in a final state stays as it is.

    Raises:
        SpoolGap: a line is missing between those stored and those given.
    """
    row = read_job_row(connection, job_id)
    num_stored = queries.attempt(connection, job_id).num_lines_stored
    fresh = [line for line in lines if line.index >= num_stored]
    if not fresh or JobState(row["state"]) in FINAL_STATES:
        return
    if [line.index for line in fresh] != list(range(num_stored, num_stored + len(fresh))):
        raise SpoolGap(f"spool line {num_stored} is missing; got line {fresh[0].index}")
    _append(connection, row, _events_of(fresh))
    connection.execute(
        ATTEMPTS.update()
        .where(ATTEMPTS.c.job_id == job_id, ATTEMPTS.c.number == attempt)
        .values(num_lines_stored=num_stored + len(fresh))
    )


def _events_of(lines: Sequence[SpoolLine]) -> list[tuple[JobEvent, float, int | None]]:
    """Return what readers see; a worker's last word is for the supervisor alone."""
    return [
        (event, line.time, line.index)
        for line in lines
        if isinstance(event := line.event, JobEvent)
    ]


def _append(
    connection: sql.Connection,
    row: sql.RowMapping,
    entries: Sequence[tuple[JobEvent, float, int | None]],
) -> None:
    if not entries:
        return
    columns = dict(row)
    changed: Columns = {"last_seq": row["last_seq"] + len(entries)}
    stored = []
    for seq, (event, time, index) in enumerate(entries, start=row["last_seq"] + 1):
        changes = columns_after(columns, event, time)
        columns |= changes
        changed |= changes
        stored.append(_event_row(row, event) | {"seq": seq, "time": time, "spool_index": index})
    connection.execute(EVENTS.insert(), stored)
    connection.execute(JOBS.update().where(JOBS.c.job_id == row["job_id"]).values(changed))


def _event_row(row: sql.RowMapping, event: JobEvent) -> dict[str, Any]:
    return {
        "job_id": row["job_id"],
        "attempt": row["attempt"],
        "kind": event_kind(event),
        "data": json.dumps(event_to_json(event), separators=(",", ":")),
    }

"""Appending events: dense seq, each spool line once, and everything else kept in step with them.

Everything here runs inside a transaction that the store opened.
"""

from collections.abc import Iterator, Sequence
from itertools import groupby

import sqlalchemy as sql

from trainer_service.errors import JobNotFound, LeaseLost, SpoolGap
from trainer_service.job_store.curves import newest_metrics, roll_back_curves, write_points
from trainer_service.job_store.folding import Timed, fold
from trainer_service.job_store.many_rows import insert_plain
from trainer_service.job_store.records import Hold
from trainer_service.job_store.rows import Columns, to_json
from trainer_service.job_store.schema import ATTEMPTS, EVENTS, JOBS
from trainer_service.job_store.snapshots import leave_later_snapshots, write_snapshots
from trainer_service.jobs import JobEvent, RolledBack, SpoolLine
from trainer_service.jobs.events import event_kind, event_to_json

DOCUMENTS = ("spec", "sent_spec", "model", "plan", "evaluation")
"""Columns that only readers of a whole job want."""

_LIGHT = [column for column in JOBS.c if column.name not in DOCUMENTS]


def locked_row(connection: sql.Connection, job_id: str) -> sql.RowMapping:
    """Return a job's row without its documents, locked until the transaction ends.

    Raises:
        JobNotFound: no such job.
    """
    query = sql.select(*_LIGHT).where(JOBS.c.job_id == job_id).with_for_update()
    row = connection.execute(query).mappings().one_or_none()
    if row is None:
        raise JobNotFound(f"no job {job_id!r}")
    return row


def held_row(connection: sql.Connection, hold: Hold) -> sql.RowMapping:
    """Return the row of a job that `hold` may speak for, locked until the transaction ends.

    Raises:
        LeaseLost: another attempt or host has it, or nobody, or it is deleted.
    """
    try:
        row = locked_row(connection, hold.job_id)
    except JobNotFound as error:
        raise LeaseLost(f"job {hold.job_id} is deleted") from error
    if (row["attempt"], row["owner"]) != (hold.attempt, hold.owner):
        holder = f"host {row['owner']!r}" if row["owner"] else "nobody"
        raise LeaseLost(
            f"host {hold.owner!r} does not hold attempt {hold.attempt} of job {hold.job_id} any"
            f" more: the job is {row['state']!r} in attempt {row['attempt']}, held by {holder}"
        )
    return row


def append_events(
    connection: sql.Connection, row: sql.RowMapping, events: Sequence[JobEvent], time: float
) -> None:
    """Append events of the service's own to the log of a locked row."""
    _append(connection, row["job_id"], row, [Timed(event=event, time=time) for event in events])


def append_lines(connection: sql.Connection, hold: Hold, lines: Sequence[SpoolLine]) -> None:
    """Append a worker's lines that are not stored yet.

    Raises:
        LeaseLost: they are not the present attempt's, or another host has it.
        SpoolGap: a line is missing between those stored and those given.
    """
    row = held_row(connection, hold)
    of_attempt = (ATTEMPTS.c.job_id == hold.job_id) & (ATTEMPTS.c.number == hold.attempt)
    query = sql.select(ATTEMPTS.c.num_lines_stored).where(of_attempt)
    num_stored = int(connection.execute(query).scalar_one())
    fresh = [line for line in lines if line.index >= num_stored]
    if not fresh:
        return
    if [line.index for line in fresh] != list(range(num_stored, num_stored + len(fresh))):
        raise SpoolGap(f"spool line {num_stored} is missing; got line {fresh[0].index}")
    _append(connection, hold.job_id, row, _events_of(fresh))
    stored = ATTEMPTS.update().where(of_attempt)
    connection.execute(stored.values(num_lines_stored=num_stored + len(fresh)))


def _events_of(lines: Sequence[SpoolLine]) -> list[Timed]:
    """Return what readers see; a worker's last word is for the supervisor alone."""
    return [
        Timed(event=event, time=line.time, spool_index=line.index)
        for line in lines
        if isinstance(event := line.event, JobEvent)
    ]


def _append(
    connection: sql.Connection, job_id: str, row: sql.RowMapping, entries: Sequence[Timed]
) -> None:
    if not entries:
        return
    columns = dict(row)
    for run in _runs(entries):
        columns |= _change(connection, columns, run)
    first = row["last_seq"] + 1
    events = [_event_row(row, seq, entry) for seq, entry in enumerate(entries, start=first)]
    insert_plain(connection, EVENTS, events)
    changed = {name: value for name, value in columns.items() if value != row.get(name)}
    changed["last_seq"] = row["last_seq"] + len(entries)
    connection.execute(JOBS.update().where(JOBS.c.job_id == job_id).values(changed))


def _runs(entries: Sequence[Timed]) -> Iterator[list[Timed]]:
    """Return runs of entries that can be folded; a rollback stands alone."""
    for _, run in groupby(
        enumerate(entries), key=lambda at: at[0] if isinstance(at[1].event, RolledBack) else -1
    ):
        yield [entry for _, entry in run]


def _change(connection: sql.Connection, columns: Columns, run: Sequence[Timed]) -> Columns:
    """Write what a run changes beside the log; return the job's new columns."""
    changes = fold(columns, run)
    job_id, attempt = columns["job_id"], columns["attempt"]
    write_points(connection, job_id, list(changes.points.values()))
    write_snapshots(connection, job_id, changes.snapshots)
    if changes.attempt:
        ours = (ATTEMPTS.c.job_id == job_id) & (ATTEMPTS.c.number == attempt)
        connection.execute(ATTEMPTS.update().where(ours).values(changes.attempt))
    if isinstance(first := run[0].event, RolledBack):
        roll_back_curves(connection, job_id, first.to_step)
        named = columns["resume_snapshot"]
        leave_later_snapshots(connection, job_id, attempt, first.to_step, named=named)
        changes.job["metrics"] = to_json(newest_metrics(connection, job_id))
    return changes.job


def _event_row(row: sql.RowMapping, seq: int, entry: Timed) -> Columns:
    return {
        "job_id": row["job_id"],
        "attempt": row["attempt"],
        "seq": seq,
        "time": entry.time,
        "spool_index": entry.spool_index,
        "kind": event_kind(entry.event),
        "data": to_json(event_to_json(entry.event)),
    }

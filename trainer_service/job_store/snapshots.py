"""Rows of snapshots: a snapshot counts once its row is here, and not before."""

from collections.abc import Iterable, Sequence

import sqlalchemy as sql

from catalog_service.errors import listed
from trainer_service.errors import SnapshotNotFound
from trainer_service.job_store.many_rows import upsert
from trainer_service.job_store.rows import snapshot_of, snapshot_row
from trainer_service.job_store.schema import JOBS, SNAPSHOTS
from trainer_service.jobs import JobState, SnapshotRef

MAX_CHOICES = 3
"""Snapshots that an attempt may go on from: where one is damaged, the next is taken."""

_IS_SPENT = ~SNAPSHOTS.c.is_pinned & sql.exists().where(
    JOBS.c.job_id == SNAPSHOTS.c.job_id, JOBS.c.state == JobState.SUCCEEDED.value
)
_NEWEST = (SNAPSHOTS.c.attempt.desc(), SNAPSHOTS.c.step.desc())
_OLDEST = (SNAPSHOTS.c.attempt, SNAPSHOTS.c.step)


def write_snapshots(
    connection: sql.Connection, job_id: str, snapshots: Sequence[SnapshotRef]
) -> None:
    """Commit snapshots; the newest best one is the only best one."""
    for snapshot in snapshots:
        if snapshot.is_best:
            others = SNAPSHOTS.update().where(SNAPSHOTS.c.job_id == job_id)
            connection.execute(others.values(is_best=False))
        upsert(connection, SNAPSHOTS, [snapshot_row(job_id, snapshot)])


def leave_later_snapshots(
    connection: sql.Connection, job_id: str, attempt: int, to_step: int, *, named: str
) -> None:
    """Take out what earlier attempts saved after the step at which this one goes on: nothing goes
    on from there any more. Pinned ones are kept for their owner.

    Args:
        named: the snapshot that a caller named. Where the attempt goes on from it, what attempts
            after it saved is of another line, whatever the step; and it may have been left itself.
    """
    earlier = (SNAPSHOTS.c.job_id == job_id) & (SNAPSHOTS.c.attempt < attempt)
    left = SNAPSHOTS.c.step > to_step
    named_attempt, _, named_step = named.partition("-")
    if named and int(named_step) == to_step:
        left |= SNAPSHOTS.c.attempt > int(named_attempt)
        chosen = (SNAPSHOTS.c.attempt == int(named_attempt)) & (SNAPSHOTS.c.step == to_step)
        connection.execute(SNAPSHOTS.update().where(earlier, chosen).values(is_left=False))
    connection.execute(SNAPSHOTS.delete().where(earlier, left, ~SNAPSHOTS.c.is_pinned))
    connection.execute(SNAPSHOTS.update().where(earlier, left).values(is_left=True))


def snapshots(connection: sql.Connection, job_id: str) -> list[SnapshotRef]:
    """Return a job's snapshots that are kept, newest first."""
    query = sql.select(SNAPSHOTS).where(SNAPSHOTS.c.job_id == job_id).order_by(*_NEWEST)
    return [snapshot_of(row) for row in connection.execute(query).mappings()]


def resume_from(connection: sql.Connection, job_id: str) -> tuple[SnapshotRef, ...]:
    """Return what the next attempt may go on from, the best choice first.

    That is the one that a caller named and, should it be damaged, those before it; else the newest.
    """
    named = connection.execute(
        sql.select(JOBS.c.resume_snapshot).where(JOBS.c.job_id == job_id)
    ).scalar_one()
    query = sql.select(SNAPSHOTS).where(SNAPSHOTS.c.job_id == job_id).order_by(*_NEWEST)
    rows = connection.execute(query).mappings().all()
    chosen = [row for row in rows if snapshot_of(row).snapshot_id == named]
    usual = [row for row in rows if not row["is_left"]]
    if chosen:
        usual = chosen + [row for row in usual if row["step"] < chosen[0]["step"]]
    return tuple(snapshot_of(row) for row in usual[:MAX_CHOICES])


def newest(connection: sql.Connection, job_ids: Iterable[str]) -> dict[str, SnapshotRef]:
    """Return what each job would go on from; jobs without a snapshot are left out."""
    query = sql.select(SNAPSHOTS, JOBS.c.resume_snapshot).join(JOBS)
    query = query.where(SNAPSHOTS.c.job_id.in_(list(job_ids))).order_by(*_OLDEST)
    found: dict[str, SnapshotRef] = {}
    named: set[str] = set()
    for row in connection.execute(query).mappings():
        snapshot, job_id = snapshot_of(row), row["job_id"]
        is_named = snapshot.snapshot_id == row["resume_snapshot"]
        if is_named or (job_id not in named and not row["is_left"]):
            found[job_id] = snapshot
        if is_named:
            named.add(job_id)
    return found


def find_snapshot(connection: sql.Connection, job_id: str, snapshot_id: str) -> SnapshotRef:
    """Return the snapshot called `2-1500`.

    Raises:
        SnapshotNotFound: the job has none of that name, or not any more.
    """
    known = snapshots(connection, job_id)
    for snapshot in known:
        if snapshot.snapshot_id == snapshot_id:
            return snapshot
    names = listed([snapshot.snapshot_id for snapshot in known]) or "none"
    raise SnapshotNotFound(f"job {job_id} has no snapshot {snapshot_id!r}; it has {names}")


def set_pin(
    connection: sql.Connection, job_id: str, snapshot_id: str, *, is_pinned: bool
) -> SnapshotRef:
    """Keep a snapshot until it is unpinned, or stop doing so; return it as it is then.

    Raises:
        SnapshotNotFound: the job has none of that name.
    """
    snapshot = find_snapshot(connection, job_id, snapshot_id)
    row = SNAPSHOTS.update().where(*_is(job_id, snapshot))
    connection.execute(row.values(is_pinned=is_pinned))
    return find_snapshot(connection, job_id, snapshot_id)


def drop_snapshots(
    connection: sql.Connection, job_id: str, snapshot_ids: Sequence[str]
) -> list[str]:
    """Take rows out, and return whose: neither pinned ones, nor one that a caller named."""
    choices = {one.snapshot_id for one in resume_from(connection, job_id)[:1]}
    dropped = []
    for snapshot in snapshots(connection, job_id):
        if snapshot.snapshot_id not in snapshot_ids or snapshot.snapshot_id in choices:
            continue
        row = SNAPSHOTS.delete().where(*_is(job_id, snapshot), ~SNAPSHOTS.c.is_pinned)
        if connection.execute(row).rowcount:  # else somebody pinned it, perhaps just now
            dropped.append(snapshot.snapshot_id)
    return dropped


def spent(connection: sql.Connection) -> list[str]:
    """Return the jobs that have snapshots which are of no use any more: nothing goes on from a job
    that has succeeded, so only pinned ones are kept of it.
    """
    query = sql.select(SNAPSHOTS.c.job_id).where(_IS_SPENT).distinct()
    return list(connection.execute(query.order_by(SNAPSHOTS.c.job_id)).scalars())


def drop_spent(connection: sql.Connection, job_id: str) -> None:
    """Take out what `spent` finds of a job."""
    connection.execute(SNAPSHOTS.delete().where(SNAPSHOTS.c.job_id == job_id, _IS_SPENT))


def _is(job_id: str, snapshot: SnapshotRef) -> tuple[sql.ColumnElement[bool], ...]:
    return (
        SNAPSHOTS.c.job_id == job_id,
        SNAPSHOTS.c.attempt == snapshot.attempt,
        SNAPSHOTS.c.step == snapshot.step,
    )

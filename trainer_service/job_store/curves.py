"""A job's curves: one point a split and step, without what was rolled back."""

import json
from collections.abc import Sequence
from typing import Any

import sqlalchemy as sql

from catalog_service.serving.wildcards import matcher
from trainer_service.job_store.many_rows import upsert_plain
from trainer_service.job_store.records import Curves, Series
from trainer_service.job_store.rows import Columns
from trainer_service.job_store.schema import JOBS, METRICS


def write_points(connection: sql.Connection, job_id: str, points: Sequence[Columns]) -> None:
    """Write points; one that is told again replaces the first."""
    upsert_plain(connection, METRICS, [{"job_id": job_id, **point} for point in points])


def roll_back_curves(connection: sql.Connection, job_id: str, to_step: int) -> None:
    """Forget points after a step."""
    later = (METRICS.c.job_id == job_id) & (METRICS.c.step > to_step)
    connection.execute(METRICS.delete().where(later))


def newest_metrics(connection: sql.Connection, job_id: str) -> dict[str, float]:
    """Return the last value of each metric, such as `validation/accuracy`."""
    newest = sql.select(METRICS.c.split, sql.func.max(METRICS.c.step).label("step"))
    last = newest.where(METRICS.c.job_id == job_id).group_by(METRICS.c.split).subquery()
    query = sql.select(METRICS.c.split, METRICS.c.numbers).join(
        last, (METRICS.c.split == last.c.split) & (METRICS.c.step == last.c.step)
    )
    rows = connection.execute(query.where(METRICS.c.job_id == job_id))
    return {
        f"{split}/{name}": value
        for split, numbers in rows
        for name, value in json.loads(numbers).items()
    }


def curves(
    connection: sql.Connection, job_id: str, patterns: Sequence[str], steps: tuple[int, int]
) -> Curves:
    """Return the curves whose names a pattern fits; no pattern means all.

    Args:
        steps: the first and the last one that are wanted; 0 as the last means that none is.
    """
    last_seq = connection.execute(
        sql.select(JOBS.c.last_seq).where(JOBS.c.job_id == job_id)
    ).scalar_one()
    wanted = [matcher(pattern) for pattern in patterns] or [matcher("*")]
    gathered: dict[str, tuple[list[int], list[int], list[float]]] = {}
    for row in connection.execute(_points(job_id, steps)):
        for name, value in json.loads(row.numbers).items():
            columns = gathered.setdefault(f"{row.split}/{name}", ([], [], []))
            columns[0].append(row.step)
            columns[1].append(row.epoch)
            columns[2].append(value)
    series = [
        Series(name=name, steps=steps_, epochs=epochs, values=values)
        for name, (steps_, epochs, values) in gathered.items()
        if any(is_wanted(name) for is_wanted in wanted)
    ]
    return Curves(series=tuple(series), last_seq=int(last_seq))


def _points(job_id: str, steps: tuple[int, int]) -> sql.Select[Any]:
    columns = (METRICS.c.split, METRICS.c.step, METRICS.c.epoch, METRICS.c.numbers)
    first, last = steps
    query = sql.select(*columns).where(METRICS.c.job_id == job_id, METRICS.c.step >= first)
    if last:
        query = query.where(METRICS.c.step <= last)
    return query.order_by(METRICS.c.split, METRICS.c.step)

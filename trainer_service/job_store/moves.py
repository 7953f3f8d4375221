"""Moving a job from state to state: the table is checked, the log told, the row's other columns
kept right.

Everything here runs inside a transaction that the store opened, on a row that it locked.
"""

import json

import sqlalchemy as sql

from catalog_service.models.plain_json import from_plain
from trainer_service.job_store.journal import append_events, locked_row
from trainer_service.job_store.rows import Columns
from trainer_service.job_store.schema import ATTEMPTS, JOBS
from trainer_service.jobs import (
    HOLDING,
    AttemptEnd,
    AttemptEnded,
    JobFailure,
    JobState,
    RunSpec,
    StateChanged,
    check_transition,
)


def move(
    connection: sql.Connection,
    job_id: str,
    to_state: JobState,
    time: float,
    *,
    reason: str = "",
    failure: JobFailure | None = None,
) -> None:
    """Move a job to a state that may follow its own.

    Raises:
        JobNotFound: no such job.
        TransitionRefused: the table has no such move.
    """
    check_transition(JobState(locked_row(connection, job_id)["state"]), to_state)
    set_state(connection, job_id, to_state, time, reason=reason, failure=failure)


def set_state(
    connection: sql.Connection,
    job_id: str,
    to_state: JobState,
    time: float,
    *,
    reason: str = "",
    failure: JobFailure | None = None,
) -> None:
    """Move a job without asking the table: for a resume, which leads out of final states."""
    row = locked_row(connection, job_id)
    moved = StateChanged(
        from_state=JobState(row["state"]), to_state=to_state, reason=reason, failure=failure
    )
    append_events(connection, row, [moved], time)
    set_columns(connection, job_id, _side_columns(row, to_state))


def set_columns(connection: sql.Connection, job_id: str, columns: Columns) -> None:
    """Change columns that no event tells of."""
    if columns:
        connection.execute(JOBS.update().where(JOBS.c.job_id == job_id).values(columns))


def _side_columns(row: sql.RowMapping, to_state: JobState) -> Columns:
    columns: Columns = {}
    if to_state not in HOLDING:
        columns |= {"owner": "", "lease_until": None}
    if row["not_before"]:
        columns |= {"not_before": 0.0}
    if row["pause_deadline"]:
        columns |= {"pause_deadline": 0.0}
    return columns


def end_attempt(connection: sql.Connection, job_id: str, end: AttemptEnd, time: float) -> None:
    """Note how a job's newest attempt ended, unless that was noted before."""
    row = locked_row(connection, job_id)
    ended = sql.update(ATTEMPTS).where(
        ATTEMPTS.c.job_id == job_id,
        ATTEMPTS.c.number == row["attempt"],
        ATTEMPTS.c.exit_class == "",
    )
    done = connection.execute(
        ended.values(
            exit_class=end.exit_class.value, reason=end.reason, detail=end.detail, end_time=time
        )
    )
    if done.rowcount:
        told = AttemptEnded(number=row["attempt"], exit_class=end.exit_class, detail=end.detail)
        append_events(connection, row, [told], time)


def run_spec(connection: sql.Connection, job_id: str) -> RunSpec:
    """Return where and how a job runs, without reading the rest of its spec."""
    query = sql.select(JOBS.c.spec).where(JOBS.c.job_id == job_id)
    spec = json.loads(connection.execute(query).scalar_one())
    return from_plain(RunSpec, spec.get("run", {}))

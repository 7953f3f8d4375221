"""Jobs that wait, pause, are tried again, held by a host, and deleted; snapshots, curves, hosts."""

import json
from collections.abc import Iterator
from typing import Any

import sqlalchemy as sql
from alembic import op

revision = "0003"
down_revision = "0002"

BATCH = 5000
"""Rows of curves written at once."""


def upgrade() -> None:
    """Add what a job's life leaves behind; curves of older jobs are read out of their events."""
    _extend_jobs()
    _extend_attempts()
    _free_requests_of_their_jobs()
    _create_labels()
    _create_snapshots()
    _create_hosts()
    _create_metrics()
    _fill_metrics(op.get_bind())


def _extend_jobs() -> None:
    for name, kind, default in (
        ("first_seq", sql.BigInteger(), "1"),
        ("priority", sql.Integer(), "0"),
        ("num_devices", sql.Integer(), "1"),
        ("engine", sql.String(16), "process"),
        ("queue_time", sql.Double(), "0"),
        ("not_before", sql.Double(), "0"),
        ("pause_deadline", sql.Double(), "0"),
        ("deadline", sql.Double(), "0"),
        ("owner", sql.String(64), ""),
        ("resumed_after_attempt", sql.Integer(), "0"),
        ("resume_snapshot", sql.String(64), ""),
    ):
        _add("jobs", name, kind, default)
    op.add_column("jobs", sql.Column("lease_until", sql.Double))
    op.execute("UPDATE jobs SET queue_time = create_time WHERE state = 'queued'")
    op.drop_index("ix_jobs_state", "jobs")
    op.create_index("ix_jobs_state", "jobs", ["state", "queue_time"])
    op.create_index(
        "ix_jobs_queue", "jobs", ["state", sql.text("priority DESC"), "create_time", "job_id"]
    )
    op.create_index("ix_jobs_newest", "jobs", [sql.text("create_time DESC"), "job_id"])


def _extend_attempts() -> None:
    for name, kind, default in (
        ("host", sql.String(64), ""),
        ("device_indices", sql.Text(), "[]"),
        ("num_devices", sql.Integer(), "1"),
        ("start_time", sql.Double(), "0"),
        ("end_time", sql.Double(), "0"),
        ("exit_class", sql.String(32), ""),
        ("reason", sql.Text(), ""),
        ("detail", sql.Text(), ""),
        ("last_step", sql.BigInteger(), "0"),
    ):
        _add("attempts", name, kind, default)
    op.add_column("attempts", sql.Column("start_step", sql.BigInteger))
    op.execute("UPDATE attempts SET start_step = 0")
    _give_devices_to_what_runs(op.get_bind())


def _give_devices_to_what_runs(connection: sql.Connection) -> None:
    """Note a device for each job that runs, or another job would be started on it."""
    query = "SELECT job_id, attempt FROM jobs WHERE state IN ('preparing', 'running', 'cancelling')"
    attempts = connection.execute(sql.text(f"{query} ORDER BY create_time, job_id")).all()
    given = sql.text("UPDATE attempts SET device_indices = :one WHERE job_id = :j AND number = :n")
    for index, (job_id, number) in enumerate(attempts):
        connection.execute(given, {"one": json.dumps([index]), "j": job_id, "n": number})


def _add(table: str, name: str, kind: sql.types.TypeEngine[Any], default: str) -> None:
    op.add_column(table, sql.Column(name, kind, nullable=False, server_default=default))


def _free_requests_of_their_jobs() -> None:
    """Let a request outlive its job, so that a repeated one is answered."""
    with op.batch_alter_table("requests") as requests:
        requests.drop_constraint("fk_requests_job_id", type_="foreignkey")
    op.create_table(
        "deleted_jobs",
        sql.Column("job_id", sql.String(64), nullable=False),
        sql.Column("host", sql.String(64), nullable=False),
        sql.Column("delete_time", sql.Double, nullable=False),
        _key("deleted_jobs", "job_id", "host"),
    )


def _create_labels() -> None:
    op.create_table(
        "job_labels",
        sql.Column("job_id", sql.String(64), nullable=False),
        sql.Column("name", sql.String(64), nullable=False),
        sql.Column("value", sql.String(64), nullable=False),
        _key("job_labels", "job_id", "name"),
        _of_a_job("job_labels"),
    )
    op.create_index("ix_job_labels_name_value", "job_labels", ["name", "value"])


def _create_snapshots() -> None:
    op.create_table(
        "snapshots",
        sql.Column("job_id", sql.String(64), nullable=False),
        sql.Column("attempt", sql.Integer, nullable=False),
        sql.Column("step", sql.BigInteger, nullable=False),
        sql.Column("epoch", sql.Integer, nullable=False),
        sql.Column("path", sql.Text, nullable=False),
        sql.Column("digest", sql.String(80), nullable=False),
        sql.Column("size_bytes", sql.BigInteger, nullable=False),
        sql.Column("save_s", sql.Double, nullable=False),
        sql.Column("create_time", sql.Double, nullable=False),
        sql.Column("is_best", sql.Boolean, nullable=False),
        sql.Column("is_pinned", sql.Boolean, nullable=False),
        sql.Column("is_left", sql.Boolean, nullable=False),
        _key("snapshots", "job_id", "attempt", "step"),
        _of_a_job("snapshots"),
    )


def _create_hosts() -> None:
    op.create_table(
        "hosts",
        sql.Column("host_id", sql.String(64), nullable=False),
        sql.Column("name", sql.Text, nullable=False),
        sql.Column("devices", sql.Text, nullable=False),
        sql.Column("engines", sql.Text, nullable=False),
        sql.Column("is_draining", sql.Boolean, nullable=False),
        sql.Column("seen_time", sql.Double, nullable=False),
        _key("hosts", "host_id"),
    )


def _create_metrics() -> None:
    op.create_table(
        "metrics",
        sql.Column("job_id", sql.String(64), nullable=False),
        sql.Column("split", sql.String(16), nullable=False),
        sql.Column("step", sql.BigInteger, nullable=False),
        sql.Column("epoch", sql.Integer, nullable=False),
        sql.Column("numbers", sql.Text, nullable=False),
        _key("metrics", "job_id", "split", "step"),
        _of_a_job("metrics"),
    )


def _fill_metrics(connection: sql.Connection) -> None:
    table = sql.table(
        "metrics", *(sql.column(name) for name in ("job_id", "split", "step", "epoch", "numbers"))
    )
    jobs = connection.execute(sql.text("SELECT job_id FROM jobs")).scalars().all()
    for job_id in jobs:
        points = {(row["split"], row["step"]): row for row in _points(connection, job_id)}
        rows = list(points.values())
        for start in range(0, len(rows), BATCH):
            connection.execute(table.insert(), rows[start : start + BATCH])


def _points(connection: sql.Connection, job_id: str) -> Iterator[dict[str, Any]]:
    query = sql.text(
        "SELECT data FROM events WHERE job_id = :job_id"
        " AND kind IN ('step_metrics', 'epoch_metrics') ORDER BY seq"
    )
    for (data,) in connection.execute(query, {"job_id": job_id}):
        event = json.loads(data)
        yield {
            "job_id": job_id,
            "split": event.get("split", "step"),
            "step": event["step"],
            "epoch": event["epoch"],
            "numbers": json.dumps(event["values"], separators=(",", ":")),
        }


def _key(table: str, *columns: str) -> sql.PrimaryKeyConstraint:
    return sql.PrimaryKeyConstraint(*columns, name=f"pk_{table}")


def _of_a_job(table: str) -> sql.ForeignKeyConstraint:
    return sql.ForeignKeyConstraint(["job_id"], ["jobs.job_id"], name=f"fk_{table}_job_id")

"""Jobs, attempts, events, requests and exports, as the first release wrote them."""

import sqlalchemy as sql
from alembic import op

revision = "0002"
down_revision = None


def upgrade() -> None:
    """Make the tables."""
    op.create_table(
        "logs", sql.Column("log_id", sql.String(64), nullable=False), _key("logs", "log_id")
    )
    _create_jobs()
    _create_attempts()
    _create_events()
    _create_requests()
    _create_exports()


def _create_jobs() -> None:
    op.create_table(
        "jobs",
        sql.Column("job_id", sql.String(64), nullable=False),
        sql.Column("display_name", sql.Text, nullable=False),
        sql.Column("backbone", sql.String(128), nullable=False),
        sql.Column("spec", sql.Text, nullable=False),
        sql.Column("sent_spec", sql.Text, nullable=False),
        sql.Column("state", sql.String(16), nullable=False),
        sql.Column("state_reason", sql.Text, nullable=False),
        sql.Column("failure", sql.Text),
        sql.Column("create_time", sql.Double, nullable=False),
        sql.Column("start_time", sql.Double, nullable=False),
        sql.Column("end_time", sql.Double, nullable=False),
        sql.Column("last_seq", sql.BigInteger, nullable=False),
        sql.Column("attempt", sql.Integer, nullable=False),
        sql.Column("progress", sql.Text, nullable=False),
        sql.Column("metrics", sql.Text, nullable=False),
        sql.Column("model", sql.Text),
        sql.Column("plan", sql.Text),
        sql.Column("evaluation", sql.Text),
        _key("jobs", "job_id"),
    )
    op.create_index("ix_jobs_state", "jobs", ["state"])


def _create_attempts() -> None:
    op.create_table(
        "attempts",
        sql.Column("job_id", sql.String(64), nullable=False),
        sql.Column("number", sql.Integer, nullable=False),
        sql.Column("nonce", sql.String(64), nullable=False),
        sql.Column("num_lines_stored", sql.BigInteger, nullable=False),
        _key("attempts", "job_id", "number"),
        _of_a_job("attempts"),
    )


def _create_events() -> None:
    op.create_table(
        "events",
        sql.Column("job_id", sql.String(64), nullable=False),
        sql.Column("seq", sql.BigInteger, nullable=False),
        sql.Column("attempt", sql.Integer, nullable=False),
        sql.Column("spool_index", sql.BigInteger),
        sql.Column("time", sql.Double, nullable=False),
        sql.Column("kind", sql.String(32), nullable=False),
        sql.Column("data", sql.Text, nullable=False),
        _key("events", "job_id", "seq"),
        sql.UniqueConstraint(
            "job_id", "attempt", "spool_index", name="uq_events_job_id_attempt_spool_index"
        ),
        _of_a_job("events"),
    )


def _create_requests() -> None:
    op.create_table(
        "requests",
        sql.Column("method", sql.String(32), nullable=False),
        sql.Column("request_id", sql.String(64), nullable=False),
        sql.Column("request_hash", sql.String(80), nullable=False),
        sql.Column("job_id", sql.String(64), nullable=False),
        sql.Column("create_time", sql.Double, nullable=False),
        _key("requests", "method", "request_id"),
        _of_a_job("requests"),
    )


def _create_exports() -> None:
    op.create_table(
        "exports",
        sql.Column("job_id", sql.String(64), nullable=False),
        sql.Column("number", sql.Integer, nullable=False),
        sql.Column("data", sql.Text, nullable=False),
        _key("exports", "job_id", "number"),
        _of_a_job("exports"),
    )


def _key(table: str, *columns: str) -> sql.PrimaryKeyConstraint:
    return sql.PrimaryKeyConstraint(*columns, name=f"pk_{table}")


def _of_a_job(table: str) -> sql.ForeignKeyConstraint:
    name = f"fk_{table}_job_id"
    return sql.ForeignKeyConstraint(["job_id"], ["jobs.job_id"], name=name)

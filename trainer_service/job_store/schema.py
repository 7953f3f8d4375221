"""The tables. Documents are text, so that they read back byte for byte on every database."""

import sqlalchemy as sql

SCHEMA_VERSION = "0002"
"""Kept where alembic keeps its own, so that the first migration starts from here."""

METADATA = sql.MetaData(
    naming_convention={
        "pk": "pk_%(table_name)s",
        "uq": "uq_%(table_name)s_%(column_0_N_name)s",
        "ix": "ix_%(table_name)s_%(column_0_N_name)s",
        "fk": "fk_%(table_name)s_%(column_0_N_name)s",
    }
)

ALEMBIC_VERSION = sql.Table(
    "alembic_version",
    METADATA,
    sql.Column("version_num", sql.String(32), primary_key=True),
)

LOGS = sql.Table(
    "logs",
    METADATA,
    # One row: the identity of this database's event logs. A fresh database has another one.
    sql.Column("log_id", sql.String(64), primary_key=True),
)

JOBS = sql.Table(
    "jobs",
    METADATA,
    sql.Column("job_id", sql.String(64), primary_key=True),
    sql.Column("display_name", sql.Text, nullable=False),
    sql.Column("backbone", sql.String(128), nullable=False),
    sql.Column("spec", sql.Text, nullable=False),
    sql.Column("sent_spec", sql.Text, nullable=False),
    sql.Column("state", sql.String(16), nullable=False, index=True),
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
)

ATTEMPTS = sql.Table(
    "attempts",
    METADATA,
    sql.Column("job_id", sql.ForeignKey(JOBS.c.job_id), primary_key=True),
    sql.Column("number", sql.Integer, primary_key=True),
    sql.Column("nonce", sql.String(64), nullable=False),
    sql.Column("num_lines_stored", sql.BigInteger, nullable=False),
)

EVENTS = sql.Table(
    "events",
    METADATA,
    sql.Column("job_id", sql.ForeignKey(JOBS.c.job_id), primary_key=True),
    sql.Column("seq", sql.BigInteger, primary_key=True, autoincrement=False),
    sql.Column("attempt", sql.Integer, nullable=False),
    # The line's place in the worker's spool; null for the supervisor's own events.
    sql.Column("spool_index", sql.BigInteger),
    sql.Column("time", sql.Double, nullable=False),
    sql.Column("kind", sql.String(32), nullable=False),
    sql.Column("data", sql.Text, nullable=False),
    sql.UniqueConstraint("job_id", "attempt", "spool_index"),
)

REQUESTS = sql.Table(
    "requests",
    METADATA,
    sql.Column("method", sql.String(32), primary_key=True),
    sql.Column("request_id", sql.String(64), primary_key=True),
    sql.Column("request_hash", sql.String(80), nullable=False),
    sql.Column("job_id", sql.ForeignKey(JOBS.c.job_id), nullable=False),
    sql.Column("create_time", sql.Double, nullable=False),
)

EXPORTS = sql.Table(
    "exports",
    METADATA,
    sql.Column("job_id", sql.ForeignKey(JOBS.c.job_id), primary_key=True),
    sql.Column("number", sql.Integer, primary_key=True),
    sql.Column("data", sql.Text, nullable=False),
)

"""The tables. Documents are text, so that they read back byte for byte on every database.

The revisions in `migrations` make them; what is said here is what the code reads and writes.
"""

import sqlalchemy as sql

METADATA = sql.MetaData(
    naming_convention={
        "pk": "pk_%(table_name)s",
        "uq": "uq_%(table_name)s_%(column_0_N_name)s",
        "ix": "ix_%(table_name)s_%(column_0_N_name)s",
        "fk": "fk_%(table_name)s_%(column_0_N_name)s",
    }
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
    sql.Column("state", sql.String(16), nullable=False),
    sql.Column("state_reason", sql.Text, nullable=False),
    sql.Column("failure", sql.Text),
    sql.Column("create_time", sql.Double, nullable=False),
    sql.Column("start_time", sql.Double, nullable=False),
    sql.Column("end_time", sql.Double, nullable=False),
    # The oldest event that is kept.
    sql.Column("first_seq", sql.BigInteger, nullable=False, server_default="1"),
    sql.Column("last_seq", sql.BigInteger, nullable=False),
    sql.Column("attempt", sql.Integer, nullable=False),
    sql.Column("progress", sql.Text, nullable=False),
    sql.Column("metrics", sql.Text, nullable=False),
    sql.Column("model", sql.Text),
    sql.Column("plan", sql.Text),
    sql.Column("evaluation", sql.Text),
    # Out of the spec, for the queue.
    sql.Column("priority", sql.Integer, nullable=False, server_default="0"),
    sql.Column("num_devices", sql.Integer, nullable=False, server_default="1"),
    sql.Column("engine", sql.String(16), nullable=False, server_default="process"),
    # Since when it waits, and until when at least. 0 where it does not.
    sql.Column("queue_time", sql.Double, nullable=False, server_default="0"),
    sql.Column("not_before", sql.Double, nullable=False, server_default="0"),
    # When saving must be done; 0 where it is not asked to pause.
    sql.Column("pause_deadline", sql.Double, nullable=False, server_default="0"),
    # When its time limit passes; 0 before its first start, and where it has none.
    sql.Column("deadline", sql.Double, nullable=False, server_default="0"),
    # The host that holds it, empty where none does; null: the lease never lapses.
    sql.Column("owner", sql.String(64), nullable=False, server_default=""),
    sql.Column("lease_until", sql.Double),
    # Budgets count attempts after this one.
    sql.Column("resumed_after_attempt", sql.Integer, nullable=False, server_default="0"),
    # What a caller asked to go on from; empty where nothing, or where it has done so.
    sql.Column("resume_snapshot", sql.String(64), nullable=False, server_default=""),
    # Its place in a trace, see jobs/trace.py; empty where nobody wants to know.
    sql.Column("trace", sql.String(96), nullable=False, server_default=""),
)

JOBS_BY_STATE = sql.Index("ix_jobs_state", JOBS.c.state, JOBS.c.queue_time)
JOBS_IN_QUEUE = sql.Index(
    "ix_jobs_queue", JOBS.c.state, JOBS.c.priority.desc(), JOBS.c.create_time, JOBS.c.job_id
)
JOBS_NEWEST_FIRST = sql.Index("ix_jobs_newest", JOBS.c.create_time.desc(), JOBS.c.job_id)

JOB_LABELS = sql.Table(
    "job_labels",
    METADATA,
    sql.Column("job_id", sql.ForeignKey(JOBS.c.job_id), primary_key=True),
    sql.Column("name", sql.String(64), primary_key=True),
    sql.Column("value", sql.String(64), nullable=False),
    sql.Index("ix_job_labels_name_value", "name", "value"),
)

ATTEMPTS = sql.Table(
    "attempts",
    METADATA,
    sql.Column("job_id", sql.ForeignKey(JOBS.c.job_id), primary_key=True),
    sql.Column("number", sql.Integer, primary_key=True),
    sql.Column("nonce", sql.String(64), nullable=False),
    sql.Column("num_lines_stored", sql.BigInteger, nullable=False),
    sql.Column("host", sql.String(64), nullable=False, server_default=""),
    sql.Column("device_indices", sql.Text, nullable=False, server_default="[]"),
    sql.Column("num_devices", sql.Integer, nullable=False, server_default="1"),
    sql.Column("start_time", sql.Double, nullable=False, server_default="0"),
    sql.Column("end_time", sql.Double, nullable=False, server_default="0"),
    # Empty while it runs.
    sql.Column("exit_class", sql.String(32), nullable=False, server_default=""),
    sql.Column("reason", sql.Text, nullable=False, server_default=""),
    sql.Column("detail", sql.Text, nullable=False, server_default=""),
    # Null until it has told where it began.
    sql.Column("start_step", sql.BigInteger),
    sql.Column("last_step", sql.BigInteger, nullable=False, server_default="0"),
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

METRICS = sql.Table(
    "metrics",
    METADATA,
    # The curves, without what was rolled back.
    sql.Column("job_id", sql.ForeignKey(JOBS.c.job_id), primary_key=True),
    # `step`, `train` or `validation`.
    sql.Column("split", sql.String(16), primary_key=True),
    sql.Column("step", sql.BigInteger, primary_key=True, autoincrement=False),
    sql.Column("epoch", sql.Integer, nullable=False),
    sql.Column("numbers", sql.Text, nullable=False),
)

SNAPSHOTS = sql.Table(
    "snapshots",
    METADATA,
    sql.Column("job_id", sql.ForeignKey(JOBS.c.job_id), primary_key=True),
    sql.Column("attempt", sql.Integer, primary_key=True),
    sql.Column("step", sql.BigInteger, primary_key=True, autoincrement=False),
    sql.Column("epoch", sql.Integer, nullable=False),
    sql.Column("path", sql.Text, nullable=False),
    sql.Column("digest", sql.String(80), nullable=False),
    sql.Column("size_bytes", sql.BigInteger, nullable=False),
    sql.Column("save_s", sql.Double, nullable=False),
    sql.Column("create_time", sql.Double, nullable=False),
    sql.Column("is_best", sql.Boolean, nullable=False),
    sql.Column("is_pinned", sql.Boolean, nullable=False),
    # The job went on from an earlier one; only a pinned one is kept then.
    sql.Column("is_left", sql.Boolean, nullable=False),
)

REQUESTS = sql.Table(
    "requests",
    METADATA,
    sql.Column("method", sql.String(32), primary_key=True),
    sql.Column("request_id", sql.String(64), primary_key=True),
    sql.Column("request_hash", sql.String(80), nullable=False),
    # It may be deleted by now.
    sql.Column("job_id", sql.String(64), nullable=False),
    sql.Column("create_time", sql.Double, nullable=False),
)

EXPORTS = sql.Table(
    "exports",
    METADATA,
    sql.Column("job_id", sql.ForeignKey(JOBS.c.job_id), primary_key=True),
    sql.Column("number", sql.Integer, primary_key=True),
    sql.Column("data", sql.Text, nullable=False),
)

DELETED_JOBS = sql.Table(
    "deleted_jobs",
    METADATA,
    # Hosts that may have files of a job that is gone.
    sql.Column("job_id", sql.String(64), primary_key=True),
    sql.Column("host", sql.String(64), primary_key=True),
    sql.Column("delete_time", sql.Double, nullable=False),
)

HOSTS = sql.Table(
    "hosts",
    METADATA,
    sql.Column("host_id", sql.String(64), primary_key=True),
    sql.Column("name", sql.Text, nullable=False),
    sql.Column("devices", sql.Text, nullable=False),
    sql.Column("engines", sql.Text, nullable=False),
    sql.Column("is_draining", sql.Boolean, nullable=False),
    sql.Column("seen_time", sql.Double, nullable=False),
)

OF_A_JOB = (EVENTS, METRICS, SNAPSHOTS, EXPORTS, ATTEMPTS, JOB_LABELS)
"""Tables whose rows go with their job."""

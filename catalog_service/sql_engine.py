"""An engine for a service's database: PostgreSQL as it comes, SQLite as several writers need it.

An open room: the catalog's registry and the trainer's job store both keep their rows by it.
"""

from contextlib import AbstractContextManager
from pathlib import Path

import sqlalchemy as sql
from sqlalchemy import event

BUSY_TIMEOUT_MS = 30_000
"""How long SQLite waits for another process that writes, such as the one that this one replaces."""

FROZEN_AFTER_S = 10
"""A transaction of ours asks for nothing for so long only where its process, its machine or its
network stands still. PostgreSQL ends it then: its locks would hold up every other host."""

NETWORK_PATIENCE = {
    "connect_timeout": 10,
    "keepalives_idle": 10,
    "keepalives_interval": 5,
    "keepalives_count": 3,
    "tcp_user_timeout": 25_000,
}
"""Half a minute without an answer is a broken connection, not one that is slow.

Source: https://www.postgresql.org/docs/current/libpq-connect.html, in seconds but for the last.
"""

PASSWORD_FILE = "password_file"
"""Of a URL's parameters. libpq's own `passfile` must be its reader's alone, which a mounted secret
is not."""

_WRITES = "vertebra_writes"


def open_engine(url: str) -> sql.Engine:
    """Return an engine; nothing is connected yet.

    Args:
        url: SQLAlchemy's, such as `sqlite:////var/lib/vertebra/trainer.db`. With
            `?password_file=FILE` the password is what that file holds when a connection is made.
    """
    place = sql.make_url(url)
    if place.get_backend_name() != "postgresql":
        engine = sql.create_engine(place)
        _use_write_ahead_log(engine)
        return engine
    file = place.query.get(PASSWORD_FILE)
    place = place.difference_update_query([PASSWORD_FILE])
    # A server that was restarted has closed what lies in the pool: each is asked before it is used.
    engine = sql.create_engine(place, connect_args=dict(NETWORK_PATIENCE), pool_pre_ping=True)
    if file is not None:
        _take_password(engine, Path(str(file)))
    _let_frozen_writers_go(engine)
    return engine


def writing(engine: sql.Engine) -> AbstractContextManager[sql.Connection]:
    """Return a transaction that writes. What only reads begins one with `engine.begin`."""
    return engine.execution_options(**{_WRITES: True}).begin()


def _take_password(engine: sql.Engine, file: Path) -> None:
    """Have every new connection use what the file holds then: it may be changed."""

    @event.listens_for(engine, "do_connect")
    def read(dialect, _record, _arguments, parameters):  # type: ignore[no-untyped-def]  # DBAPI
        try:
            parameters["password"] = file.read_text("utf-8").strip()
        except (OSError, UnicodeDecodeError) as error:
            reason = getattr(error, "strerror", None) or "it is no text"
            raise dialect.loaded_dbapi.OperationalError(
                f"the database's password cannot be read from {file}: {reason}"
            ) from error


def _let_frozen_writers_go(engine: sql.Engine) -> None:
    @event.listens_for(engine, "connect")
    def set_timeout(connection, _record):  # type: ignore[no-untyped-def]  # DBAPI has no types
        connection.execute(f"SET idle_in_transaction_session_timeout = '{FROZEN_AFTER_S}s'")
        connection.commit()


def _use_write_ahead_log(engine: sql.Engine) -> None:
    """Make SQLite take its write lock when a write begins: upgrading later can only fail."""

    @event.listens_for(engine, "connect")
    def set_pragmas(connection, _record):  # type: ignore[no-untyped-def]  # DBAPI has no types
        connection.isolation_level = None  # we say BEGIN ourselves
        for pragma in (
            f"busy_timeout={BUSY_TIMEOUT_MS}",
            "journal_mode=WAL",
            "synchronous=FULL",
            "foreign_keys=ON",
        ):
            connection.execute(f"PRAGMA {pragma}")

    @event.listens_for(engine, "begin")
    def begin(connection: sql.Connection) -> None:
        writes = connection.get_execution_options().get(_WRITES, False)
        connection.exec_driver_sql("BEGIN IMMEDIATE" if writes else "BEGIN")

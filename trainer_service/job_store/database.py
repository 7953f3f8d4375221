"""The database behind the store: one thread writes, any thread reads, and changes are told."""

import sqlite3
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from typing import TypeVar

import sqlalchemy as sql

from catalog_service.errors import VertebraError
from catalog_service.sql_engine import open_engine, writing
from trainer_service.errors import StoreFull, StoreUnavailable
from trainer_service.job_store.migrate import migrate

Answer = TypeVar("Answer")

POSTGRES_DISK_FULL = "53100"
"""Source: https://www.postgresql.org/docs/current/errcodes-appendix.html."""

TROUBLES = (sql.exc.OperationalError, sql.exc.InterfaceError, sql.exc.TimeoutError)
"""What SQLAlchemy says of a database that is away, of a connection that broke, and of one that
hangs until every connection waits for it."""


class Database:
    """Runs functions in transactions. Every write goes through one dedicated thread, so that
    writers queue in this process and never fight for the file's lock.

    Args:
        url: SQLAlchemy's, such as `sqlite:////var/lib/vertebra/trainer.db`.
        clock: Unix seconds; the database's own, which all hosts share, where none is given.
    """

    def __init__(self, url: str, clock: Callable[[], float] | None = None) -> None:
        self._engine = open_engine(url)
        self._clock = clock
        self._writer = ThreadPoolExecutor(1, thread_name_prefix="job-store-writer")
        self._listeners: list[Callable[[str], None]] = []
        self.log_id = self.write(migrate)

    def write(self, work: Callable[[sql.Connection], Answer]) -> Answer:
        """Return what `work` returned, once its transaction is on disk. All of it or nothing.

        Raises:
            StoreUnavailable: the database is away. Where it went while it committed, nobody knows
                whether it did: ask before doing it again.
            StoreFull: there is no room left for it.
        """
        return self._writer.submit(self._in_transaction, work).result()

    def change(self, job_id: str, work: Callable[[sql.Connection], Answer]) -> Answer:
        """Return what `write` returns, after telling the listeners that a job has changed."""
        answer = self.write(work)
        self.tell(job_id)
        return answer

    def read(self, work: Callable[[sql.Connection], Answer]) -> Answer:
        """Return what `work` returned. With SQLite it sees one moment of the database.

        Raises:
            StoreUnavailable: the database is away.
        """
        with _troubles_said_plainly(), self._engine.begin() as connection:
            return work(connection)

    def subscribe(self, listener: Callable[[str], None]) -> None:
        """Call `listener(job_id)` after a job changed, on the thread that changed it."""
        self._listeners.append(listener)

    def tell(self, job_id: str) -> None:
        """Tell the listeners that a job has changed."""
        for listener in self._listeners:
            listener(job_id)

    def now(self) -> float:
        """Return Unix seconds of this host; to the microsecond, as callers see them."""
        return round((self._clock or time.time)(), 6)

    def shared_now(self, connection: sql.Connection) -> float:
        """Return Unix seconds that all hosts agree on: leases are measured by them."""
        if self._clock is not None or connection.dialect.name == "sqlite":
            return self.now()
        query = sql.select(sql.extract("epoch", sql.func.clock_timestamp()))
        return float(connection.execute(query).scalar_one())

    def close(self) -> None:
        """Finish the writes under way and let go of the database."""
        self._writer.shutdown()
        self._engine.dispose()

    def _in_transaction(self, work: Callable[[sql.Connection], Answer]) -> Answer:
        with _troubles_said_plainly(), writing(self._engine) as connection:
            return work(connection)


@contextmanager
def _troubles_said_plainly() -> Iterator[None]:
    """Raise our own errors for what is the database's fault; a wrong statement is a bug.

    A server also ends the connection of a process that stood still, in words of its own.
    """
    try:
        yield
    except sql.exc.SQLAlchemyError as error:
        if not _is_trouble(error):
            raise
        raise trouble(error) from error


def _is_trouble(error: sql.exc.SQLAlchemyError) -> bool:
    if isinstance(error, sql.exc.DBAPIError):
        if getattr(error.orig, "sqlite_errorcode", None) == sqlite3.SQLITE_ERROR:
            return False  # SQLite calls a wrong statement operational, too
        if error.connection_invalidated:
            return True
    return isinstance(error, TROUBLES)


def trouble(error: sql.exc.SQLAlchemyError) -> VertebraError:
    """Return what a failure of the database, and not of a statement, means to callers."""
    cause = getattr(error, "orig", None) or error
    is_full = (
        getattr(cause, "sqlite_errorcode", None) == sqlite3.SQLITE_FULL
        or getattr(cause, "sqlstate", None) == POSTGRES_DISK_FULL
    )
    why = " ".join(str(cause).split())  # libpq says it in several lines
    if is_full:
        return StoreFull(f"the job database has no room left on its disk: {why}")
    return StoreUnavailable(f"the job database does not answer: {why}", retry_after_s=1.0)

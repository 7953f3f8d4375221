"""The database behind the store: one thread writes, any thread reads."""

import uuid
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import TypeVar

import sqlalchemy as sql

from catalog_service.sql_engine import open_engine, writing
from trainer_service.errors import StoreVersionUnknown
from trainer_service.job_store.schema import ALEMBIC_VERSION, LOGS, METADATA, SCHEMA_VERSION

Answer = TypeVar("Answer")


class Database:
    """Runs functions in transactions. Every write goes through one dedicated thread, so that
    writers queue in this process and never fight for the file's lock.

    Args:
        url: SQLAlchemy's, such as `sqlite:////var/lib/vertebra/trainer.db`.
    """

    def __init__(self, url: str) -> None:
        self._engine = open_engine(url)
        self._writer = ThreadPoolExecutor(1, thread_name_prefix="job-store-writer")
        self.log_id = self.write(_create_or_check)

    def write(self, work: Callable[[sql.Connection], Answer]) -> Answer:
        """Return what `work` returned, once its transaction is on disk. All of it or nothing."""
        return self._writer.submit(self._in_transaction, work).result()

    def read(self, work: Callable[[sql.Connection], Answer]) -> Answer:
        """Return what `work` returned; it sees one moment of the database."""
        with self._engine.begin() as connection:
            return work(connection)

    def close(self) -> None:
        """Finish the writes under way and let go of the file."""
        self._writer.shutdown()
        self._engine.dispose()

    def _in_transaction(self, work: Callable[[sql.Connection], Answer]) -> Answer:
        with writing(self._engine) as connection:
            return work(connection)


def _create_or_check(connection: sql.Connection) -> str:
    """Return the database's log id, after creating the tables in an empty database."""
    METADATA.create_all(connection)
    version = connection.execute(sql.select(ALEMBIC_VERSION.c.version_num)).scalar()
    if version is None:
        connection.execute(ALEMBIC_VERSION.insert().values(version_num=SCHEMA_VERSION))
        connection.execute(LOGS.insert().values(log_id=uuid.uuid4().hex))
    elif version != SCHEMA_VERSION:
        raise StoreVersionUnknown(
            f"the job database has schema {version!r}; this release reads {SCHEMA_VERSION!r}:"
            " move it away, or name another database"
        )
    return str(connection.execute(sql.select(LOGS.c.log_id)).scalar_one())

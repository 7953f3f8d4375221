"""A writer that stands still in the middle of a transaction does not hold up others for ever."""

import shutil
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest
import sqlalchemy as sql

from catalog_service import sql_engine
from catalog_service.sql_engine import open_engine
from tests.fakes.postgres_server import postgres_server, server_folder

CHANGE = "UPDATE counters SET value = value + 1"
LOCK_PATIENCE = "SET lock_timeout = '4s'"


@pytest.fixture
def url() -> Iterator[str]:
    """A database with one row that several want to change."""
    if server_folder() is None:
        pytest.skip("PostgreSQL's server is not installed")
    folder = Path(tempfile.mkdtemp(prefix="pg"))
    folder.chmod(0o755)
    with postgres_server(folder) as address:
        engine = sql.create_engine(address)
        with engine.begin() as connection:
            connection.exec_driver_sql("CREATE TABLE counters AS SELECT 0 AS value")
        engine.dispose()
        yield address
    shutil.rmtree(folder)


def change_beside_a_frozen_writer(frozen: sql.Engine, other: sql.Engine) -> None:
    """Change the row while another transaction has changed it and says nothing any more."""
    connection = frozen.connect()
    connection.exec_driver_sql(CHANGE)
    try:
        with other.begin() as patient:
            patient.exec_driver_sql(LOCK_PATIENCE)
            patient.exec_driver_sql(CHANGE)
        with pytest.raises(sql.exc.DBAPIError) as caught:
            connection.exec_driver_sql(CHANGE)
        assert caught.value.connection_invalidated
    finally:
        connection.close()
        frozen.dispose()
        other.dispose()


def test_the_lock_of_a_frozen_writer_is_taken_from_it_and_its_transaction_is_over(url, monkeypatch):
    monkeypatch.setattr(sql_engine, "FROZEN_AFTER_S", 1)

    change_beside_a_frozen_writer(open_engine(url), open_engine(url))

    engine = sql.create_engine(url)
    with engine.connect() as connection:
        assert connection.exec_driver_sql("SELECT value FROM counters").scalar() == 1
    engine.dispose()


def test_a_plain_engine_leaves_everybody_waiting(url):
    """The naive way, seen to fail: only the patience of the one who waits ends it."""
    with pytest.raises(sql.exc.OperationalError, match="lock timeout"):
        change_beside_a_frozen_writer(sql.create_engine(url), sql.create_engine(url))

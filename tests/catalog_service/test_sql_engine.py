"""A writer that stands still in the middle of a transaction does not hold up others for ever; a
password may be in a file."""

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


def ask_for_a_password(url: str, password: str) -> None:
    """Give the user a password, and have the server want it."""
    engine = sql.create_engine(url)
    with engine.begin() as connection:
        connection.exec_driver_sql(f"ALTER USER vertebra PASSWORD '{password}'")
        file = connection.exec_driver_sql("SHOW hba_file").scalar()
        Path(str(file)).write_text("local all all scram-sha-256\n")
        connection.exec_driver_sql("SELECT pg_reload_conf()")
    engine.dispose()


def test_a_password_comes_from_a_file_and_a_new_one_without_a_restart(url, tmp_path):
    ask_for_a_password(url, "first")
    file = tmp_path / "password"
    engine = open_engine(f"{url}&password_file={file}")
    for password in ("first", "second"):
        file.write_text(f"{password}\n")
        with engine.begin() as connection:
            connection.exec_driver_sql("ALTER USER vertebra PASSWORD 'second'")
        engine.dispose()  # what is open stays open; a new connection shows the new one

    assert "first" not in str(engine.url)
    file.write_text("third")
    with pytest.raises(sql.exc.OperationalError, match="authentication failed"):
        engine.connect()


def test_a_password_that_cannot_be_read_is_a_database_that_is_away(url, tmp_path):
    engine = open_engine(f"{url}&password_file={tmp_path / 'nothing'}")

    with pytest.raises(sql.exc.OperationalError, match=r"nothing: No such file") as caught:
        engine.connect()

    assert "password" not in str(engine.url)
    assert caught.value.orig is not None

"""Stores over SQLite and over a real PostgreSQL: every test of a store runs on both."""

import shutil
import tempfile
import uuid
from collections.abc import Iterator
from pathlib import Path

import pytest
import sqlalchemy as sql

from tests.fakes.postgres_server import postgres_server, server_folder
from tests.fakes.stored_jobs import SetClock
from trainer_service.job_store import JobStore
from trainer_service.job_store.schema import LOGS, METADATA


@pytest.fixture(scope="session")
def postgres() -> Iterator[str]:
    """A server for all tests of this folder that one process runs."""
    if server_folder() is None:
        pytest.skip("PostgreSQL's server is not installed")
    folder = Path(tempfile.mkdtemp(prefix="pg"))
    folder.chmod(0o755)
    with postgres_server(folder) as url:
        yield url
    shutil.rmtree(folder)


def _run(server: str, statement: str) -> None:
    engine = sql.create_engine(server, isolation_level="AUTOCOMMIT")
    with engine.connect() as connection:
        connection.exec_driver_sql(statement)
    engine.dispose()


@pytest.fixture
def new_postgres_url(postgres: str) -> Iterator[str]:
    """A database of this test alone, without a table."""
    name = f"test_{uuid.uuid4().hex}"
    _run(postgres, f"CREATE DATABASE {name}")
    yield postgres.replace("/postgres?", f"/{name}?")
    _run(postgres, f"DROP DATABASE {name} WITH (FORCE)")


@pytest.fixture(scope="session")
def shared_database(postgres: str) -> Iterator[sql.Engine]:
    """A database with the tables, which tests use one after the other: a new one each is slow.

    Its texts are ordered as people in the US order them, not by code points as SQLite's are.
    """
    locale = "TEMPLATE template0 LOCALE_PROVIDER icu ICU_LOCALE 'en-US'"
    _run(postgres, f"CREATE DATABASE shared {locale}")
    engine = sql.create_engine(postgres.replace("/postgres?", "/shared?"))
    JobStore(engine.url.render_as_string(hide_password=False)).close()
    yield engine
    engine.dispose()


@pytest.fixture
def postgres_url(shared_database: sql.Engine) -> Iterator[str]:
    """A database with the tables and without a row, but for its log's id."""
    yield shared_database.url.render_as_string(hide_password=False)
    with shared_database.begin() as connection:
        for table in reversed(METADATA.sorted_tables):
            if table is not LOGS:
                connection.execute(table.delete())


@pytest.fixture
def new_sqlite_url(tmp_path: Path) -> str:
    """A database of this test alone, without a table."""
    return f"sqlite:///{tmp_path / 'new.db'}"


@pytest.fixture(scope="session")
def empty_file(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A database with the tables: copied, which is faster than migrating."""
    path = tmp_path_factory.mktemp("store") / "empty.db"
    JobStore(f"sqlite:///{path}").close()
    return path


@pytest.fixture
def sqlite_url(tmp_path: Path, empty_file: Path) -> str:
    """A database of this test alone, with the tables."""
    path = tmp_path / "jobs.db"
    shutil.copy(empty_file, path)
    return f"sqlite:///{path}"


@pytest.fixture(params=["sqlite", "postgres"])
def url(request: pytest.FixtureRequest) -> str:
    """A database of this test alone, of each kind."""
    chosen: str = request.getfixturevalue(f"{request.param}_url")
    return chosen


@pytest.fixture
def clock() -> SetClock:
    return SetClock()


@pytest.fixture
def store(url: str, clock: SetClock) -> Iterator[JobStore]:
    """A store whose clock stands still until a test sets it."""
    opened = JobStore(url, clock=clock)
    yield opened
    opened.close()

"""A database that is away or full is said so; nothing is half done."""

import shutil
import tempfile
import threading
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
import sqlalchemy as sql

from tests.fakes.job_values import step
from tests.fakes.postgres_server import postgres_server, restart_postgres, server_folder
from tests.fakes.stored_jobs import all_events, lines, queued_job, running_job
from trainer_service.errors import StoreFull, StoreUnavailable
from trainer_service.job_store import JobStore


@pytest.fixture
def own_server():
    """A folder and a server that a test may break."""
    if server_folder() is None:
        pytest.skip("PostgreSQL's server is not installed")
    folder = Path(tempfile.mkdtemp(prefix="pg"))
    folder.chmod(0o755)
    with postgres_server(folder) as url:
        yield folder, url
    shutil.rmtree(folder)


def test_a_server_that_was_restarted_is_spoken_to_again(own_server):
    """Connections in the pool are dead by then: one call each would fail."""
    folder, url = own_server
    store = JobStore(url)
    hold = running_job(store)
    with ThreadPoolExecutor(4) as pool:
        list(pool.map(store.look, [hold.job_id] * 8))

    restart_postgres(folder)

    with ThreadPoolExecutor(4) as pool:
        states = list(pool.map(store.look, [hold.job_id] * 8))
    store.append_lines(hold, lines(step(1)))
    assert len(set(states)) == 1
    assert all_events(store, hold.job_id)[-1] == step(1)
    store.close()


def test_a_server_that_is_away_is_unavailable_and_not_a_bug():
    with pytest.raises(StoreUnavailable, match="does not answer"):
        JobStore("postgresql+psycopg://vertebra@/postgres?host=/nowhere")


@pytest.mark.parametrize(
    "said",
    [
        sql.exc.TimeoutError("QueuePool limit of size 5 reached"),
        sql.exc.InterfaceError("SELECT 1", {}, Exception("the connection is closed")),
        sql.exc.InternalError(
            "SELECT 1", {}, Exception("closed: it stood still"), connection_invalidated=True
        ),
    ],
)
@pytest.mark.parametrize("way", ["read", "write"])
def test_a_database_that_hangs_or_breaks_off_is_unavailable(store, said, way):
    database = store.subscribe.__self__

    def work(_connection):
        raise said

    with pytest.raises(StoreUnavailable, match=r"QueuePool|closed"):
        getattr(database, way)(work)


def test_a_wrong_statement_is_a_bug_and_not_unavailable(store):
    database = store.subscribe.__self__

    with pytest.raises(sql.exc.DBAPIError):
        database.read(lambda c: c.exec_driver_sql("SELECT no_such_column FROM jobs"))


def test_a_full_disk_is_said_and_leaves_the_log_whole(sqlite_url):
    """SQLite's own limit stands for the disk's."""
    store = JobStore(sqlite_url)
    hold = running_job(store)
    before = store.position(hold.job_id)
    limit_pages(store, 1)  # no more than there are

    with pytest.raises(StoreFull, match="no room left"):
        store.append_lines(hold, lines(*(step(number) for number in range(1, 3000))))

    assert store.position(hold.job_id) == before
    limit_pages(store, 1 << 30)
    store.append_lines(hold, lines(step(1)))
    assert all_events(store, hold.job_id)[-1] == step(1)
    store.close()


def limit_pages(store, num_pages):
    """Let the database's file have so many pages at most, or as many as it has."""
    database = store.subscribe.__self__
    database.write(lambda c: c.exec_driver_sql(f"PRAGMA max_page_count={num_pages}"))


def test_readers_and_writers_of_eight_jobs_never_meet_a_locked_database(store, url):
    other = JobStore(url)
    holds = [running_job(store) for _ in range(8)]
    failures: list[Exception] = []

    def work(number):
        one = store if number % 2 else other
        try:
            for first in range(0, 100, 10):
                told = [step(first + index + 1) for index in range(10)]
                one.append_lines(holds[number], lines(*told, first=first))
                one.find_job(holds[number].job_id)
        except Exception as error:
            failures.append(error)

    threads = [threading.Thread(target=work, args=(number,)) for number in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    other.close()

    assert failures == []
    for hold in holds:
        seqs = [one.seq for one in store.events(hold.job_id, after_seq=0, limit=1000)]
        assert seqs == list(range(1, 105))


def test_a_transaction_that_fails_leaves_nothing(store):
    job_id = queued_job(store)
    database = store.subscribe.__self__

    def work(connection):
        connection.execute(sql.text("UPDATE jobs SET state = 'failed'"))
        raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        database.write(work)
    assert store.look(job_id).state == "queued"

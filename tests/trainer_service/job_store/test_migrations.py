"""A job database becomes what this release reads, and keeps what is in it."""

import json
import sqlite3
import threading
from contextlib import closing

import pytest
import sqlalchemy as sql
from alembic.autogenerate import compare_metadata
from alembic.runtime.migration import MigrationContext

from tests.fakes.job_values import epoch_metrics, job_model, job_spec, step
from tests.fakes.stored_jobs import HOST, queued_job, started_again
from trainer_service.errors import StoreVersionUnknown
from trainer_service.job_store import JobStore
from trainer_service.job_store.rows import to_text
from trainer_service.job_store.schema import METADATA
from trainer_service.jobs import JobState
from trainer_service.jobs.events import event_kind, event_to_json

SCHEMA_0002 = """
CREATE TABLE alembic_version (
    version_num VARCHAR(32) NOT NULL, CONSTRAINT pk_alembic_version PRIMARY KEY (version_num));
CREATE TABLE logs (log_id VARCHAR(64) NOT NULL, CONSTRAINT pk_logs PRIMARY KEY (log_id));
CREATE TABLE jobs (
    job_id VARCHAR(64) NOT NULL, display_name TEXT NOT NULL, backbone VARCHAR(128) NOT NULL,
    spec TEXT NOT NULL, sent_spec TEXT NOT NULL, state VARCHAR(16) NOT NULL,
    state_reason TEXT NOT NULL, failure TEXT, create_time {double} NOT NULL,
    start_time {double} NOT NULL, end_time {double} NOT NULL, last_seq BIGINT NOT NULL,
    attempt INTEGER NOT NULL, progress TEXT NOT NULL, metrics TEXT NOT NULL, model TEXT,
    plan TEXT, evaluation TEXT, CONSTRAINT pk_jobs PRIMARY KEY (job_id));
CREATE INDEX ix_jobs_state ON jobs (state);
CREATE TABLE attempts (
    job_id VARCHAR(64) NOT NULL, number INTEGER NOT NULL, nonce VARCHAR(64) NOT NULL,
    num_lines_stored BIGINT NOT NULL, CONSTRAINT pk_attempts PRIMARY KEY (job_id, number),
    CONSTRAINT fk_attempts_job_id FOREIGN KEY(job_id) REFERENCES jobs (job_id));
CREATE TABLE events (
    job_id VARCHAR(64) NOT NULL, seq BIGINT NOT NULL, attempt INTEGER NOT NULL,
    spool_index BIGINT, time {double} NOT NULL, kind VARCHAR(32) NOT NULL, data TEXT NOT NULL,
    CONSTRAINT pk_events PRIMARY KEY (job_id, seq),
    CONSTRAINT uq_events_job_id_attempt_spool_index UNIQUE (job_id, attempt, spool_index),
    CONSTRAINT fk_events_job_id FOREIGN KEY(job_id) REFERENCES jobs (job_id));
CREATE TABLE requests (
    method VARCHAR(32) NOT NULL, request_id VARCHAR(64) NOT NULL,
    request_hash VARCHAR(80) NOT NULL, job_id VARCHAR(64) NOT NULL, create_time {double} NOT NULL,
    CONSTRAINT pk_requests PRIMARY KEY (method, request_id),
    CONSTRAINT fk_requests_job_id FOREIGN KEY(job_id) REFERENCES jobs (job_id));
CREATE TABLE exports (
    job_id VARCHAR(64) NOT NULL, number INTEGER NOT NULL, data TEXT NOT NULL,
    CONSTRAINT pk_exports PRIMARY KEY (job_id, number),
    CONSTRAINT fk_exports_job_id FOREIGN KEY(job_id) REFERENCES jobs (job_id));
"""
"""As `create_all` of the first release wrote it."""

RUNNING, WAITING = "ab" * 16, "cd" * 16


def write_old_database(url):
    """Write a database of schema 0002: a job that runs, and one that waits."""
    engine = sql.create_engine(url)
    double = "DOUBLE" if engine.dialect.name == "sqlite" else "DOUBLE PRECISION"
    spec = json.loads(to_text(job_spec()))
    del spec["run"], spec["labels"]  # there were none
    events = [step(1), step(2), epoch_metrics(1, 0.5)]
    with engine.begin() as connection:
        for statement in SCHEMA_0002.format(double=double).split(";\n"):
            if statement.strip():
                connection.exec_driver_sql(statement)
        connection.execute(sql.text("INSERT INTO alembic_version VALUES ('0002')"))
        connection.execute(sql.text("INSERT INTO logs VALUES ('log-of-old')"))
        job = sql.text(
            "INSERT INTO jobs VALUES (:job_id, 'pets', 'resnet18', :spec, '{}', :state, '', NULL,"
            " 5.5, 0.0, 0.0, :last_seq, :attempt, '{}', '{}', :model, NULL, NULL)"
        )
        common = {"spec": json.dumps(spec), "model": to_text(job_model())}
        running = {"job_id": RUNNING, "state": "running", "last_seq": 3, "attempt": 1}
        waiting = {"job_id": WAITING, "state": "queued", "last_seq": 0, "attempt": 0}
        connection.execute(job, [common | running, common | waiting])
        connection.execute(sql.text("INSERT INTO attempts VALUES (:j, 1, 'n', 3)"), {"j": RUNNING})
        row = "(:job, :seq, 1, :index, 7.5, :kind, :data)"
        connection.execute(
            sql.text(f"INSERT INTO events VALUES {row}"),
            [
                {
                    "job": RUNNING,
                    "seq": index + 1,
                    "index": index,
                    "kind": event_kind(event),
                    "data": json.dumps(event_to_json(event)),
                }
                for index, event in enumerate(events)
            ],
        )
        request = sql.text("INSERT INTO requests VALUES ('create', 'r1', 'hash', :job, 5.5)")
        connection.execute(request, {"job": WAITING})
    engine.dispose()


@pytest.fixture(params=["new_sqlite_url", "new_postgres_url"])
def old_url(request):
    url = request.getfixturevalue(request.param)
    write_old_database(url)
    return url


def test_a_database_of_the_first_release_keeps_its_jobs(old_url):
    store = JobStore(old_url)

    running, waiting = store.find_job(RUNNING), store.find_job(WAITING)
    assert store.log_id == "log-of-old"
    assert (running.state, running.model, running.spec) == (
        JobState.RUNNING,
        job_model(),
        job_spec(),
    )
    assert [record.event for record in store.events(RUNNING, after_seq=0, limit=9)] == [
        step(1),
        step(2),
        epoch_metrics(1, 0.5),
    ]
    assert store.recall_creation("r1", "hash") == waiting
    assert [job.queue_time for job in store.queue()] == [5.5]
    store.close()


def test_curves_of_older_jobs_are_read_out_of_their_events(old_url):
    store = JobStore(old_url)

    curves = store.metrics(RUNNING)

    assert [(series.name, list(series.values)) for series in curves.series] == [
        ("step/loss", [1.0, 0.5]),
        ("step/lr", [1e-3, 1e-3]),
        ("validation/accuracy", [0.5]),
    ]
    store.close()


def test_a_job_that_ran_under_the_first_release_is_adopted(old_url):
    store = JobStore(old_url)

    (hold,) = store.adopt(HOST, 0.0)

    assert (hold.job_id, hold.attempt, hold.owner) == (RUNNING, 1, HOST)
    store.move(hold, JobState.QUEUED)
    assert started_again(store, RUNNING).attempt == 2
    store.close()


def test_a_job_that_ran_under_the_first_release_keeps_its_device(old_url):
    store = JobStore(old_url)

    (place,) = store.placements()

    assert (place.job_id, place.device_indices) == (RUNNING, (0,))
    store.close()


@pytest.mark.parametrize("database", ["old_url", "fresh"])
@pytest.mark.parametrize("kind", ["new_sqlite_url", "new_postgres_url"])
def test_the_revisions_end_at_the_tables_that_the_code_uses(database, kind, request):
    url = request.getfixturevalue(kind)
    if database == "old_url":
        write_old_database(url)
    JobStore(url).close()

    engine = sql.create_engine(url)
    with engine.connect() as connection:
        differences = compare_metadata(MigrationContext.configure(connection), METADATA)
    engine.dispose()

    assert [one for one in differences if "alembic_version" not in str(one)] == []


@pytest.mark.parametrize("version", ["0001", "9999"])
def test_a_database_of_another_release_is_refused_and_left_alone(sqlite_url, version):
    JobStore(sqlite_url).close()
    path = sqlite_url.removeprefix("sqlite:///")
    with closing(sqlite3.connect(path)) as database, database:
        database.execute("UPDATE alembic_version SET version_num = ?", (version,))

    with pytest.raises(StoreVersionUnknown, match=f"{version}.*reads '0004'"):
        JobStore(sqlite_url)

    with closing(sqlite3.connect(path)) as database:
        assert database.execute("SELECT version_num FROM alembic_version").fetchone() == (version,)


def test_trainers_that_start_at_once_migrate_once(new_postgres_url):
    """Without a lock two of them make the same table."""
    failures: list[Exception] = []

    def start():
        try:
            JobStore(new_postgres_url).close()
        except Exception as error:
            failures.append(error)

    threads = [threading.Thread(target=start) for _ in range(6)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    assert failures == []


def test_another_database_has_another_log(sqlite_url, tmp_path):
    one, other = JobStore(sqlite_url), JobStore(f"sqlite:///{tmp_path / 'other.db'}")
    job_id = queued_job(one)

    assert one.log_id != other.log_id
    one.close()
    other.close()
    again = JobStore(sqlite_url)
    assert again.log_id == one.log_id
    assert again.look(job_id).state is JobState.QUEUED
    again.close()

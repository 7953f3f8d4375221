"""A registry's database becomes what this release reads, and keeps what is in it."""

import json
import sqlite3
import threading
from contextlib import closing
from dataclasses import replace
from pathlib import Path

import pytest
import sqlalchemy as sql
from alembic.autogenerate import compare_metadata
from alembic.runtime.migration import MigrationContext

from catalog_service.checkpoints.checkpoint import Checkpoint
from catalog_service.checkpoints.registry import Registry
from catalog_service.checkpoints.schema import METADATA, RegistryFromTheFuture
from catalog_service.models.layout import LoadReport
from catalog_service.models.lineage import Lineage

BEFORE_MIGRATIONS = """
CREATE TABLE checkpoints (
    checkpoint_id VARCHAR NOT NULL PRIMARY KEY, architecture_id VARCHAR NOT NULL,
    structure_of VARCHAR NOT NULL, backbone_digest VARCHAR NOT NULL, blob_digest VARCHAR NOT NULL,
    blob_size_bytes BIGINT NOT NULL, details TEXT NOT NULL, create_time FLOAT NOT NULL);
CREATE TABLE checkpoint_requests (
    request_id VARCHAR NOT NULL PRIMARY KEY, request_digest VARCHAR NOT NULL,
    checkpoint_id VARCHAR NOT NULL REFERENCES checkpoints (checkpoint_id));
"""
"""As `create_all` of the first releases wrote it."""

DETAILS = {
    "lineage": {"parent": "checkpoints/digits", "licence": "MIT"},
    "load_report": LoadReport(num_loaded=1).to_json(),
    "metrics": {"knn": 0.5},
    "mean": [],
    "std": [],
}


@pytest.fixture
def old_database(tmp_path: Path) -> str:
    path = tmp_path / "old.db"
    row = ("letters", "resnet18", "torchvision/X", "sha256:a", "sha256:b", 7, json.dumps(DETAILS))
    with closing(sqlite3.connect(path)) as database, database:
        database.executescript(BEFORE_MIGRATIONS)
        database.execute("INSERT INTO checkpoints VALUES (?, ?, ?, ?, ?, ?, ?, 1.5)", row)
        database.execute("INSERT INTO checkpoint_requests VALUES ('r1', 'digest', 'letters')")
    return f"sqlite:///{path}"


def test_a_database_from_before_migrations_keeps_its_entries(old_database: str) -> None:
    registry = Registry(old_database)

    assert registry.get("letters") == Checkpoint(
        checkpoint_id="letters",
        architecture_id="resnet18",
        structure_of="torchvision/X",
        backbone_digest="sha256:a",
        blob_digest="sha256:b",
        blob_size_bytes=7,
        lineage=Lineage(parent="checkpoints/digits", licence="MIT"),
        load_report=LoadReport(num_loaded=1),
        metrics={"knn": 0.5},
        mean=(),
        std=(),
        create_time=1.5,
    )
    assert registry.answered("r1", "digest") is not None
    assert registry.children("checkpoints/digits") == ("checkpoints/letters",)
    registry.close()


@pytest.mark.parametrize("database", ["sqlite_url", "old_database", "postgres_url"])
def test_the_revisions_end_at_the_tables_that_the_code_uses(
    database: str, request: pytest.FixtureRequest
) -> None:
    url = request.getfixturevalue(database)
    Registry(url).close()

    engine = sql.create_engine(url)
    with engine.connect() as connection:
        differences = compare_metadata(MigrationContext.configure(connection), METADATA)
    engine.dispose()

    assert [one for one in differences if "alembic_version" not in str(one)] == []


def test_a_database_of_a_later_release_is_refused_and_left_alone(sqlite_url: str) -> None:
    Registry(sqlite_url).close()
    engine = sql.create_engine(sqlite_url)
    with engine.begin() as connection:
        connection.exec_driver_sql("UPDATE alembic_version SET version_num = '9999'")

    with pytest.raises(RegistryFromTheFuture, match="later release"):
        Registry(sqlite_url)

    with engine.begin() as connection:
        version = connection.exec_driver_sql("SELECT version_num FROM alembic_version").scalar()
    engine.dispose()
    assert version == "9999"


def test_catalogs_that_start_at_once_migrate_once(postgres_url: str) -> None:
    """Without a lock two of them make the same table."""
    failures: list[Exception] = []

    def start() -> None:
        try:
            Registry(postgres_url).close()
        except Exception as error:
            failures.append(error)

    threads = [threading.Thread(target=start) for _ in range(6)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    assert failures == []


def test_an_entry_written_now_is_read_after_another_start(sqlite_url: str) -> None:
    first = Registry(sqlite_url)
    checkpoint = Checkpoint(
        checkpoint_id="letters",
        architecture_id="resnet18",
        structure_of="torchvision/X",
        backbone_digest="sha256:a",
        blob_digest="sha256:b",
        blob_size_bytes=7,
        lineage=replace(Lineage(), batch_size=3, augmentations=("a", "b")),
        load_report=LoadReport(),
        metrics={},
        mean=(),
        std=(),
        create_time=1.5,
    )
    first.add(checkpoint, "r1", "digest")
    first.close()

    second = Registry(sqlite_url)
    assert second.get("letters") == checkpoint
    second.close()

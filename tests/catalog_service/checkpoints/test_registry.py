"""An entry is in the registry completely or not at all, also when the process is killed.

The same on SQLite and on PostgreSQL.
"""

import random
import signal
import sqlite3
import subprocess
import sys
import threading
import time
from collections import Counter
from collections.abc import Iterator
from contextlib import closing
from dataclasses import replace
from pathlib import Path

import pytest

from catalog_service.checkpoints.checkpoint import (
    Checkpoint,
    CheckpointExists,
    CheckpointNotFound,
    CheckpointReferenced,
    CheckpointRemedies,
    RequestIdReused,
)
from catalog_service.checkpoints.registry import Registry
from catalog_service.models.backbone_structure import BackboneStructure
from catalog_service.models.layout import LoadReport
from catalog_service.models.lineage import Lineage

CHECKPOINT = Checkpoint(
    checkpoint_id="letters",
    architecture_id="resnet18",
    structure_of="torchvision/ResNet18_Weights.IMAGENET1K_V1",
    backbone_digest="sha256:" + "a" * 64,
    blob_digest="sha256:" + "b" * 64,
    blob_size_bytes=7,
    lineage=Lineage(parent="somebody", num_images=3),
    load_report=LoadReport(num_loaded=1, rules=("a rule",)),
    metrics={"acc@1": 0.5},
    mean=(0.1, 0.2, 0.3),
    std=(1.0, 1.0, 1.0),
    create_time=12.5,
)

DATABASES = ("sqlite_url", "postgres_url")

WITHOUT_BYTES = replace(
    CHECKPOINT,
    backbone_digest="",
    blob_digest="",
    blob_size_bytes=0,
    load_report=LoadReport(),
    remedies=CheckpointRemedies(contact="anna@example.org"),
)

OTHER_BYTES = "sha256:" + "c" * 64

WRITER = """
import sys
from catalog_service.checkpoints.registry import Registry
from tests.catalog_service.checkpoints.test_registry import CHECKPOINT, replace
registry = Registry(sys.argv[1])
print("ready", flush=True)
for number in range(100_000):
    registry.add(replace(CHECKPOINT, checkpoint_id=f"c{number}"), f"r{number}", "digest")
    print(number, flush=True)
"""


@pytest.fixture(params=DATABASES)
def url(request: pytest.FixtureRequest) -> str:
    return request.getfixturevalue(request.param)


@pytest.fixture
def registry(url: str) -> Iterator[Registry]:
    opened = Registry(url)
    yield opened
    opened.close()


@pytest.fixture
def sqlite_file(tmp_path: Path) -> Path:
    return tmp_path / "catalog.db"


def test_a_structure_is_read_back_and_entries_from_before_have_the_published_one(
    sqlite_file: Path,
) -> None:
    structure = BackboneStructure(in_channels=4, arguments={"sizes": [1, 2]})
    registry = Registry(f"sqlite:///{sqlite_file}")
    registry.add(replace(CHECKPOINT, structure=structure), "r1", "digest")
    assert registry.get("letters").structure == structure

    with closing(sqlite3.connect(sqlite_file)) as database, database:
        database.execute("UPDATE checkpoints SET details = json_remove(details, '$.structure')")

    assert registry.get("letters").structure.is_published
    registry.close()


def test_what_was_added_is_read_back_equal(registry: Registry) -> None:
    added = registry.add(CHECKPOINT, "r1", "digest")

    assert added == CHECKPOINT
    assert registry.get("letters") == registry.get("checkpoints/letters") == CHECKPOINT
    assert registry.all() == (CHECKPOINT,)


def test_a_request_is_answered_as_before_and_its_id_is_not_for_others(registry: Registry) -> None:
    registry.add(CHECKPOINT, "r1", "digest")

    assert registry.answered("r1", "digest") == CHECKPOINT
    assert registry.answered("r2", "digest") is None
    with pytest.raises(RequestIdReused, match="r1"):
        registry.answered("r1", "other digest")


def test_other_bytes_under_the_same_id_are_refused_and_the_request_is_not_noted(
    registry: Registry,
) -> None:
    registry.add(CHECKPOINT, "r1", "digest")

    with pytest.raises(CheckpointExists, match="never replaced"):
        registry.add(replace(CHECKPOINT, backbone_digest=OTHER_BYTES), "r2", "digest")

    assert registry.get("letters") == CHECKPOINT
    assert registry.answered("r2", "digest") is None


def test_the_same_bytes_under_the_same_id_keep_the_first_entry(registry: Registry) -> None:
    registry.add(CHECKPOINT, "r1", "digest")

    again = registry.add(replace(CHECKPOINT, create_time=99.0), "r2", "digest")

    assert again == CHECKPOINT
    assert registry.answered("r2", "digest") == CHECKPOINT


def test_an_unknown_name_is_answered_with_the_nearest(registry: Registry) -> None:
    registry.add(CHECKPOINT, "r1", "digest")

    with pytest.raises(CheckpointNotFound, match="closest are letters"):
        registry.get("checkpoints/lettres")


def test_of_many_writers_of_one_id_exactly_one_wins(registry: Registry) -> None:
    outcomes: Counter[str] = Counter()

    def add(number: int) -> None:
        mine = replace(CHECKPOINT, backbone_digest=f"sha256:{number:064d}")
        try:
            registry.add(mine, f"r{number}", "digest")
            outcomes["added"] += 1
        except CheckpointExists:
            outcomes["refused"] += 1

    threads = [threading.Thread(target=add, args=(number,)) for number in range(12)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    assert outcomes == {"added": 1, "refused": 11}


def test_a_kill_at_any_moment_leaves_entries_and_requests_in_pairs(tmp_path: Path) -> None:
    """Every acknowledged entry is there, and no entry is there without its request."""
    rng = random.Random(5)
    histogram: Counter[int] = Counter()
    for run in range(6):
        url = f"sqlite:///{tmp_path / f'{run}.db'}"
        writer = subprocess.Popen(
            [sys.executable, "-c", WRITER, url], stdout=subprocess.PIPE, text=True
        )
        assert writer.stdout is not None and writer.stdout.readline() == "ready\n"
        time.sleep(rng.uniform(0.0, 0.05))
        writer.send_signal(signal.SIGKILL)
        acknowledged = [int(line) for line in writer.stdout if line.strip().isdigit()]
        writer.wait()
        writer.stdout.close()

        registry = Registry(url)
        ids = {checkpoint.checkpoint_id for checkpoint in registry.all()}
        assert ids >= {f"c{number}" for number in acknowledged}
        for checkpoint_id in ids:
            answered = registry.answered(f"r{checkpoint_id[1:]}", "digest")
            assert answered is not None and answered.checkpoint_id == checkpoint_id
        histogram[len(acknowledged)] += 1
        registry.close()

    print("entries acknowledged before the kill:", dict(histogram))
    assert len(histogram) > 1, "every kill fell on the same moment"


def test_an_entry_without_bytes_gets_them_once(registry: Registry) -> None:
    registry.add(WITHOUT_BYTES, "r1", "digest")
    assert not registry.get("letters").has_bytes

    registry.add(CHECKPOINT, "r2", "digest")
    registry.add(replace(WITHOUT_BYTES, create_time=99.0), "r3", "digest")

    assert registry.get("letters") == CHECKPOINT
    assert registry.answered("r1", "digest") == CHECKPOINT


@pytest.mark.parametrize("is_listed_anew", [False, True])
def test_bytes_do_not_bring_back_an_entry_that_was_deleted_while_they_came(
    registry: Registry, is_listed_anew: bool
) -> None:
    entry = registry.add(WITHOUT_BYTES, "r1", "digest")
    registry.delete("letters", "d1", "digest", force=False)
    if is_listed_anew:
        registry.add(replace(WITHOUT_BYTES, architecture_id="resnet50"), "r2", "digest")

    with pytest.raises(CheckpointNotFound):
        registry.add(CHECKPOINT, "r3", "digest", completes=entry)

    assert [one.architecture_id for one in registry.all()] == ["resnet50"] * is_listed_anew


def test_an_entry_that_names_its_file_takes_no_other(registry: Registry) -> None:
    this, other = (replace(CHECKPOINT.lineage, source_digest=f"sha256:{d * 64}") for d in "de")
    entry = registry.add(replace(WITHOUT_BYTES, lineage=this), "r1", "digest")

    with pytest.raises(CheckpointExists, match="is of the file sha256:ddd"):
        registry.add(replace(CHECKPOINT, lineage=other), "r2", "digest")

    whole = replace(CHECKPOINT, lineage=this)
    assert registry.get("letters") == entry
    assert registry.add(whole, "r3", "digest", completes=entry) == whole


def test_a_deleted_entry_is_gone_and_its_name_stays_taken_for_its_bytes(
    registry: Registry,
) -> None:
    registry.add(CHECKPOINT, "r1", "digest")

    deleted = registry.delete("checkpoints/letters", "r2", "delete", force=False)

    assert deleted == CHECKPOINT
    assert registry.all() == ()
    with pytest.raises(CheckpointNotFound, match="all 0"):
        registry.get("letters")
    with pytest.raises(CheckpointExists):
        registry.add(replace(CHECKPOINT, backbone_digest=OTHER_BYTES), "r3", "digest")
    again = replace(CHECKPOINT, create_time=99.0)
    assert registry.add(again, "r4", "digest") == registry.get("letters") == again


def test_a_repeated_deletion_is_answered_and_deletes_nothing_else(registry: Registry) -> None:
    registry.add(CHECKPOINT, "r1", "digest")
    registry.delete("letters", "r2", "delete", force=False)
    registry.add(CHECKPOINT, "r3", "digest")

    assert registry.delete("letters", "r2", "delete", force=False) == CHECKPOINT
    assert registry.get("letters") == CHECKPOINT
    with pytest.raises(RequestIdReused):
        registry.delete("letters", "r1", "delete", force=False)


def test_a_parent_is_deleted_only_by_force(registry: Registry) -> None:
    child = replace(
        CHECKPOINT, checkpoint_id="words", lineage=Lineage(parent="checkpoints/letters")
    )
    registry.add(CHECKPOINT, "r1", "digest")
    registry.add(child, "r2", "digest")

    with pytest.raises(CheckpointReferenced, match="parent of checkpoints/words"):
        registry.delete("letters", "r3", "delete", force=False)
    assert registry.children("letters") == ("checkpoints/words",)
    registry.delete("letters", "r4", "delete force", force=True)

    assert registry.all() == (child,)
    registry.delete("words", "r5", "delete", force=False)
    assert registry.children("letters") == ()


def test_a_kill_at_random_leaves_whole_entries_on_postgresql(postgres_url: str) -> None:
    """SIGKILL of the client: its transaction never happened, or all of it did."""
    writer = subprocess.Popen(
        [sys.executable, "-c", WRITER, postgres_url], stdout=subprocess.PIPE, text=True
    )
    assert writer.stdout is not None and writer.stdout.readline() == "ready\n"
    acknowledged = [int(writer.stdout.readline()) for _ in range(5)]
    writer.send_signal(signal.SIGKILL)
    acknowledged += [int(line) for line in writer.stdout if line.strip().isdigit()]
    writer.wait()
    writer.stdout.close()

    registry = Registry(postgres_url)
    ids = {checkpoint.checkpoint_id for checkpoint in registry.all()}
    assert ids >= {f"c{number}" for number in acknowledged}
    for checkpoint_id in ids:
        assert registry.answered(f"r{checkpoint_id[1:]}", "digest") is not None
    registry.close()


def test_the_same_bytes_with_another_story_are_refused(registry: Registry) -> None:
    """Taken silently, the new lineage would be lost and its teller none the wiser."""
    registry.add(CHECKPOINT, "r1", "digest")
    other = replace(CHECKPOINT, lineage=Lineage(parent="somebody", method="moco"))
    measured = replace(CHECKPOINT, metrics={"acc@1": 0.9})
    silent = replace(CHECKPOINT, lineage=Lineage(train_job="trainJobs/2"), metrics={})

    with pytest.raises(CheckpointExists, match="otherwise of method;"):
        registry.add(other, "r2", "digest")
    with pytest.raises(CheckpointExists, match="otherwise of metrics;"):
        registry.add(measured, "r3", "digest")

    assert registry.add(silent, "r4", "digest") == CHECKPOINT

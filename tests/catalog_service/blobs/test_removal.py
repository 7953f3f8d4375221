"""A blob is taken away or stays, never lost between the two."""

import os
import signal
import subprocess
import sys
import threading
from types import SimpleNamespace

import pytest

from catalog_service.blobs import chunk_stream
from catalog_service.blobs.blob import BlobNotFound
from catalog_service.blobs.chunk_stream import open_for_reading
from catalog_service.blobs.removal import Removal

KILLED = """
import os, signal, sys
from pathlib import Path
from catalog_service.blobs.removal import Removal

def die(_):
    os.kill(os.getpid(), signal.SIGKILL)

Removal(Path(sys.argv[1])).take_away(sys.argv[2], die)
"""


@pytest.fixture
def removal(store):
    return Removal(store.root)


@pytest.fixture
def stored(store, data, digest):
    with store.open_writer() as writer:
        writer.write(data)
        writer.commit()
    return digest


def trash_of(store):
    return [path.name for path in (store.root / "trash").iterdir()]


def wanted(_):
    return True


def unwanted(_):
    return False


def test_an_unwanted_blob_goes(store, removal, stored):
    assert removal.take_away(stored, unwanted)

    assert store.find(stored) is None
    assert [p for p in store.root.rglob("*") if p.is_file()] == []


def test_a_blob_that_is_wanted_after_all_comes_back(store, removal, stored, data):
    """It was pinned or used between the choice and the removal; nobody finds it when asked."""
    hidden = []

    def asked(blob):
        hidden.append(store.find(blob.digest))
        return True

    assert not removal.take_away(stored, asked)

    assert hidden == [None]
    assert store.path(stored).read_bytes() == data
    assert store.ensure_intact(stored)


def test_a_blob_that_is_gone_is_not_removed_twice(removal, stored):
    removal.take_away(stored, unwanted)

    assert not removal.take_away(stored, unwanted)


@pytest.mark.parametrize(("answer", "is_back"), [(wanted, True), (unwanted, False)])
def test_a_removal_that_was_killed_is_finished_by_the_next_sweep(
    store, removal, stored, answer, is_back
):
    ended = subprocess.run([sys.executable, "-c", KILLED, str(store.root), stored], check=False)
    assert ended.returncode == -signal.SIGKILL
    assert store.find(stored) is None
    assert trash_of(store) == [stored[7:]]

    num_deleted = removal.sweep(answer, older_than_s=-1)

    assert num_deleted == (0 if is_back else 1)
    assert (store.find(stored) is not None) is is_back
    assert trash_of(store) == []


def test_what_two_processes_remove_at_once_is_gone_once(store, removal, stored):
    def other_is_faster(_):
        (store.root / "trash" / stored.removeprefix("sha256:")).unlink()
        return False

    assert removal.take_away(stored, other_is_faster) is False
    assert store.find(stored) is None


def test_a_removal_under_way_elsewhere_is_left_alone(store, removal, stored):
    seen = []

    def asked(_):
        seen.append(Removal(store.root).sweep(unwanted))
        return True

    removal.take_away(stored, asked)

    assert seen == [0]
    assert store.find(stored)


def test_a_blob_that_is_away_for_a_moment_is_read_when_it_is_back(
    store, removal, stored, data, monkeypatch
):
    """A reader opens it while it is asked about."""
    path, is_away, is_back, seen = store.path(stored), threading.Event(), threading.Event(), []

    def wait(_):
        is_away.set()
        is_back.wait(60)

    monkeypatch.setattr(chunk_stream, "time", SimpleNamespace(sleep=wait))
    reading = threading.Thread(target=lambda: seen.append(os.read(open_for_reading(path), 9)))

    def asked(_):
        reading.start()
        return is_away.wait(60)

    removal.take_away(stored, asked)
    is_back.set()
    reading.join()

    assert seen == [data[:9]]


def test_a_blob_that_went_after_it_was_looked_for_is_not_found(store, removal, stored):
    """The disk's own error would be no answer."""
    path = store.path(stored)
    removal.take_away(stored, unwanted)

    with pytest.raises(BlobNotFound, match="was evicted"):
        open_for_reading(path)
    with pytest.raises(BlobNotFound):
        store.ensure_intact(stored)

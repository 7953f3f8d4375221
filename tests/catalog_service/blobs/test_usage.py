"""A blob's last use is noted without breaking its seal."""

import os
import time

from catalog_service.blobs import usage
from catalog_service.blobs.census import StoredBlob, stored_blobs
from catalog_service.blobs.chunk_stream import read_chunks
from catalog_service.blobs.disk import SEAL_NS
from catalog_service.blobs.store import BlobStore
from catalog_service.blobs.usage import note_use, unused

LONG_AGO_NS = 10**18


def stored(store: BlobStore, data: bytes) -> str:
    with store.open_writer() as writer:
        writer.write(data)
        return writer.commit().digest


def age(store: BlobStore, digest: str) -> None:
    os.utime(store.path(digest), ns=(LONG_AGO_NS, SEAL_NS))


def only(store: BlobStore) -> StoredBlob:
    (blob,) = stored_blobs(store.root)
    return blob


def test_a_new_blob_was_used_just_now(store, data, digest):
    before = time.time()

    stored(store, data)

    assert only(store).last_used_time >= before - 1
    assert only(store).digest == digest
    assert only(store).size_bytes == len(data)


def test_looking_whether_it_is_intact_before_use_is_a_use(store, data):
    digest = stored(store, data)
    age(store, digest)

    store.ensure_intact(digest)

    assert time.time() - only(store).last_used_time < 60
    assert store.path(digest).stat().st_mtime_ns == SEAL_NS


def test_listing_is_no_use(store, data):
    digest = stored(store, data)
    age(store, digest)

    assert store.find(digest)
    assert only(store).last_used_time == LONG_AGO_NS / 1e9


def test_a_blob_that_was_touched_is_not_sealed_by_a_use(store, data):
    """Its bytes may have changed: the next look must hash it."""
    digest = stored(store, data)
    os.utime(store.path(digest), ns=(5, 5))

    note_use(store.path(digest))

    assert store.path(digest).stat().st_mtime_ns == 5


def test_a_check_is_no_use(store, data):
    digest = stored(store, data)
    age(store, digest)

    with unused(store.path(digest)):
        store.path(digest).read_bytes()

    assert only(store).last_used_time == LONG_AGO_NS / 1e9


def test_who_uses_a_blob_during_a_check_is_seen(store, data):
    digest = stored(store, data)
    age(store, digest)

    with unused(store.path(digest)):
        note_use(store.path(digest))

    assert time.time() - only(store).last_used_time < 60


def test_a_stream_that_lasts_uses_its_blob_all_the_while(store, data, monkeypatch):
    """Its reader may be slower than any lease."""
    digest = stored(store, data)
    clock = iter(range(0, 10_000, 70))
    monkeypatch.setattr(usage.time, "monotonic", lambda: next(clock))
    chunks = read_chunks(store.path(digest), offset=0, limit=0, chunk_bytes=0)
    next(chunks)
    age(store, digest)

    next(chunks)

    assert time.time() - only(store).last_used_time < 60

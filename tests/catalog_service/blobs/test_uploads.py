"""Uploads that outlive their call: nothing lost, nothing mixed, nothing unverified kept."""

import hashlib
import os
import time

import pytest

from catalog_service.blobs.blob import DigestMismatch, SizeMismatch
from catalog_service.blobs.store import BlobStore
from catalog_service.blobs.upload_writer import Announced, UploadInUse
from catalog_service.blobs.uploads import UploadNotFound, Uploads
from catalog_service.errors import InvalidRequest

ID = "123e4567-e89b-42d3-a456-426614174000"
OTHER_ID = "00000000-0000-4000-8000-000000000000"
HALF = 2_000_000


@pytest.fixture
def uploads(store: BlobStore) -> Uploads:
    return Uploads(store)


@pytest.fixture
def announced(data: bytes, digest: str) -> Announced:
    return Announced(expected_digest=digest, expected_size_bytes=len(data))


def send(uploads: Uploads, announced: Announced, data: bytes, *, at: int = 0, is_cut: bool = False):
    writer = uploads.open(ID, announced)
    try:
        writer.begin_at(at)
        writer.write(data)
        return None if is_cut else writer.commit()
    finally:
        writer.leave()


def test_what_arrived_stays_and_the_rest_makes_the_blob(store, uploads, announced, data, digest):
    send(uploads, announced, data[:HALF], is_cut=True)
    there = uploads.state(ID)

    blob = send(Uploads(store), announced, data[HALF:], at=there.committed_bytes)

    assert (there.committed_bytes, there.blob) == (HALF, None)
    assert blob.digest == digest and store.verify(digest)


def test_a_finished_upload_says_so_and_keeps_no_second_copy(
    store, uploads, announced, data, digest
):
    send(uploads, announced, data)

    assert uploads.state(ID).blob.digest == digest
    assert uploads.state(ID).committed_bytes == len(data)
    assert [path.suffix for path in (store.root / "uploads").iterdir()] == [".json"]


def test_an_unknown_upload_begins_at_zero(uploads):
    with pytest.raises(UploadNotFound, match="begin at 0"):
        uploads.state(ID)


@pytest.mark.parametrize("name", ["", "1", "../../etc/passwd", "{" + ID + "}", ID.replace("-", "")])
def test_only_a_uuid_becomes_a_file_name(store, uploads, announced, name):
    with pytest.raises(InvalidRequest, match="is not a UUID"):
        uploads.open(name, announced)
    with pytest.raises(InvalidRequest, match="is not a UUID"):
        uploads.state(name)

    assert not (store.root / "uploads").exists()


def test_a_sender_may_go_back_but_not_ahead(uploads, announced, data, digest):
    send(uploads, announced, data[:HALF], is_cut=True)
    writer = uploads.open(ID, announced)
    writer.begin_at(HALF + 1)
    ahead = writer.size_bytes
    writer.leave()

    blob = send(uploads, announced, data[1000:], at=1000)

    assert ahead == HALF, "the offset is refused where it is compared with this"
    assert blob.digest == digest


def test_a_longer_beginning_is_cut_to_what_was_announced(uploads, data):
    whole = Announced(expected_digest="", expected_size_bytes=None)
    send(uploads, whole, data, is_cut=True)

    blob = send(uploads, whole, data[500:1000], at=500)

    assert blob.digest == f"sha256:{hashlib.sha256(data[:1000]).hexdigest()}"


def test_wrong_bytes_are_stored_nowhere(store, uploads, announced, data, digest):
    send(uploads, announced, bytes(HALF), is_cut=True)

    with pytest.raises(DigestMismatch):
        send(uploads, announced, data[HALF:], at=HALF)

    assert store.find(digest) is None
    with pytest.raises(UploadNotFound):
        uploads.state(ID)


def test_bytes_that_change_on_the_disk_meanwhile_are_noticed(store, uploads, announced, data):
    """What is hashed is the file, not what went by."""
    writer = uploads.open(ID, announced)
    writer.write(data)
    path = store.root / "uploads" / f"{ID}.part"
    path.write_bytes(b"x" + data[1:])

    with pytest.raises(DigestMismatch):
        writer.commit()
    writer.leave()


def test_fewer_bytes_than_announced_are_kept_for_the_rest(uploads, announced, data):
    with pytest.raises(SizeMismatch):
        send(uploads, announced, data[:HALF])

    assert uploads.state(ID).committed_bytes == HALF


def test_one_name_is_one_blob(uploads, announced, data):
    send(uploads, announced, data[:HALF], is_cut=True)

    with pytest.raises(InvalidRequest, match="choose a new UUID"):
        uploads.open(ID, Announced(expected_digest="sha256:" + "0" * 64))


def test_a_name_may_be_used_again_once_its_blob_is_whole(uploads, announced, data):
    send(uploads, announced, data)
    again = send(uploads, announced, data)

    assert again.size_bytes == len(data)


def test_two_do_not_write_one_upload_at_once(uploads, announced, data):
    writer = uploads.open(ID, announced)

    with pytest.raises(UploadInUse) as caught:
        uploads.open(ID, announced)
    uploads.open(OTHER_ID, announced).leave()
    writer.leave()
    uploads.open(ID, announced).leave()

    assert caught.value.retry_after_s


def test_a_silent_call_makes_room_and_writes_no_more(uploads, announced, data, digest):
    """Its connection is dead, and the server does not know it yet."""
    silent = uploads.open(ID, announced)
    silent.write(data[:HALF])
    silent.written_at = time.monotonic() - 60

    blob = send(uploads, announced, data[HALF:], at=HALF)
    with pytest.raises(UploadInUse):
        silent.write(data[HALF:])
    silent.leave()

    assert blob.digest == digest


def test_a_server_killed_before_it_noted_the_end_knows_the_blob(store, uploads, announced, data):
    send(uploads, announced, data[:HALF], is_cut=True)
    with store.open_writer() as writer:
        writer.write(data)
        writer.commit()
    (store.root / "uploads" / f"{ID}.part").unlink()

    assert uploads.state(ID).blob is not None


@pytest.mark.parametrize("content", [b"", b"{}{", b'{"other": 1}', b"[1]"])
def test_an_upload_whose_note_is_torn_begins_again(store, uploads, announced, data, content):
    send(uploads, announced, data[:HALF], is_cut=True)
    (store.root / "uploads" / f"{ID}.json").write_bytes(content)

    assert send(uploads, announced, data).size_bytes == len(data)


def test_uploads_are_forgotten_after_a_day(store, uploads, announced, data):
    send(uploads, announced, data[:HALF], is_cut=True)
    assert uploads.sweep() == 0
    for path in (store.root / "uploads").iterdir():
        os.utime(path, (0, time.time() - 25 * 3600))

    assert uploads.sweep() == 2
    with pytest.raises(UploadNotFound):
        uploads.state(ID)

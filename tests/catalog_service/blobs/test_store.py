"""A blob is whole and verified, or it is not there."""

import hashlib
import os
import stat
from concurrent.futures import ThreadPoolExecutor

import pytest

from catalog_service.blobs.blob import BlobNotFound, DigestMismatch, SizeMismatch
from catalog_service.blobs.digests import sha256_of_file
from catalog_service.blobs.disk import ForeignFile
from catalog_service.blobs.store import BlobInfo, BlobStore

OTHER = f"sha256:{'0' * 64}"


def write(store: BlobStore, data: bytes, **expected: object) -> BlobInfo:
    with store.open_writer(**expected) as writer:
        for start in range(0, len(data), 100_000):
            writer.write(data[start : start + 100_000])
        return writer.commit()


def files_of(store: BlobStore) -> list[str]:
    return sorted(
        p.relative_to(store.root).as_posix() for p in store.root.rglob("*") if p.is_file()
    )


def tamper(store: BlobStore, digest: str) -> None:
    path = store.path(digest)
    path.chmod(0o600)
    with path.open("r+b") as file:
        file.seek(1000)
        file.write(b"\x00\x00\x00")


def test_what_was_committed_is_found_read_only_under_its_digest(store, data, digest):
    info = write(store, data, expected_digest=digest, expected_size_bytes=len(data))

    assert info == BlobInfo(digest=digest, size_bytes=len(data)) == store.find(f"blobs/{digest}")
    assert store.path(digest).read_bytes() == data
    assert stat.S_IMODE(store.path(digest).stat().st_mode) == 0o444
    assert files_of(store) == [f"sha256/{digest[7:9]}/{digest[7:]}"]


def test_the_empty_blob_is_a_blob(store):
    info = write(store, b"", expected_size_bytes=0)

    assert info.digest == f"sha256:{hashlib.sha256().hexdigest()}"
    assert store.path(info.digest).read_bytes() == b""


def test_leaving_without_commit_stores_nothing(store, data, digest):
    with store.open_writer(expected_digest=digest) as writer:
        writer.write(data)

    assert store.find(digest) is None
    assert files_of(store) == []


def test_other_bytes_than_announced_are_refused(store, data):
    with pytest.raises(DigestMismatch, match="nothing was stored"):
        write(store, data, expected_digest=OTHER)

    assert files_of(store) == []


@pytest.mark.parametrize("wrong_by", [-1, 1])
def test_more_or_fewer_bytes_than_announced_are_refused(store, data, wrong_by):
    with pytest.raises(SizeMismatch, match="bytes were announced"):
        write(store, data, expected_size_bytes=len(data) + wrong_by)

    assert files_of(store) == []


def test_writing_the_same_bytes_again_succeeds_and_says_so(store, data):
    write(store, data)
    with store.open_writer() as again:
        again.write(data)
        again.commit()

    assert again.already_existed
    assert len(files_of(store)) == 1


def test_many_writers_of_the_same_bytes_all_succeed(store, data, digest):
    with ThreadPoolExecutor(8) as threads:
        infos = list(threads.map(lambda _: write(store, data, expected_digest=digest), range(16)))

    assert {info.digest for info in infos} == {digest}
    assert store.verify(digest)
    assert len(files_of(store)) == 1


def test_a_reader_keeps_its_bytes_while_the_same_blob_is_written_again(store, data, digest):
    write(store, data)
    with store.path(digest).open("rb") as file:
        write(store, data)

        assert file.read() == data


def test_an_absent_blob_is_not_found(store):
    assert store.find(OTHER) is None
    for ask in (store.info, store.path, store.verify, store.ensure_intact):
        with pytest.raises(BlobNotFound, match="no blob sha256:0000"):
            ask(OTHER)


def test_changed_bytes_are_noticed_and_put_aside_not_deleted(store, data, digest):
    write(store, data)
    tamper(store, digest)

    assert not store.verify(digest)
    with pytest.raises(DigestMismatch, match="changed"):
        store.ensure_intact(digest)

    assert store.find(digest) is None
    kept, note = sorted((store.root / "quarantine").iterdir(), key=lambda path: path.suffix)
    assert kept.stat().st_size == len(data)
    assert "changed" in note.read_text()


def test_a_touched_blob_with_the_same_bytes_is_still_good(store, data, digest):
    write(store, data)
    os.utime(store.path(digest))

    assert store.ensure_intact(digest).size_bytes == len(data)
    assert store.path(digest).stat().st_mtime == 1


def test_storing_a_blob_again_heals_changed_bytes(store, data, digest):
    write(store, data)
    tamper(store, digest)

    write(store, data)

    assert store.verify(digest)


def test_a_file_is_copied_in_and_left_as_it_is(store, data, digest, tmp_path):
    file = tmp_path / "weights.pth"
    file.write_bytes(data)

    info = store.adopt_file(file, expected_digest=digest)

    assert info == store.find(digest)
    assert file.read_bytes() == data and not file.samefile(store.path(digest))


def test_a_staged_file_moves_in_without_a_copy(store, data, digest):
    staged = store.new_staging_path()
    staged.write_bytes(data)
    number = staged.stat().st_ino

    assert store.commit_staged(staged, expected_digest=digest).digest == digest
    assert store.path(digest).stat().st_ino == number
    assert not staged.exists()


def test_a_staged_file_that_is_not_what_was_announced_is_dropped(store, data):
    staged = store.new_staging_path()
    staged.write_bytes(data)

    with pytest.raises(DigestMismatch):
        store.commit_staged(staged, expected_digest=OTHER)

    assert files_of(store) == []


def test_a_file_that_is_written_after_it_was_hashed_is_no_sound_blob(store, data, monkeypatch):
    """As a second call of one upload could, in another process."""
    path = store.new_staging_path()
    path.write_bytes(data)
    descriptor = os.open(path, os.O_WRONLY)

    def hashed(of):
        digest = sha256_of_file(of)
        os.pwrite(descriptor, b"\1", 0)
        return digest

    with monkeypatch.context() as patch:
        patch.setattr("catalog_service.blobs.store.sha256_of_file", hashed)
        info = store.commit_staged(path)
    os.close(descriptor)

    with pytest.raises(DigestMismatch):
        store.ensure_intact(info.digest)


def test_only_staging_that_nobody_touches_is_swept(store, data):
    dead, fresh = store.new_staging_path(), store.new_staging_path()
    for path in (dead, fresh):
        path.write_bytes(data)
    os.utime(dead, (0, 0))

    assert store.sweep_staging() == 1
    assert not dead.exists() and fresh.exists()


def test_a_link_under_a_blobs_name_is_no_blob_and_is_not_written_through(
    store, data, digest, tmp_path
):
    elsewhere = tmp_path / "precious"
    elsewhere.write_text("precious")
    place = store.root / "sha256" / digest[7:9] / digest[7:]
    place.parent.mkdir()
    place.symlink_to(elsewhere)
    assert store.find(digest) is None

    write(store, data)

    assert elsewhere.read_text() == "precious"
    assert not place.is_symlink() and place.read_bytes() == data


def test_a_link_instead_of_a_folder_is_not_followed(store, data, digest, tmp_path):
    elsewhere = tmp_path / "elsewhere"
    elsewhere.mkdir()
    (store.root / "sha256" / digest[7:9]).symlink_to(elsewhere)

    with pytest.raises(ForeignFile, match="follows no links"):
        write(store, data)

    assert list(elsewhere.iterdir()) == []
    assert files_of(store) == []
    (elsewhere / digest[7:]).write_bytes(data)
    assert store.find(digest) is None


@pytest.mark.parametrize("obstacle", ["file for folder", "folder for file"])
def test_something_foreign_in_the_way_is_named_and_left_alone(store, data, digest, obstacle):
    folder = store.root / "sha256" / digest[7:9]
    if obstacle == "file for folder":
        folder.write_text("foreign")
    else:
        (folder / digest[7:]).mkdir(parents=True)

    with pytest.raises(ForeignFile, match="in the way"):
        write(store, data)

    assert folder.is_file() or (folder / digest[7:]).is_dir()
    assert list((store.root / "staging").iterdir()) == []


def test_two_stores_on_one_folder_see_the_same_blobs(store, data, digest):
    write(store, data)

    assert BlobStore(store.root).find(digest) == store.find(digest)


def test_a_writer_that_is_over_takes_nothing_more(store, data):
    with store.open_writer() as writer:
        writer.write(data)
        writer.commit()

        with pytest.raises(AssertionError, match="committed or discarded"):
            writer.write(data)
    assert len(files_of(store)) == 1

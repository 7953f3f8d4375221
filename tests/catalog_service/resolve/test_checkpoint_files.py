"""Files that callers name: uploaded ones, and those in folders that may be read."""

from pathlib import Path

import pytest

from catalog_service.blobs.store import BlobNotFound, BlobStore
from catalog_service.resolve.checkpoint_files import (
    CheckpointFiles,
    FileNotThere,
    NamedFile,
    PathNotAllowed,
)

ABSENT = "blobs/sha256:" + "0" * 64


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A folder that may be read, beside one that may not."""
    (tmp_path / "secret").mkdir()
    (tmp_path / "secret" / "key.ckpt").write_bytes(b"secret")
    allowed = tmp_path / "allowed"
    allowed.mkdir()
    (allowed / "a.ckpt").write_bytes(b"numbers")
    (allowed / "out.ckpt").symlink_to(tmp_path / "secret" / "key.ckpt")
    (allowed / "in.ckpt").symlink_to("a.ckpt")
    return allowed


@pytest.fixture
def store(tmp_path: Path) -> BlobStore:
    return BlobStore(tmp_path / "blobs")


@pytest.fixture
def files(store: BlobStore, folder: Path) -> CheckpointFiles:
    return CheckpointFiles(store, [folder])


@pytest.mark.parametrize("name", ["a.ckpt", "in.ckpt", "../allowed/a.ckpt"])
def test_a_file_in_an_allowed_folder_is_copied(
    files: CheckpointFiles, store: BlobStore, folder: Path, name: str
) -> None:
    blob = files.stored(NamedFile(path=f"{folder}/{name}"))

    assert store.path(blob.digest).read_bytes() == b"numbers"
    assert (folder / "a.ckpt").read_bytes() == b"numbers"


@pytest.mark.parametrize("name", ["out.ckpt", "../secret/key.ckpt", "../secret/none", "\0", ""])
def test_what_is_outside_is_refused_whether_it_exists_or_not(
    files: CheckpointFiles, folder: Path, name: str
) -> None:
    path = f"{folder}/{name}" if name else "a.ckpt"

    with pytest.raises(PathNotAllowed, match=r"may read .*allowed"):
        files.stored(NamedFile(path=path))
    with pytest.raises(PathNotAllowed):
        files.find(NamedFile(path=path))


def test_without_folders_no_path_is_read(store: BlobStore, folder: Path) -> None:
    files = CheckpointFiles(store, [])

    with pytest.raises(PathNotAllowed, match="VERTEBRA_CATALOG_CHECKPOINT_FOLDERS"):
        files.find(NamedFile(path=str(folder / "a.ckpt")))


@pytest.mark.parametrize("name", ["none.ckpt", "."])
def test_a_path_without_a_file_says_so(files: CheckpointFiles, folder: Path, name: str) -> None:
    with pytest.raises(FileNotThere, match="on the catalog's host"):
        files.find(NamedFile(path=f"{folder}/{name}"))


def test_an_upload_is_found_by_its_name(
    files: CheckpointFiles, store: BlobStore, folder: Path
) -> None:
    blob = store.adopt_file(folder / "a.ckpt")

    assert files.find(NamedFile(blob_name=blob.digest)) == store.path(blob.digest)
    assert files.stored(NamedFile(blob_name=f"blobs/{blob.digest}")) == blob
    with pytest.raises(BlobNotFound):
        files.find(NamedFile(blob_name=ABSENT))

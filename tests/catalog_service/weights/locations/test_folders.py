"""Caches and mirror folders are read as other programs left them, and nothing in them changes."""

import hashlib
import os
from pathlib import Path

import pytest

from catalog_service.weights.locations.hf_cache import HuggingFaceCache
from catalog_service.weights.locations.location import ForeignFile, Miss
from catalog_service.weights.locations.mirror_folder import MirrorFolder
from catalog_service.weights.trail import Outcome
from catalog_service.weights.wanted_file import WantedFile

COMMIT = "91c54ad1727ee830252e457677f467be0bfd8a57"
OLDER = "00000000000000000000000000000000000000aa"
DATA = b"the bytes"
DIGEST = hashlib.sha256(DATA).hexdigest()
FILE = WantedFile(
    reference="huggingface/owner/name",
    file_name="owner--name.safetensors",
    repository="owner/name",
    path="model.safetensors",
)


def hub_cache(root: Path, *, links: bool = True, refs: bool = True, snapshots: bool = True) -> Path:
    """Write a hub cache as huggingface_hub leaves it, whole or as a copy may have lost parts."""
    repository = root / "models--owner--name"
    blob = repository / "blobs" / DIGEST
    blob.parent.mkdir(parents=True)
    blob.write_bytes(DATA)
    if refs:
        (repository / "refs").mkdir()
        (repository / "refs" / "main").write_text(COMMIT)
    if snapshots:
        file = repository / "snapshots" / COMMIT / "model.safetensors"
        file.parent.mkdir(parents=True)
        if links:
            file.symlink_to(os.path.relpath(blob, file.parent))
        else:
            blob.rename(file)
    return root


def found(looked: object) -> bytes:
    """Return the bytes of what a location found."""
    assert isinstance(looked, ForeignFile), looked
    return looked.path.read_bytes()


def stamps(root: Path) -> dict[Path, tuple[int, int]]:
    """Return what must not change."""
    return {p: (p.lstat().st_mtime_ns, p.lstat().st_ino) for p in sorted(root.rglob("*"))}


@pytest.mark.parametrize("links", [True, False], ids=["links", "files"])
@pytest.mark.parametrize("refs", [True, False], ids=["refs", "no refs"])
def test_a_hub_cache_is_read_with_and_without_links_and_refs(
    tmp_path: Path, links: bool, refs: bool
) -> None:
    cache = hub_cache(tmp_path / "hub", links=links, refs=refs)
    before = stamps(cache)

    assert found(HuggingFaceCache(cache).look(FILE)) == DATA
    assert stamps(cache) == before


def test_a_blob_without_a_snapshot_is_found_by_its_digest(tmp_path: Path) -> None:
    cache = HuggingFaceCache(hub_cache(tmp_path / "hub", refs=False, snapshots=False))
    pinned = WantedFile(
        reference=FILE.reference,
        file_name=FILE.file_name,
        repository=FILE.repository,
        path=FILE.path,
        sha256=DIGEST,
    )

    assert isinstance(cache.look(FILE), Miss)
    assert found(cache.look(pinned)) == DATA


def test_a_commit_needs_no_ref_and_another_commit_is_another_file(tmp_path: Path) -> None:
    cache = HuggingFaceCache(hub_cache(tmp_path / "hub"))

    here = WantedFile(
        reference="r", file_name="f", repository="owner/name", revision=COMMIT, path=FILE.path
    )
    elsewhere = WantedFile(
        reference="r", file_name="f", repository="owner/name", revision=OLDER, path=FILE.path
    )

    assert found(cache.look(here)) == DATA
    assert cache.look(elsewhere) == Miss(detail="absent")


def test_without_refs_the_newest_snapshot_counts(tmp_path: Path) -> None:
    cache = hub_cache(tmp_path / "hub", refs=False)
    older = cache / "models--owner--name" / "snapshots" / OLDER
    older.mkdir()
    (older / "model.safetensors").write_bytes(b"older")
    os.utime(older, (1, 1))

    assert found(HuggingFaceCache(cache).look(FILE)) == DATA


def test_a_link_without_its_blob_is_told_apart_from_nothing(tmp_path: Path) -> None:
    cache = hub_cache(tmp_path / "hub")
    (cache / "models--owner--name" / "blobs" / DIGEST).unlink()

    looked = HuggingFaceCache(cache).look(FILE)

    assert isinstance(looked, Miss)
    assert looked.outcome is Outcome.UNREADABLE
    assert "leads nowhere" in looked.detail


def test_a_torchvision_file_is_not_looked_for_in_a_hub_cache(tmp_path: Path) -> None:
    plain = WantedFile(reference="torchvision/X", file_name="x-12345678.pth")

    assert isinstance(HuggingFaceCache(tmp_path).look(plain), Miss)


LAYOUTS = [
    "owner--name.safetensors",
    "hub/checkpoints/owner--name.safetensors",
    "checkpoints/owner--name.safetensors",
    "owner/name/model.safetensors",
    "owner/name/resolve/main/model.safetensors",
]


@pytest.mark.parametrize("path", LAYOUTS)
def test_a_mirror_folder_needs_no_renaming(tmp_path: Path, path: str) -> None:
    file = tmp_path / "mirror" / path
    file.parent.mkdir(parents=True)
    file.write_bytes(DATA)

    assert found(MirrorFolder(tmp_path / "mirror").look(FILE)) == DATA


@pytest.mark.parametrize("subfolder", ["", "hub"])
def test_a_copy_of_a_hub_cache_is_a_mirror(tmp_path: Path, subfolder: str) -> None:
    hub_cache(tmp_path / "mirror" / subfolder)

    assert found(MirrorFolder(tmp_path / "mirror").look(FILE)) == DATA


def test_a_folder_of_the_right_name_is_no_file(tmp_path: Path) -> None:
    (tmp_path / "mirror" / FILE.file_name).mkdir(parents=True)

    assert isinstance(MirrorFolder(tmp_path / "mirror").look(FILE), Miss)

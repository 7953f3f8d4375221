"""Caches of other programs are used where they are: nothing in them is fetched or changed."""

import hashlib
import os
from pathlib import Path

import pytest

from catalog_service.weights.locations.hf_cache import HuggingFaceCache
from catalog_service.weights.locations.origin import Origin
from tests.fakes.fake_hub import COMMIT, FakeHub
from tests.fakes.faulty_origin import faulty_origin
from tests.fakes.weight_site import DATA, WeightSite, dinov3_weight, http_client

NAME = "facebook/dinov3-vits16-pretrain-lvd1689m"


def hub_cache(root: Path, *, links: bool, refs: bool) -> Path:
    """Write a cache as huggingface_hub does."""
    repository = root / f"models--{NAME.replace('/', '--')}"
    file = repository / "snapshots" / COMMIT / "model.safetensors"
    blob = repository / "blobs" / hashlib.sha256(DATA).hexdigest()
    for folder in (file.parent, blob.parent, repository / "refs"):
        folder.mkdir(parents=True)
    (blob if links else file).write_bytes(DATA)
    if links:
        file.symlink_to(os.path.relpath(blob, file.parent))
    if refs:
        (repository / "refs" / "main").write_text(COMMIT)
    return root


def state(root: Path) -> list[tuple[str, int, int, int]]:
    """Return what must not change: names, times, inodes, sizes."""
    found = [(path, path.lstat()) for path in sorted(root.rglob("*"))]
    return [(str(p), s.st_mtime_ns, s.st_ino, s.st_size) for p, s in found]


@pytest.mark.parametrize("links", [True, False], ids=["links", "files"])
@pytest.mark.parametrize("refs", [True, False], ids=["refs", "no refs"])
def test_a_hub_cache_is_adopted_in_place(tmp_path: Path, links: bool, refs: bool) -> None:
    cache = hub_cache(tmp_path / "hub", links=links, refs=refs)
    before = state(cache)
    with faulty_origin() as server:
        FakeHub(server).repository(NAME, {"model.safetensors": DATA})
        origin = Origin(http_client(), hub_endpoint=server.url, is_offline=False)
        site = WeightSite(tmp_path / "home", [HuggingFaceCache(cache), origin])

        assert site.find(dinov3_weight())

        assert server.requests == []
    assert state(cache) == before


def test_a_changed_blob_is_left_as_it_is_and_the_hub_is_asked(tmp_path: Path) -> None:
    cache = hub_cache(tmp_path / "hub", links=True, refs=True)
    with faulty_origin() as server:
        FakeHub(server).repository(NAME, {"model.safetensors": DATA})
        origin = Origin(http_client(), hub_endpoint=server.url, is_offline=False)
        WeightSite(tmp_path / "home", [origin]).find(dinov3_weight())  # pins what is right
        (tmp_path / "home" / "blobs" / "records").rename(tmp_path / "forgotten")
        [blob] = (cache / f"models--{NAME.replace('/', '--')}" / "blobs").iterdir()
        blob.write_bytes(DATA[:-1] + b"\xff")
        before = state(cache)
        site = WeightSite(tmp_path / "home", [HuggingFaceCache(cache), origin])

        assert site.find(dinov3_weight())

        assert server.bodies(f"/{NAME}/resolve/main/model.safetensors") == 2
    assert state(cache) == before

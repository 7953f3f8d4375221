"""Where bytes are found, and what happens to wrong ones, through the real server.

One catalog with its own torch-hub cache and mirror; each test has an architecture to itself.
"""

import hashlib
import shutil
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

import grpc
import pytest

from tests.fakes.published_weights import PublishedFile, PublishedFolder
from tests.services import running_catalog
from vertebra.catalog_client import CatalogClient
from vertebra.client_errors import RpcFailed

Fails = Callable[[Callable[[], object]], RpcFailed]


@dataclass(frozen=True, slots=True, kw_only=True)
class World:
    """A catalog, and the folders that it looks into."""

    client: CatalogClient
    hub: Path
    mirror: Path
    blobs: Path
    published: dict[str, PublishedFile]

    def put(self, name: str, folder: Path) -> Path:
        """Copy an architecture's good file into a folder."""
        folder.mkdir(parents=True, exist_ok=True)
        return Path(shutil.copy2(self.published[name].path, folder))


@pytest.fixture(scope="module")
def world(
    published: dict[str, PublishedFile],
    published_folder: PublishedFolder,
    tmp_path_factory: pytest.TempPathFactory,
) -> Iterator[World]:
    """A catalog whose cache and mirror are empty."""
    root = tmp_path_factory.mktemp("trail")
    (root / "mirror").mkdir()
    with (
        running_catalog(
            root / "home",
            TORCH_HOME=str(root / "torch"),
            VERTEBRA_CATALOG_MIRRORS=str(root / "mirror"),
            VERTEBRA_CATALOG_INDEX=str(published_folder.index_path),
        ) as service,
        CatalogClient(service.address) as client,
    ):
        yield World(
            client=client,
            hub=root / "torch" / "hub" / "checkpoints",
            mirror=root / "mirror",
            blobs=root / "home" / "blobs",
            published=published,
        )


def stamp(path: Path) -> tuple[int, int, str]:
    """What must not change in somebody else's file."""
    found = path.stat()
    return found.st_mtime_ns, found.st_ino, hashlib.sha256(path.read_bytes()).hexdigest()


def flip_a_bit(path: Path) -> None:
    """Change one bit; the size stays."""
    path.chmod(0o644)
    content = bytearray(path.read_bytes())
    content[len(content) // 2] ^= 1
    path.write_bytes(content)


def test_a_torch_hub_cache_is_adopted_in_place_and_needed_only_once(world: World) -> None:
    file = world.put("mnasnet0_5", world.hub)
    file.chmod(0o444)
    before = stamp(file)

    first = world.client.build_model({"backbone": "mnasnet0_5"})
    after, beside = stamp(file), [path.name for path in file.parent.iterdir()]
    file.unlink()
    second = world.client.build_model(
        {"backbone": "mnasnet0_5", "classification": {"num_classes": 4}}
    )

    assert after == before
    assert beside == [file.name]
    assert first.backbone_digest == second.backbone_digest


def test_wrong_bytes_in_a_cache_are_left_alone_and_the_next_place_is_tried(world: World) -> None:
    bad = world.put("densenet121", world.hub)
    flip_a_bit(bad)
    before = stamp(bad)
    world.put("densenet121", world.mirror / "hub" / "checkpoints")
    lines: list[str] = []

    model = world.client.build_model(
        {"backbone": "densenet121"}, on_progress=lambda progress: lines.append(progress.message)
    )

    assert model.state_digest
    assert stamp(bad) == before
    assert any("published is" in line and "left as it is" in line for line in lines)


def test_data_is_lost_only_when_every_copy_is_wrong(world: World, fails: Fails) -> None:
    for folder in (world.hub, world.mirror):
        flip_a_bit(world.put("squeezenet1_1", folder))
    spec = {"backbone": "squeezenet1_1"}

    first = fails(lambda: world.client.build_model(spec))
    again = fails(lambda: world.client.build_model(spec))
    world.put("squeezenet1_1", world.mirror)
    repaired = world.client.build_model(spec)

    assert first.code is grpc.StatusCode.DATA_LOSS
    assert first.reason == "DIGEST_MISMATCH"
    assert first.message.count("published is") == 2
    assert again.message == first.message
    assert repaired.state_digest


def test_changed_bytes_in_our_own_store_are_quarantined_and_made_again(
    world: World, tmp_path: Path
) -> None:
    spec = {"backbone": "shufflenet_v2_x0_5"}
    world.put("shufflenet_v2_x0_5", world.mirror)
    others = {path for path in (world.blobs / "sha256").rglob("*") if path.is_file()}
    first = world.client.build_model(spec)
    stored = {path for path in (world.blobs / "sha256").rglob("*") if path.is_file()} - others
    for path in stored:
        flip_a_bit(path)

    second = world.client.build_model(spec)

    quarantined = [p for p in (world.blobs / "quarantine").iterdir() if p.suffix != ".txt"]
    assert len(stored) == 3
    assert quarantined
    assert second.state_digest == first.state_digest
    for part in second.parts:  # the client compares each sha256
        world.client.blobs.download(part.blob.name, tmp_path / part.blob.digest[7:])

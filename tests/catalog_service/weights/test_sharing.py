"""Downloads are shared whole, and never in place of what is there."""

from pathlib import Path

import pytest

from catalog_service.weights.locations.hf_cache import HuggingFaceCache
from catalog_service.weights.locations.location import ForeignFile
from catalog_service.weights.locations.origin import Origin
from catalog_service.weights.locations.torch_hub_cache import TorchHubCache
from catalog_service.weights.sharing import HuggingFaceSharing, TorchHubSharing
from catalog_service.weights.sources.published_file import published_file
from tests.fakes.fake_hub import COMMIT, FakeHub
from tests.fakes.faulty_origin import FaultyOrigin, faulty_origin
from tests.fakes.weight_site import (
    DATA,
    OTHER,
    WeightSite,
    dinov3_weight,
    http_client,
    torchvision_weight,
)


@pytest.fixture
def server():
    """A publisher on loopback."""
    with faulty_origin() as origin:
        yield origin


def origin_of(server: FaultyOrigin) -> Origin:
    """Return the publisher as a location."""
    return Origin(http_client(), hub_endpoint=server.url, is_offline=False)


def test_a_published_file_appears_in_the_torch_hub_cache(server, tmp_path) -> None:
    cache = TorchHubCache(tmp_path / "torch")
    weight = torchvision_weight(server.add("/m/resnet18.pth", DATA))
    site = WeightSite(tmp_path / "home", [origin_of(server)], TorchHubSharing(cache.folder))

    site.find(weight)

    looked = cache.look(published_file(weight))
    assert isinstance(looked, ForeignFile)
    assert looked.path.read_bytes() == DATA
    assert looked.path.stat().st_mode & 0o777 == 0o644
    assert [path.name for path in cache.folder.iterdir()] == [weight.file_name]
    assert site.left_behind() == []


def test_what_is_in_the_cache_is_never_replaced(server, tmp_path) -> None:
    cache = TorchHubCache(tmp_path / "torch")
    weight = torchvision_weight(server.add("/m/resnet18.pth", DATA))
    cache.folder.mkdir(parents=True)
    (cache.folder / weight.file_name).write_bytes(OTHER)
    site = WeightSite(tmp_path / "home", [origin_of(server)], TorchHubSharing(cache.folder))

    site.find(weight)

    assert (cache.folder / weight.file_name).read_bytes() == OTHER


def test_a_file_of_the_hub_appears_in_its_cache_as_the_hub_lays_it_out(server, tmp_path) -> None:
    name = "facebook/dinov3-vits16-pretrain-lvd1689m"
    FakeHub(server).repository(name, {"model.safetensors": DATA})
    folder = tmp_path / "hub"
    site = WeightSite(tmp_path / "home", [origin_of(server)], HuggingFaceSharing(folder))

    site.find(dinov3_weight())

    root = folder / "models--facebook--dinov3-vits16-pretrain-lvd1689m"
    link = root / "snapshots" / COMMIT / "model.safetensors"
    assert link.is_symlink() and link.read_bytes() == DATA
    assert (root / "refs" / "main").read_text() == COMMIT
    looked = HuggingFaceCache(folder).look(published_file(dinov3_weight()))
    assert looked == ForeignFile(path=link)


def test_a_cache_that_cannot_be_written_costs_nobody_a_weight(
    server, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    (tmp_path / "torch").write_text("a file where the cache should be")
    weight = torchvision_weight(server.add("/m/resnet18.pth", DATA))
    sharing = TorchHubSharing(tmp_path / "torch" / "hub" / "checkpoints")
    site = WeightSite(tmp_path / "home", [origin_of(server)], sharing)

    assert site.find(weight)
    assert "cannot share" in caplog.text


def test_files_that_were_found_in_place_are_not_shared(tmp_path: Path) -> None:
    cache = TorchHubCache(tmp_path / "torch")
    weight = torchvision_weight()
    cache.folder.mkdir(parents=True)
    (cache.folder / weight.file_name).write_bytes(DATA)
    other = tmp_path / "other"
    site = WeightSite(tmp_path / "home", [cache], TorchHubSharing(other))

    site.find(weight)

    assert not other.exists()


def test_even_a_link_that_leads_nowhere_is_somebody_elses(server, tmp_path) -> None:
    cache = TorchHubCache(tmp_path / "torch")
    weight = torchvision_weight(server.add("/m/resnet18.pth", DATA))
    cache.folder.mkdir(parents=True)
    link = cache.folder / weight.file_name
    link.symlink_to(tmp_path / "unmounted" / "file")
    site = WeightSite(tmp_path / "home", [origin_of(server)], TorchHubSharing(cache.folder))

    site.find(weight)

    assert link.is_symlink()
    assert [path.name for path in cache.folder.iterdir()] == [weight.file_name]

"""Settings become locations with their own rules; the hub's token goes to the hub alone."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from catalog_service.blobs.store import BlobStore
from catalog_service.errors import VertebraError
from catalog_service.index.catalog_index import CatalogIndex
from catalog_service.make_search import Finders, make_finders
from catalog_service.serving.settings_reader import SettingsInvalid, read_settings
from catalog_service.settings import CatalogSettings
from catalog_service.weights.pins import Pins
from catalog_service.weights.progress import ignore
from catalog_service.weights.trail import Outcome
from tests.fakes import faults
from tests.fakes.fake_hub import FakeHub
from tests.fakes.faulty_origin import FaultyOrigin, faulty_origin
from tests.fakes.weight_site import DATA, dinov3_weight, torchvision_weight

NAME = "facebook/dinov3-vits16-pretrain-lvd1689m"
UNSET = ("HF_TOKEN", "HF_TOKEN_PATH", "HF_HUB_CACHE", "HF_HUB_OFFLINE", "TORCH_HOME")


@pytest.fixture
def server() -> Iterator[FaultyOrigin]:
    """A hub with one gated repository, and any other server."""
    with faulty_origin() as server:
        hub = FakeHub(server)
        hub.repository(NAME, {"model.safetensors": DATA}, gated=True)
        hub.tokens["hf_good"] = {NAME: "granted"}
        yield server


@pytest.fixture
def home(tmp_path: Path, server: FaultyOrigin, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A home with empty caches, and the server as the hub."""
    for name in UNSET:
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    monkeypatch.setenv("HF_HOME", str(tmp_path / "hf"))
    monkeypatch.setenv("HF_ENDPOINT", server.url)
    return tmp_path


def finders(home: Path) -> Finders:
    """Return what the environment makes of the search."""
    settings = read_settings(CatalogSettings)
    store = BlobStore(home / "blobs")
    return make_finders(settings, store, Pins({}, None), CatalogIndex.load())


@pytest.mark.parametrize("where", ["HF_TOKEN", "HF_TOKEN_PATH", "HF_HOME"])
def test_the_token_is_taken_from_where_huggingface_hub_takes_it(
    home: Path, monkeypatch: pytest.MonkeyPatch, where: str
) -> None:
    if where == "HF_TOKEN":
        monkeypatch.setenv("HF_TOKEN", "hf_good")
    else:
        path = home / "elsewhere" if where == "HF_TOKEN_PATH" else home / "hf" / "token"
        path.parent.mkdir(exist_ok=True)
        path.write_text("hf_good\n")
        if where == "HF_TOKEN_PATH":
            monkeypatch.setenv("HF_TOKEN_PATH", str(path))

    assert finders(home).search.find(dinov3_weight(), ignore).source.blob_digest


def test_a_token_file_that_is_not_there_is_told(
    home: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("HF_TOKEN_PATH", str(home / "nowhere"))

    with pytest.raises(SettingsInvalid, match="HF_TOKEN_PATH"):
        finders(home)


@pytest.mark.parametrize("name", ["VERTEBRA_CATALOG_OFFLINE", "HF_HUB_OFFLINE"])
def test_either_variable_makes_it_offline(
    home: Path, server: FaultyOrigin, monkeypatch: pytest.MonkeyPatch, name: str
) -> None:
    monkeypatch.setenv(name, "1")
    monkeypatch.setenv("VERTEBRA_CATALOG_HTTP_MIRRORS", server.url)

    steps = finders(home).search.look(dinov3_weight(), probe=True)

    assert [step.outcome for step in steps[-2:]] == [Outcome.OFFLINE, Outcome.OFFLINE]
    assert server.requests == []


def test_locations_are_tried_in_the_order_of_the_setting(
    home: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("VERTEBRA_CATALOG_LOCATIONS", "origin,mirrors,store,hf_cache")
    monkeypatch.setenv("VERTEBRA_CATALOG_MIRRORS", f"{home}/a:{home}/b")

    steps = finders(home).search.look(torchvision_weight())

    names = [step.location.split(" ")[0] for step in steps]
    assert names == ["store", "origin", "mirror", "mirror", "Hugging"]


def test_a_site_s_own_list_of_hosts_binds_the_origin(
    home: Path, server: FaultyOrigin, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("VERTEBRA_CATALOG_ALLOWED_HOSTS", "hub.example")

    with pytest.raises(VertebraError) as caught:
        finders(home).search.find(dinov3_weight(), ignore)

    assert caught.value.error_reason == "WEIGHTS_UNAVAILABLE"
    assert "not allowed" in caught.value.message
    assert server.requests == []


def test_each_location_has_rules_of_its_own(
    home: Path, server: FaultyOrigin, monkeypatch: pytest.MonkeyPatch
) -> None:
    weight = torchvision_weight()
    server.add(f"/{weight.file_name}", DATA)
    server.fault(f"/{weight.file_name}", faults.status(503), faults.status(503))
    monkeypatch.setenv("VERTEBRA_CATALOG_HTTP_MIRRORS", server.url)
    monkeypatch.setenv("VERTEBRA_CATALOG_LOCATIONS", "store,http_mirrors")
    monkeypatch.setenv("VERTEBRA_CATALOG_HTTP", '{"mirrors": {"num_retries": 0}}')

    with pytest.raises(VertebraError) as caught:
        finders(home).search.find(weight, ignore)

    assert caught.value.error_reason == "WEIGHTS_UNREACHABLE"
    assert len(server.gets(f"/{weight.file_name}")) == 1


def test_a_table_of_rules_with_a_typing_error_is_refused(
    home: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("VERTEBRA_CATALOG_HTTP", '{"mirror": {}}')

    with pytest.raises(SettingsInvalid, match="VERTEBRA_CATALOG_HTTP"):
        read_settings(CatalogSettings)

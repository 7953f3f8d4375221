"""A repository is looked at once and bound to a commit; what it is, its configuration says."""

import json
from pathlib import Path

import pytest

from catalog_service.blobs.records import Records
from catalog_service.errors import VertebraError
from catalog_service.index.catalog_index import CatalogIndex
from catalog_service.weights.copies import Copies
from catalog_service.weights.downloads.turns import Turns
from catalog_service.weights.hub_entries import HubEntries
from catalog_service.weights.locations.location import Location
from catalog_service.weights.locations.mirror_folder import MirrorFolder
from catalog_service.weights.locations.origin import Origin
from catalog_service.weights.pins import Pins
from catalog_service.weights.progress import ignore
from catalog_service.weights.small_files import SmallFiles
from catalog_service.weights.sources.published_file import published_file
from catalog_service.weights.trail import WeightsUnreachable
from catalog_service.weights.verification import Verification
from tests.fakes.fake_hub import COMMIT, FakeHub
from tests.fakes.faulty_origin import FaultyOrigin, faulty_origin
from tests.fakes.weight_site import WeightSite, http_client

NAME = "timm/resnet50.a1_in1k"
REFERENCE = f"huggingface/{NAME}"
CONFIG = json.dumps({"architecture": "resnet50", "num_classes": 1000}).encode()


@pytest.fixture
def server():
    """A publisher on loopback."""
    with faulty_origin() as origin:
        yield origin


def entries(home: Path, location: Location) -> HubEntries:
    """Return what is known of repositories at one location."""
    site = WeightSite(home, [location])
    verification = Verification(Records(site.store.root, "hashed"), Pins({}, None))
    copies = Copies(verification=verification, downloads=site.downloads, store=site.store)
    turns = Turns(site.store.root / "turns")
    files = SmallFiles(locations=[location], copies=copies, turns=turns, store=site.store)
    records = Records(site.store.root, "hub_entries")
    return HubEntries(files=files, records=records, index=CatalogIndex.load())


def origin_of(server: FaultyOrigin) -> Origin:
    """Return the hub as a location."""
    return Origin(http_client(), hub_endpoint=server.url, is_offline=False)


def test_a_repository_is_asked_once_and_bound_to_its_commit(server, tmp_path) -> None:
    hub = FakeHub(server)
    hub.repository(NAME, {"config.json": CONFIG})
    known = entries(tmp_path, origin_of(server))

    first = known.entry(REFERENCE, ignore)
    hub.repository(NAME, {"config.json": b"{}"}, commit="f" * 40)
    again = entries(tmp_path, origin_of(server)).entry(REFERENCE, ignore)
    by_commit = known.entry(f"{REFERENCE}@{COMMIT}", ignore)

    assert first.architecture_id == "resnet50"
    assert first.reference == again.reference == by_commit.reference == f"{REFERENCE}@{COMMIT}"
    assert published_file(first).revision == COMMIT
    assert len(server.requests) == 1


def test_an_architecture_that_is_none_of_ours_says_what_is_taken(server, tmp_path) -> None:
    FakeHub(server).repository(NAME, {"config.json": b'{"model_type": "gpt2"}'})

    with pytest.raises(VertebraError, match="'gpt2'") as caught:
        entries(tmp_path, origin_of(server)).entry(REFERENCE, ignore)

    assert caught.value.error_reason == "WEIGHTS_UNSUPPORTED"


@pytest.mark.parametrize("data", [b"not json", b"[1]", b"[" * 100_000])
def test_a_configuration_that_is_none_is_refused(server, tmp_path, data: bytes) -> None:
    FakeHub(server).repository(NAME, {"config.json": data})

    with pytest.raises(VertebraError) as caught:
        entries(tmp_path, origin_of(server)).entry(REFERENCE, ignore)

    assert caught.value.error_reason == "FILE_UNREADABLE"


def test_one_that_does_not_exist_is_told_with_its_page(server, tmp_path) -> None:
    FakeHub(server)

    with pytest.raises(VertebraError) as caught:
        entries(tmp_path, origin_of(server)).entry(REFERENCE, ignore)

    assert caught.value.error_reason == "WEIGHTS_UNAVAILABLE"
    assert caught.value.links[0].url == f"https://huggingface.co/{NAME}"


def test_a_mirror_folder_is_enough(tmp_path) -> None:
    folder = tmp_path / "mirror" / NAME
    folder.mkdir(parents=True)
    (folder / "config.json").write_bytes(CONFIG)

    entry = entries(tmp_path / "home", MirrorFolder(tmp_path / "mirror")).entry(REFERENCE, ignore)

    assert entry.reference == REFERENCE


def test_another_revision_of_a_listed_weight_needs_no_configuration(tmp_path) -> None:
    listed = "huggingface/facebook/dinov3-vits16-pretrain-lvd1689m"
    known = entries(tmp_path, MirrorFolder(tmp_path / "nothing"))

    entry = known.entry(f"{listed}@{COMMIT}", ignore)

    assert entry.reference == f"{listed}@{COMMIT}"
    assert published_file(entry).revision == COMMIT
    assert known.entry(listed, ignore).reference == listed


def test_what_is_at_hand_of_a_repository_asks_nobody(server, tmp_path) -> None:
    FakeHub(server).repository(NAME, {"config.json": CONFIG})
    known = entries(tmp_path, origin_of(server))

    unseen = known.at_hand(REFERENCE)
    asked = len(server.requests)
    seen = known.entry(REFERENCE, ignore)

    assert unseen.reference == REFERENCE
    assert unseen.url.endswith(f"{NAME}/resolve/main/model.safetensors")
    assert (unseen.licence, unseen.sha256_prefix, asked) == ("unknown", "", 0)
    assert known.at_hand(REFERENCE) == seen


def test_a_configuration_without_end_does_not_get_the_disk(server, tmp_path) -> None:
    """It is left while it comes, not when it is here."""
    path = f"/{NAME}/resolve/main/config.json"
    server.add(path, b" " * (64 << 20))
    known = entries(tmp_path, origin_of(server))

    with pytest.raises(WeightsUnreachable, match="may have 1048576"):
        known.entry(REFERENCE, ignore)

    assert server.bytes_sent(path) < 32 << 20
    kept = sum(one.stat().st_size for one in tmp_path.rglob("*.part"))
    assert kept <= 2 << 20

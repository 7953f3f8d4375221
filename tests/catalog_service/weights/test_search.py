"""The search takes proven bytes from the first place that has them and says what others had."""

import hashlib
import tracemalloc
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from catalog_service.errors import Precondition, VertebraError
from catalog_service.weights.http.policy import HostToken
from catalog_service.weights.locations.http_mirror import HttpMirror
from catalog_service.weights.locations.location import Location
from catalog_service.weights.locations.mirror_folder import MirrorFolder
from catalog_service.weights.locations.origin import Origin
from catalog_service.weights.sources.shards import MAX_INDEX_BYTES
from catalog_service.weights.trail import Outcome
from tests.fakes import faults
from tests.fakes.fake_hub import FakeHub
from tests.fakes.faulty_origin import FaultyOrigin, faulty_origin
from tests.fakes.weight_site import (
    DATA,
    OTHER,
    WeightSite,
    dinov3_weight,
    http_client,
    safetensors_bytes,
    torchvision_weight,
)


@pytest.fixture
def server():
    """A publisher on loopback."""
    with faulty_origin() as origin:
        yield origin


@pytest.fixture
def mirror():
    """Another one."""
    with faulty_origin() as origin:
        yield origin


def origin_of(hub: FaultyOrigin | None = None, **rules: object) -> Origin:
    """Return the origin as a location."""
    endpoint = hub.url if hub else "https://hub.invalid"
    return Origin(http_client(**rules), hub_endpoint=endpoint, is_offline=False)


def mirror_of(server: FaultyOrigin, **rules: object) -> HttpMirror:
    """Return a mirror as a location."""
    return HttpMirror(server.url, http_client(**rules), is_offline=False)


def failed(site: WeightSite, weight) -> VertebraError:
    """Return how a search fails; it must."""
    with pytest.raises(VertebraError) as caught:
        site.find(weight)
    return caught.value


def test_a_published_file_is_fetched_proven_converted_and_not_kept(server, tmp_path) -> None:
    site = WeightSite(tmp_path, [origin_of()])
    weight = torchvision_weight(server.add("/models/resnet18.pth", DATA))

    first, second = site.find(weight), site.find(weight)

    assert first == second
    assert server.bodies("/models/resnet18.pth") == 1
    assert site.left_behind() == []
    steps = [told.step for told in site.told]
    assert "downloading" in steps and "converting" in steps


@pytest.mark.parametrize(
    "path",
    ["/{name}", "/hub/checkpoints/{name}", "/models/{name}"],
    ids=["plain", "torch-hub", "published path"],
)
def test_a_mirror_serves_files_under_any_of_their_usual_paths(mirror, tmp_path, path) -> None:
    weight = torchvision_weight("https://publisher.invalid/models/{}")
    weight = torchvision_weight(f"https://publisher.invalid/models/{weight.file_name}")
    mirror.add(path.format(name=weight.file_name), DATA)
    site = WeightSite(tmp_path, [mirror_of(mirror)])

    assert site.find(weight)


def test_a_hub_on_a_mirror_serves_repositories(mirror, tmp_path) -> None:
    weight = dinov3_weight()
    FakeHub(mirror).repository(
        "facebook/dinov3-vits16-pretrain-lvd1689m", {"model.safetensors": DATA}
    )
    site = WeightSite(tmp_path, [mirror_of(mirror)])

    assert site.find(weight)


def test_one_flipped_bit_in_transit_is_found_and_the_next_location_used(
    server, mirror, tmp_path
) -> None:
    url = server.add("/m/resnet18.pth", DATA)
    weight = torchvision_weight(url)
    mirror.add(f"/{weight.file_name}", DATA)
    mirror.always(f"/{weight.file_name}", faults.flip(len(DATA) // 2))
    site = WeightSite(tmp_path, [mirror_of(mirror), origin_of()])

    assert site.find(weight)

    [left] = [told.left for told in site.told if told.left and "mirror" in told.location]
    assert left.outcome is Outcome.WRONG_DIGEST
    assert "has other bytes" in left.detail
    assert site.left_behind() == []
    quarantined = list((site.store.root / "quarantine").iterdir())
    assert quarantined


def test_when_every_copy_is_wrong_the_data_are_lost(server, mirror, tmp_path) -> None:
    weight = torchvision_weight(server.add("/resnet18.pth", OTHER))
    mirror.add(f"/{weight.file_name}", DATA[: len(DATA) // 2])
    site = WeightSite(tmp_path, [mirror_of(mirror), origin_of()])

    error = failed(site, weight)

    assert error.error_reason == "DIGEST_MISMATCH"
    assert error.metadata["num_locations"] == "3"


def test_nothing_anywhere_is_told_with_every_place(server, mirror, tmp_path) -> None:
    weight = torchvision_weight(f"{server.url}/resnet18.pth")
    site = WeightSite(tmp_path, [MirrorFolder(tmp_path / "m"), mirror_of(mirror), origin_of()])

    error = failed(site, weight)

    assert error.error_reason == "WEIGHTS_UNAVAILABLE"
    assert "404" in error.metadata["step.3"]
    assert error.metadata["num_locations"] == "4"


@pytest.mark.parametrize(
    "fault",
    [
        faults.status(500),
        faults.status(503, retry_after="3600"),
        faults.status(429),
        faults.html(),
        faults.gzipped(),
        faults.redirect_loop(),
        faults.truncate(1000),
        faults.shifted(5),
    ],
    ids=["500", "503", "429", "html", "gzip", "loop", "truncate", "shifted"],
)
def test_a_mirror_in_trouble_is_left_for_the_origin(server, mirror, tmp_path, fault) -> None:
    weight = torchvision_weight(server.add("/resnet18.pth", DATA))
    mirror.add(f"/{weight.file_name}", DATA)
    mirror.always(f"/{weight.file_name}", fault)
    site = WeightSite(tmp_path, [mirror_of(mirror), origin_of()])

    assert site.find(weight)


def test_a_location_in_trouble_is_a_reason_to_try_again(server, tmp_path) -> None:
    weight = torchvision_weight(server.add("/resnet18.pth", DATA))
    server.always("/resnet18.pth", faults.status(503, retry_after="77"))
    site = WeightSite(tmp_path, [origin_of()])

    error = failed(site, weight)

    assert error.error_reason == "WEIGHTS_UNREACHABLE"
    assert error.retry_after_s == 77
    server.heal("/resnet18.pth")
    assert site.find(weight)


def test_a_redirect_to_another_host_is_refused_and_the_token_stays(server, tmp_path) -> None:
    with faulty_origin(name="localhost") as thief:
        url = server.add("/resnet18.pth", DATA)
        server.always("/resnet18.pth", faults.redirect(thief.add("/resnet18.pth", DATA)))
        token = HostToken.for_url(server.url, "hf_secret")
        site = WeightSite(tmp_path, [origin_of(token=token)])

        error = failed(site, torchvision_weight(url))

        assert error.error_reason == "WEIGHTS_UNAVAILABLE"
        assert "not allowed" in error.message
        assert thief.requests == []
    assert server.gets("/resnet18.pth")[0].headers["authorization"] == "Bearer hf_secret"
    assert "hf_secret" not in error.message + str(error.metadata) + str(site.told)


def test_the_hub_token_is_not_sent_to_a_mirror(server, mirror, tmp_path) -> None:
    FakeHub(mirror).repository(
        "facebook/dinov3-vits16-pretrain-lvd1689m", {"model.safetensors": DATA}
    )
    token = HostToken.for_url(server.url, "hf_secret")
    site = WeightSite(tmp_path, [mirror_of(mirror), origin_of(server, token=token)])

    site.find(dinov3_weight())

    assert all("authorization" not in request.headers for request in mirror.requests)


GATES = [
    ("", "granted", "NO_TOKEN"),
    ("hf_unknown", "granted", "BAD_TOKEN"),
    ("hf_known", "not_requested", "NOT_REQUESTED"),
    ("hf_known", "pending", "PENDING"),
    ("hf_known", "rejected", "REJECTED"),
]


@pytest.mark.parametrize(("secret", "state", "gate"), GATES, ids=[row[2] for row in GATES])
def test_a_gated_repository_says_which_gate_and_where_to_go(
    server, tmp_path, secret, state, gate
) -> None:
    name = "facebook/dinov3-vits16-pretrain-lvd1689m"
    hub = FakeHub(server)
    hub.repository(name, {"model.safetensors": DATA}, gated=True)
    hub.tokens["hf_known"] = {name: state}
    token = HostToken.for_url(server.url, secret) if secret else None
    site = WeightSite(tmp_path, [origin_of(server, token=token)])

    error = failed(site, dinov3_weight())

    assert isinstance(error, Precondition)
    assert error.error_reason == "WEIGHTS_GATED"
    assert error.metadata["gate"] == gate
    assert error.metadata["page"].startswith(server.url)
    assert error.metadata["page"] in [link.url for link in error.links]
    assert len(server.requests) == 1, "asking a gate again is of no use"


def test_access_that_was_granted_lets_us_in(server, tmp_path) -> None:
    name = "facebook/dinov3-vits16-pretrain-lvd1689m"
    hub = FakeHub(server)
    hub.repository(name, {"model.safetensors": DATA}, gated=True)
    hub.tokens["hf_good"] = {name: "granted"}
    token = HostToken.for_url(server.url, "hf_good")
    site = WeightSite(tmp_path, [origin_of(server, token=token)])

    assert site.find(dinov3_weight())


def test_a_repository_that_does_not_exist_is_absent_and_not_gated(server, tmp_path) -> None:
    hub = FakeHub(server)
    hub.tokens["hf_good"] = {}
    token = HostToken.for_url(server.url, "hf_good")
    site = WeightSite(tmp_path, [origin_of(server, token=token)])

    error = failed(site, dinov3_weight())

    assert error.error_reason == "WEIGHTS_UNAVAILABLE"


def in_parts() -> dict[str, bytes]:
    """Return a weight that is published in two parts."""
    first, second = (f"model-0000{number}-of-00002.safetensors" for number in (1, 2))
    index = f'{{"weight_map": {{"a.weight": "{first}", "b.weight": "{second}"}}}}'
    return {
        "model.safetensors.index.json": index.encode(),
        first: safetensors_bytes(64, "a.weight"),
        second: safetensors_bytes(64, "b.weight"),
    }


@pytest.mark.parametrize("is_remote", [True, False], ids=["hub", "folder"])
def test_a_weight_in_parts_becomes_one_blob(server, tmp_path, is_remote: bool) -> None:
    name = "facebook/dinov3-vits16-pretrain-lvd1689m"
    location: Location
    if is_remote:
        FakeHub(server).repository(name, in_parts())
        location = origin_of(server)
    else:
        put(tmp_path / "mirror" / name, in_parts())
        location = MirrorFolder(tmp_path / "mirror")
    site = WeightSite(tmp_path, [location])

    blob = site.find(dinov3_weight())

    assert b"a.weight" in blob and b"b.weight" in blob
    assert site.left_behind() == []


def put(folder: Path, files: dict[str, bytes]) -> None:
    """Write files into a new folder."""
    folder.mkdir(parents=True)
    for name, data in files.items():
        (folder / name).write_bytes(data)


def test_an_index_of_parts_that_is_too_long_is_not_read_into_memory(tmp_path) -> None:
    name = "facebook/dinov3-vits16-pretrain-lvd1689m"
    put(tmp_path / "mirror" / name, {})
    with (tmp_path / "mirror" / name / "model.safetensors.index.json").open("wb") as file:
        file.truncate(5 * MAX_INDEX_BYTES)
    site = WeightSite(tmp_path, [MirrorFolder(tmp_path / "mirror")])

    tracemalloc.start()
    error = failed(site, dinov3_weight())
    peak_bytes = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()

    assert "an index of more than" in error.message
    assert peak_bytes < 2 * MAX_INDEX_BYTES


def test_a_blob_that_is_evicted_while_it_is_looked_at_is_brought_in_again(
    server, tmp_path, monkeypatch
) -> None:
    site = WeightSite(tmp_path, [origin_of()])
    weight = torchvision_weight(server.add("/models/resnet18.pth", DATA))
    first = site.find(weight)
    monkeypatch.setattr("catalog_service.blobs.store.note_use", Path.unlink)

    assert site.find(weight) == first
    assert server.bodies("/models/resnet18.pth") == 2


def test_a_part_that_is_missing_is_named(server, tmp_path) -> None:
    files = in_parts()
    del files["model-00002-of-00002.safetensors"]
    FakeHub(server).repository("facebook/dinov3-vits16-pretrain-lvd1689m", files)
    site = WeightSite(tmp_path, [origin_of(server)])

    error = failed(site, dinov3_weight())

    assert "model-00002-of-00002.safetensors" in error.message
    assert site.left_behind() == []


def test_a_proven_file_that_cannot_be_read_is_not_fetched_again_elsewhere(
    server, mirror, tmp_path
) -> None:
    junk = b"no tensors at all " * 500
    weight = torchvision_weight(server.add("/resnet18.pth", junk), junk)
    mirror.add(f"/{weight.file_name}", junk)
    site = WeightSite(tmp_path, [mirror_of(mirror), origin_of()])

    error = failed(site, weight)

    assert error.error_reason == "FILE_UNREADABLE"
    assert "step.1" in error.metadata
    assert server.requests == []
    assert ".part" not in error.message


def test_junk_under_the_name_of_an_unpinned_file_does_not_bind_the_right_one(
    server, tmp_path
) -> None:
    name = "facebook/dinov3-vits16-pretrain-lvd1689m"
    put(tmp_path / "mirror" / name, {"model.safetensors": b"<html>sign in</html>" * 100})
    FakeHub(server).repository(name, {"model.safetensors": DATA})
    site = WeightSite(tmp_path, [MirrorFolder(tmp_path / "mirror"), origin_of(server)])

    assert site.find(dinov3_weight())


def test_a_probe_asks_for_headers_and_an_explanation_asks_nobody(server, mirror, tmp_path) -> None:
    weight = torchvision_weight(server.add("/resnet18.pth", DATA))
    site = WeightSite(tmp_path, [mirror_of(mirror), origin_of()])

    before = site.search.look(weight)
    asked = list(server.requests)
    after = site.search.look(weight, probe=True)

    assert [step.outcome for step in before[1:]] == [Outcome.NOT_ASKED, Outcome.NOT_ASKED]
    assert asked == []
    assert [step.outcome for step in after[1:]] == [Outcome.ABSENT, Outcome.HIT]
    assert {request.method for request in server.requests} == {"HEAD"}
    assert not (site.store.root / "downloads").exists()


def test_a_repository_that_strangers_are_told_nothing_of_is_gated_where_we_know_it_is(
    server, tmp_path
) -> None:
    FakeHub(server)
    site = WeightSite(tmp_path, [origin_of(server)])

    error = failed(site, dinov3_weight())

    assert error.metadata["gate"] == "NO_TOKEN"


def test_what_was_usable_once_binds_later_copies(server, mirror, tmp_path) -> None:
    name = "facebook/dinov3-vits16-pretrain-lvd1689m"
    FakeHub(server).repository(name, {"model.safetensors": DATA})
    FakeHub(mirror).repository(name, {"model.safetensors": OTHER})
    WeightSite(tmp_path, [origin_of(server)]).find(dinov3_weight())
    (tmp_path / "blobs" / "records").rename(tmp_path / "gone")

    error = failed(WeightSite(tmp_path, [mirror_of(mirror)]), dinov3_weight())

    assert error.error_reason == "DIGEST_MISMATCH"


def test_an_explanation_knows_of_a_wrong_file_without_reading_it_again(tmp_path) -> None:
    weight = torchvision_weight()
    put(tmp_path / "mirror", {weight.file_name: OTHER})
    site = WeightSite(tmp_path, [MirrorFolder(tmp_path / "mirror")])

    before = site.search.look(weight)
    failed(site, weight)
    after = site.search.look(weight)

    assert before[1].outcome is Outcome.HIT
    assert after[1].outcome is Outcome.WRONG_DIGEST


def test_what_was_learnt_of_a_file_is_known_from_then_on(server, tmp_path) -> None:
    name = "facebook/dinov3-vits16-pretrain-lvd1689m"
    FakeHub(server).repository(name, {"model.safetensors": DATA})
    site = WeightSite(tmp_path, [origin_of(server)])
    before = site.search.wanted(dinov3_weight()), site.search.expected_proof(dinov3_weight())

    site.find(dinov3_weight())

    assert before[0].sha256 == "" and before[1] == ""
    assert site.search.wanted(dinov3_weight()).sha256 == hashlib.sha256(DATA).hexdigest()
    assert site.search.expected_proof(dinov3_weight()) == "first_use"


def test_callers_of_several_catalogs_on_one_store_fetch_once(server, tmp_path) -> None:
    path = "/resnet18.pth"
    weight = torchvision_weight(server.add(path, DATA))
    server.fault(path, faults.drip(piece_bytes=len(DATA) // 4, every_s=0.1))
    sites = [WeightSite(tmp_path, [origin_of()]) for _ in range(4)]  # each with turns of its own

    with ThreadPoolExecutor(8) as threads:
        blobs = list(threads.map(lambda site: site.find(weight), [*sites, *sites]))

    assert len(set(blobs)) == 1
    assert server.bodies(path) == 1
    assert "waiting" in {told.step for site in sites for told in site.told}


def test_offline_no_server_is_asked_and_each_says_so(server, mirror, tmp_path) -> None:
    weight = torchvision_weight(server.add("/resnet18.pth", DATA))
    client = http_client()
    locations = [
        HttpMirror(mirror.url, client, is_offline=True),
        Origin(client, hub_endpoint=server.url, is_offline=True),
    ]
    site = WeightSite(tmp_path, locations)

    error = failed(site, weight)
    probed = site.search.look(weight, probe=True)

    assert error.error_reason == "WEIGHTS_UNAVAILABLE"
    assert error.message.count("offline mode") == 2
    assert [step.outcome for step in probed[1:]] == [Outcome.OFFLINE, Outcome.OFFLINE]
    assert server.requests == mirror.requests == []


def test_credentials_in_a_mirror_url_are_used_and_shown_nowhere(mirror, tmp_path) -> None:
    weight = torchvision_weight()
    base = mirror.url.replace("http://", "http://user:s3cret@")
    site = WeightSite(tmp_path, [HttpMirror(base, http_client(), is_offline=False)])

    error = failed(site, weight)
    mirror.add(f"/{weight.file_name}", DATA)
    site.find(weight)

    assert mirror.requests[0].headers["authorization"].startswith("Basic ")
    shown = error.message + str(error.metadata) + str(site.told) + str(error.links)
    assert "s3cret" not in shown + (tmp_path / "pins.json").read_text()

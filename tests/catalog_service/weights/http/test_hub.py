"""The client and a hub: declared digests, content networks, gates."""

import hashlib

import pytest

from catalog_service.weights.http.body import Body
from catalog_service.weights.http.client import HttpClient
from catalog_service.weights.http.failures import (
    Gated,
    HostRefused,
    HttpFailure,
    Nonsense,
    NotThere,
)
from catalog_service.weights.http.policy import HostToken, HttpPolicy
from tests.fakes import faults
from tests.fakes.fake_hub import COMMIT, FakeHub
from tests.fakes.faulty_origin import faulty_origin

NAME = "facebook/dinov3-vits16-pretrain-lvd1689m"
OPEN = "timm/resnet50.a1_in1k"
DATA = b"safetensors" * 5000
SHA256 = hashlib.sha256(DATA).hexdigest()
FILES = {"model.safetensors": DATA, "config.json": b'{"model_type": "dinov3_vit"}'}


@pytest.fixture
def hub():
    with faulty_origin() as origin, faulty_origin() as cdn:
        hub = FakeHub(origin, cdn=cdn)
        hub.repository(NAME, FILES, gated=True)
        hub.repository(OPEN, FILES)
        hub.tokens["hf_good"] = {NAME: "granted"}
        yield hub


def client(hub: FakeHub, secret: str = "", **policy) -> HttpClient:
    token = HostToken.for_url(hub.url, secret) if secret else None
    hosts = (hub.origin.host, hub.cdn.host)
    return HttpClient(HttpPolicy(**{"token": token, "allowed_hosts": hosts, **policy}))


def url(hub: FakeHub, name: str = NAME, path: str = "model.safetensors", revision="main") -> str:
    return hub.url + hub.path(name, path, revision)


def whole(body: Body) -> bytes:
    with body:
        return b"".join(iter(lambda: body.read(10_000), b""))


def refusal(hub: FakeHub, where: str, secret: str = "") -> HttpFailure:
    with pytest.raises(HttpFailure) as by_head:
        client(hub, secret).head(where)
    with pytest.raises(HttpFailure) as by_open:
        client(hub, secret).open(where)
    assert by_head.value.sentence == by_open.value.sentence
    return by_open.value


def test_head_has_what_the_hub_declares_and_asks_no_one_else(hub: FakeHub):
    """The redirect itself says size, digest and commit."""
    head = client(hub).head(url(hub, OPEN))

    assert (head.size_bytes, head.sha256, head.commit) == (len(DATA), SHA256, COMMIT)
    assert hub.cdn.requests == []


def test_a_big_file_comes_from_the_content_network(hub: FakeHub):
    """With what the hub declared on the way, and its own validator."""
    body = client(hub).open(url(hub, OPEN))

    assert (body.sha256, body.commit, body.total_bytes) == (SHA256, COMMIT, len(DATA))
    assert whole(body) == DATA
    assert hub.cdn.bodies(hub.cdn_path(OPEN, "model.safetensors")) == 1


def test_a_big_file_is_resumed_on_the_content_network(hub: FakeHub):
    """By its ETag: the hub's own is of the redirect."""
    with client(hub).open(url(hub, OPEN)) as before:
        etag = before.etag

    body = client(hub).open(url(hub, OPEN), start=1000, etag=etag)

    assert body.start == 1000
    assert whole(body) == DATA[1000:]


def test_a_small_file_declares_no_sha256(hub: FakeHub):
    """Its ETag is a git hash."""
    body = client(hub).open(url(hub, OPEN, "config.json"))

    assert (body.sha256, body.commit) == ("", COMMIT)
    assert whole(body) == FILES["config.json"]


def test_the_token_opens_the_gate_and_stays_with_the_hub(hub: FakeHub):
    """The content network never sees it."""
    assert whole(client(hub, "hf_good").open(url(hub))) == DATA

    assert "hf_good" in str(hub.origin.requests)
    assert "hf_good" not in str(hub.cdn.requests)


def test_a_content_network_that_is_not_allowed_is_refused_by_head_too(hub: FakeHub):
    """So that a probe says what a download would meet."""
    for ask in (client(hub, allowed_hosts=()).head, client(hub, allowed_hosts=()).open):
        with pytest.raises(HostRefused, match="ALLOWED_HOSTS"):
            ask(url(hub, OPEN))

    assert hub.cdn.requests == []


@pytest.mark.parametrize(
    ("secret", "state", "gate"),
    [
        ("", "", "NO_TOKEN"),
        ("hf_wrong", "", "BAD_TOKEN"),
        ("hf_mine", "not_requested", "NOT_REQUESTED"),
        ("hf_mine", "pending", "PENDING"),
        ("hf_mine", "rejected", "REJECTED"),
        ("hf_mine", "fine_grained", "BAD_TOKEN"),
    ],
)
def test_every_state_of_a_gate_has_its_name(hub: FakeHub, secret: str, state: str, gate: str):
    """With the page to visit, asked once, the secret not repeated."""
    if state:
        hub.tokens[secret] = {NAME: state}

    failure = refusal(hub, url(hub), secret)

    assert isinstance(failure, Gated)
    assert failure.gate == gate
    assert failure.page.endswith("/settings/tokens" if gate == "BAD_TOKEN" else f"/{NAME}")
    assert not secret or secret not in failure.sentence
    assert len(hub.origin.requests) == 2


def test_an_unknown_repository_is_not_called_gated_to_strangers(hub: FakeHub):
    """The hub answers 401 to both; the code tells them apart."""
    failure = refusal(hub, url(hub, "facebook/dinov3-vitb14"))

    assert isinstance(failure, Gated)
    assert failure.gate == "UNKNOWN_REPOSITORY"


@pytest.mark.parametrize(
    ("name", "path", "revision", "words"),
    [
        ("facebook/dinov3-vitb14", "model.safetensors", "main", "no repository"),
        (NAME, "pytorch_model.bin", "main", "no such file"),
        (NAME, "model.safetensors", "v9", "not this revision"),
    ],
)
def test_what_does_not_exist_is_said_to_those_with_a_token(
    hub: FakeHub, name: str, path: str, revision: str, words: str
):
    """404 with a code."""
    failure = refusal(hub, url(hub, name, path, revision), "hf_good")

    assert isinstance(failure, NotThere)
    assert words in failure.sentence


def test_a_content_network_with_another_size_is_refused(hub: FakeHub):
    """Before a byte is kept."""
    hub.cdn.fault(hub.cdn_path(OPEN, "model.safetensors"), faults.shorten(100))

    with pytest.raises(Nonsense, match=f"100 bytes where the hub declares {len(DATA)}"):
        client(hub).open(url(hub, OPEN))


def test_a_page_of_the_content_network_is_no_gate(hub: FakeHub):
    """403 of a signature that ran out is trouble, not a missing licence."""
    hub.cdn.always(hub.cdn_path(OPEN, "model.safetensors"), faults.status(403, text="Expired"))

    with pytest.raises(HttpFailure, match="answers 403") as caught:
        client(hub).open(url(hub, OPEN))

    assert not isinstance(caught.value, Gated)
    assert "cdn-signature" not in caught.value.sentence


def test_more_bytes_than_the_hub_declares_are_not_taken(hub: FakeHub):
    """The content network names no length and sends on and on."""
    hub.cdn.add(hub.cdn_path(OPEN, "model.safetensors"), DATA + b"more")
    hub.cdn.fault(hub.cdn_path(OPEN, "model.safetensors"), faults.length(-1))

    with pytest.raises(Nonsense, match=f"more than its {len(DATA)} bytes"):
        whole(client(hub).open(url(hub, OPEN)))


def test_a_server_that_repeats_the_token_is_not_quoted_with_it(hub: FakeHub):
    """In its header and in its text."""
    said = "no such token hf_good"
    hub.origin.always(hub.path(OPEN, "model.safetensors"), faults.status(400, x_error_message=said))
    by_header = refusal(hub, url(hub, OPEN), "hf_good")
    hub.origin.always(hub.path(OPEN, "model.safetensors"), faults.status(400, text=said))
    with pytest.raises(HttpFailure) as by_text:
        client(hub, "hf_good").open(url(hub, OPEN))

    assert "'no such token ***'" in by_header.sentence
    assert "'no such token ***'" in by_text.value.sentence

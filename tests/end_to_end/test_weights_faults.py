"""Faults of hubs and servers, seen by a client of a real catalog: reasons, deadlines, secrets.

One catalog has a token that the hub knows; what it may read differs by repository. Before the hub
it asks a mirror behind TLS, a password and a proxy, which has nothing but one file.
"""

import json
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path

import grpc
import pytest

from tests.fakes import faults
from tests.fakes.faulty_origin import FaultyOrigin, faulty_origin
from tests.fakes.forward_proxy import ForwardProxy, forward_proxy
from tests.fakes.publishers import Publishers, publishers
from tests.services import Service, running_catalog
from vertebra.catalog.v1 import weights_service_pb2 as wire
from vertebra.catalog.v1 import weights_service_pb2_grpc as services
from vertebra.catalog_client import CatalogClient
from vertebra.client_errors import RpcFailed

TOKEN = "hf_seeded-secret"
SIGNATURE = "seeded-signature"
PASSWORD, PROXY_PASSWORD = "seeded-password", "seeded-proxy-password"
REPOSITORIES = {
    "not_requested": "facebook/dinov3-vits16-pretrain-lvd1689m",
    "pending": "facebook/dinov3-vits16plus-pretrain-lvd1689m",
    "rejected": "facebook/dinov3-vitb16-pretrain-lvd1689m",
    "granted": "facebook/dinov3-vitl16-pretrain-lvd1689m",
    "elsewhere": "facebook/dinov3-vith16plus-pretrain-lvd1689m",
}
MIRRORED = "torchvision/ResNet18_Weights.IMAGENET1K_V1"
GONE = "facebook/dinov3-convnext-tiny-pretrain-lvd1689m"
FILES = {"model.safetensors": b"not a safetensors file", "config.json": b"{}"}
SLOW = "squeezenet1_1"


@dataclass(frozen=True, slots=True, kw_only=True)
class Site:
    """A catalog, the publishers it asks, and a server that it must never ask."""

    world: Publishers
    elsewhere: FaultyOrigin
    mirror: FaultyOrigin
    proxy: ForwardProxy
    catalog: Service
    home: Path
    slow_path: str

    def refusal(self, name: str) -> RpcFailed:
        """Return how the catalog refuses to ensure a weight; it must."""
        with CatalogClient(self.catalog.address) as client, pytest.raises(RpcFailed) as caught:
            client.ensure_weights(name)
        return caught.value


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Site]:
    """The hub's content network is a host that nobody has allowed."""
    home = tmp_path_factory.mktemp("site")
    with (
        publishers(home / "published") as world,
        faulty_origin() as elsewhere,
        faulty_origin(tls=True) as mirror,
        forward_proxy(f"me:{PROXY_PASSWORD}") as proxy,
    ):
        world.hub.tokens[TOKEN] = {}
        for state, name in REPOSITORIES.items():
            world.hub.repository(name, FILES, gated=state != "elsewhere")
            if state not in {"not_requested", "elsewhere"}:
                world.hub.tokens[TOKEN][name] = state
        world.hub_origin.always(
            world.hub.path(REPOSITORIES["elsewhere"], "model.safetensors"),
            faults.redirect(f"{elsewhere.url}/blob?Signature={SIGNATURE}"),
        )
        published = world.publish(SLOW)
        slow_path = world.path(published.path)
        world.torchvision.fault(slow_path, faults.drip(piece_bytes=1 << 16, every_s=0.05))
        published.path.unlink()
        rules = {"proxy": proxy.url_with_credentials, "ca_bundle": mirror.ca_bundle}
        variables = {
            **world.variables,
            "HF_TOKEN": TOKEN,
            "VERTEBRA_CATALOG_HTTP_MIRRORS": f"https://me:{PASSWORD}@{mirror.host}/weights",
            "VERTEBRA_CATALOG_HTTP": json.dumps({"mirrors": rules}),
        }
        with running_catalog(home / "catalog", **variables) as catalog:
            yield Site(
                world=world,
                elsewhere=elsewhere,
                mirror=mirror,
                proxy=proxy,
                catalog=catalog,
                home=home / "catalog",
                slow_path=slow_path,
            )


@pytest.mark.parametrize("state", ["not_requested", "pending", "rejected"])
def test_each_gate_has_its_reason_and_its_page(site: Site, state: str):
    """For programs in metadata, for people as a link."""
    failure = site.refusal(REPOSITORIES[state])

    assert (failure.code, failure.reason) == (
        grpc.StatusCode.FAILED_PRECONDITION,
        "WEIGHTS_GATED",
    )
    assert failure.metadata["gate"] == state.upper()
    page = f"{site.world.hub.url}/{REPOSITORIES[state]}"
    assert page in [link.url for link in failure.links]
    assert "Traceback" not in str(failure)


def test_a_token_that_the_hub_does_not_know_is_said_to_be_bad(site: Site):
    """It was withdrawn: the page is where tokens are made."""
    known = site.world.hub.tokens.pop(TOKEN)
    try:
        failure = site.refusal(REPOSITORIES["not_requested"])
    finally:
        site.world.hub.tokens[TOKEN] = known

    assert failure.metadata["gate"] == "BAD_TOKEN"
    assert f"{site.world.hub.url}/settings/tokens" in [link.url for link in failure.links]


def test_a_repository_that_is_gone_is_not_gated(site: Site):
    """404 with a token the hub knows."""
    failure = site.refusal(GONE)

    assert failure.reason == "WEIGHTS_UNAVAILABLE"
    assert "gate" not in failure.metadata
    assert "no repository" in str(failure.metadata)


def test_a_gate_is_asked_once(site: Site):
    """Asking again changes nothing; the hub counts requests."""
    name = REPOSITORIES["rejected"]
    before = len(site.world.hub_origin.gets(site.world.hub.path(name, "model.safetensors")))

    site.refusal(name)

    after = len(site.world.hub_origin.gets(site.world.hub.path(name, "model.safetensors")))
    assert after - before == 1


def test_granted_access_opens_the_gate(site: Site):
    """The control: the bytes came; it is only that they are no weights."""
    name = REPOSITORIES["granted"]

    failure = site.refusal(name)

    assert "gate" not in failure.metadata
    path = site.world.hub.path(name, "model.safetensors")
    assert {request.status for request in site.world.hub_origin.gets(path)} == {200}


def test_a_redirect_to_a_host_that_is_not_allowed_is_not_followed(site: Site):
    """The trail names the host; it was sent nothing at all."""
    failure = site.refusal(REPOSITORIES["elsewhere"])

    assert "is not allowed" in str(failure.metadata)
    assert site.elsewhere.requests == []


def test_a_probe_names_the_gate_without_fetching(site: Site):
    """The trail of ExplainWeights says what a download would meet."""
    with CatalogClient(site.catalog.address) as client:
        explained = client.explain_weights(REPOSITORIES["pending"], probe=True)

    assert wire.TrailStep.OUTCOME_GATED in [step.outcome for step in explained.steps]


def test_a_mirror_is_asked_by_its_own_rules(site: Site):
    """Certificates, proxy and password of the settings arrive; the hub's token does not."""
    with CatalogClient(site.catalog.address) as client:
        [step] = [
            step
            for step in client.explain_weights(MIRRORED).steps
            if step.location.startswith("mirror")
        ]
        site.mirror.add(step.place.removeprefix(site.mirror.url), b"some bytes")
        probed = client.explain_weights(MIRRORED, probe=True)

    [answer] = [step for step in probed.steps if step.location.startswith("mirror")]
    assert answer.outcome == wire.TrailStep.OUTCOME_HIT
    assert site.proxy.asked[-1] == f"CONNECT {site.mirror.host}"
    assert site.mirror.requests[-1].headers["authorization"].startswith("Basic ")
    assert TOKEN not in str(site.mirror.requests)
    assert PASSWORD not in str(probed)


def test_a_deadline_is_the_callers_and_the_transfer_goes_on(site: Site):
    """Who waits longer gets the bytes of the one request that was made."""
    with grpc.insecure_channel(site.catalog.address) as channel, ThreadPoolExecutor(1) as threads:
        stub = services.WeightsServiceStub(channel)
        request = wire.EnsureWeightsRequest(name=SLOW)
        began = time.monotonic()
        with pytest.raises(grpc.RpcError) as caught:
            list(stub.EnsureWeights(request, timeout=0.5))
        assert caught.value.code() is grpc.StatusCode.DEADLINE_EXCEEDED
        assert time.monotonic() - began < 60

        with CatalogClient(site.catalog.address) as client:
            assert threads.submit(client.ensure_weights, SLOW).result(60).blob.digest

    assert site.world.torchvision.bodies(site.slow_path) == 1


def test_no_secret_is_in_logs_errors_or_files(site: Site):
    """Seeded, then looked for in everything the catalog has written; the token did travel."""
    texts = [str(site.refusal(name).metadata) for name in REPOSITORIES.values()]
    files = [path for path in site.home.rglob("*") if path.is_file()]
    written = [path.read_bytes() for path in (*files, site.catalog.log)]

    assert any(TOKEN in str(request.headers) for request in site.world.hub_origin.requests)
    for secret in (TOKEN, SIGNATURE, PASSWORD, PROXY_PASSWORD):
        assert [text for text in texts if secret in text] == []
        assert [data for data in written if secret.encode() in data] == []

"""Offline means that no socket leads anywhere but to this host, children included.

strace writes down every connect() of the catalog, its workers and its readers. A control run, not
offline, is seen to try an address that is reserved for documentation and answers nobody.
"""

import re
from pathlib import Path

import pytest

from tests.fakes.published_weights import PublishedFolder
from tests.services import running_catalog
from vertebra.catalog_client import CatalogClient
from vertebra.client_errors import RpcFailed

NOBODY = "192.0.2.1"
"""Source: RFC 5737, TEST-NET-1."""

LOCAL = re.compile(
    r'AF_UNIX|AF_UNSPEC|AF_NETLINK|inet_addr\("127\.|inet_pton\(AF_INET6, "(::1|::ffff:127\.)'
)

REFERENCES = (
    "resnet18",
    "facebook/dinov3-vits16-pretrain-lvd1689m",
    "huggingface/timm/resnet50.a1_in1k",
)
"""Nowhere on this host: a catalog that may would ask a mirror, torchvision and the hub."""

pytestmark = pytest.mark.timeout(600)


def connections(trace: Path) -> list[str]:
    """Return where processes of a catalog tried to connect to, as strace writes it."""
    return [line for line in trace.read_text(errors="replace").splitlines() if "connect(" in line]


def strace(trace: Path) -> list[str]:
    """Return the command that notes connections; the catalog stays our own child."""
    return ["strace", "-f", "-D", "--seccomp-bpf", "-e", "trace=connect", "-o", str(trace)]


def refused(client: CatalogClient, reference: str) -> RpcFailed:
    """Return how a weight that is nowhere fails."""
    with pytest.raises(RpcFailed) as caught:
        client.ensure_weights(reference)
    return caught.value


def test_an_offline_catalog_serves_ensures_and_builds_without_leaving_the_host(
    tmp_path: Path,
) -> None:
    published = PublishedFolder(tmp_path / "mirror")
    published.write("squeezenet1_1")
    trace = tmp_path / "trace"
    with (
        running_catalog(
            tmp_path / "home",
            under=strace(trace),
            VERTEBRA_CATALOG_OFFLINE="1",
            VERTEBRA_CATALOG_MIRRORS=str(published.folder),
            VERTEBRA_CATALOG_INDEX=str(published.index_path),
            VERTEBRA_CATALOG_HTTP_MIRRORS=f"http://{NOBODY}:9",
            HF_ENDPOINT=f"http://{NOBODY}:9",
        ) as service,
        CatalogClient(service.address) as client,
    ):
        ensured = client.ensure_weights("squeezenet1_1")
        model = client.build_model({"backbone": "squeezenet1_1"})
        failures = [refused(client, reference) for reference in REFERENCES]
        explanation = client.explain_weights("resnet18", probe=True)

    assert ensured.blob.digest and model.state_digest
    for failure in failures:
        assert failure.reason == "WEIGHTS_UNAVAILABLE"
        assert failure.message.count("offline mode") >= 2
    assert len(explanation.steps) == 6
    elsewhere = [line for line in connections(trace) if not LOCAL.search(line)]
    assert elsewhere == []


def test_a_catalog_that_may_is_seen_to_connect(tmp_path: Path) -> None:
    trace = tmp_path / "trace"
    with (
        running_catalog(
            tmp_path / "home",
            under=strace(trace),
            VERTEBRA_CATALOG_OFFLINE="0",
            VERTEBRA_CATALOG_LOCATIONS="store,http_mirrors",
            VERTEBRA_CATALOG_HTTP_MIRRORS=f"http://{NOBODY}:9",
            VERTEBRA_CATALOG_HTTP='{"mirrors": {"connect_timeout_s": 0.5, "num_retries": 0}}',
        ) as service,
        CatalogClient(service.address) as client,
    ):
        failure = refused(client, "resnet18")

    assert failure.reason == "WEIGHTS_UNREACHABLE"
    elsewhere = [line for line in connections(trace) if not LOCAL.search(line)]
    assert elsewhere
    assert all(NOBODY in line for line in elsewhere)

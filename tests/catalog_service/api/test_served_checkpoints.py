"""Checkpoints whose entry says where their file is: fetched, proven, completed, or refused."""

import hashlib
from collections.abc import Callable, Iterator
from typing import Any

import grpc
import pytest
from safetensors.torch import save

from tests.fakes.faulty_origin import FaultyOrigin, faulty_origin
from tests.fakes.published_weights import PublishedFile, PublishedFolder
from tests.services import running_catalog
from vertebra.catalog.v1 import weights_service_pb2 as weights
from vertebra.catalog_client import CatalogClient
from vertebra.client_errors import RpcFailed

Fails = Callable[[Callable[[], object]], RpcFailed]

ARCHITECTURE = "shufflenet_v2_x0_5"


@pytest.fixture(scope="module")
def data(published: dict[str, PublishedFile]) -> bytes:
    """A backbone's file."""
    return save(dict(published[ARCHITECTURE].canonical))


@pytest.fixture(scope="module")
def origin(data: bytes) -> Iterator[FaultyOrigin]:
    with faulty_origin() as origin:
        origin.add("/backbone.safetensors", data)
        origin.add("/changed.safetensors", data[:-1] + bytes([data[-1] ^ 1]))
        yield origin


@pytest.fixture(scope="module")
def client(
    origin: FaultyOrigin,
    published_folder: PublishedFolder,
    tmp_path_factory: pytest.TempPathFactory,
) -> Iterator[CatalogClient]:
    """A client of a catalog that may ask the origin and nobody else."""
    with (
        running_catalog(
            tmp_path_factory.mktemp("catalog"),
            VERTEBRA_CATALOG_INDEX=str(published_folder.index_path),
            VERTEBRA_CATALOG_OFFLINE="0",
            VERTEBRA_CATALOG_ALLOWED_HOSTS=origin.url.partition("//")[2],
        ) as service,
        CatalogClient(service.address) as client,
    ):
        yield client


def digest_of(data: bytes) -> str:
    return f"sha256:{hashlib.sha256(data).hexdigest()}"


def promise(client: CatalogClient, checkpoint_id: str, *urls: str, source_digest: str) -> Any:
    return client.register_checkpoint(
        checkpoint_id=checkpoint_id,
        architecture_id=ARCHITECTURE,
        remedies={"origin_urls": list(urls), "contact": "anna@example.org"},
        source_digest=source_digest,
    )


def test_what_is_served_is_fetched_proven_and_completes_the_entry(
    client: CatalogClient, origin: FaultyOrigin, data: bytes
) -> None:
    """From the second URL, once, and never again."""
    absent, right = f"{origin.url}/gone", f"{origin.url}/backbone.safetensors"
    promise(client, "served", absent, right, source_digest=digest_of(data))

    before = client.explain_weights("checkpoints/served")
    ensured = client.ensure_weights("checkpoints/served")
    again = client.ensure_weights("checkpoints/served")

    assert before.availability == weights.AVAILABILITY_REMOTE
    assert [step.outcome for step in before.steps] == [
        weights.TrailStep.OUTCOME_ABSENT,
        weights.TrailStep.OUTCOME_NOT_ASKED,
        weights.TrailStep.OUTCOME_NOT_ASKED,
    ]
    assert ensured.source_digest == digest_of(data)
    assert [step.outcome for step in ensured.trail] == [
        weights.TrailStep.OUTCOME_ABSENT,
        weights.TrailStep.OUTCOME_HIT,
    ]
    assert again.blob == ensured.blob
    checkpoint = client.get_checkpoint("served")
    assert checkpoint.has_bytes
    assert checkpoint.blob == ensured.blob
    assert checkpoint.lineage.licence == "unknown"
    gets = [one for one in origin.requests if one.path == "/backbone.safetensors"]
    assert len([one for one in gets if one.method == "GET"]) == 1


def test_a_build_fetches_it_too(client: CatalogClient, origin: FaultyOrigin, data: bytes) -> None:
    url = f"{origin.url}/backbone.safetensors"
    promise(client, "built", url, source_digest=digest_of(data))

    model = client.build_model(
        {
            "backbone": ARCHITECTURE,
            "weights": "checkpoints/built",
            "classification": {"num_classes": 2},
        }
    )

    assert model.backbone_digest == client.get_checkpoint("built").backbone_digest
    assert model.lineage.parent_backbone_digest == model.backbone_digest


def test_other_bytes_than_registered_are_no_copy(
    client: CatalogClient, origin: FaultyOrigin, data: bytes, fails: Fails
) -> None:
    url = f"{origin.url}/changed.safetensors"
    promise(client, "flipped", url, source_digest=digest_of(data))

    error = fails(lambda: client.ensure_weights("checkpoints/flipped"))

    assert (error.code, error.reason) == (grpc.StatusCode.DATA_LOSS, "DIGEST_MISMATCH")
    assert not client.get_checkpoint("flipped").has_bytes


@pytest.mark.parametrize(
    ("url", "pinned", "words"),
    [
        ("http://127.0.0.2:9/backbone", True, "VERTEBRA_CATALOG_ALLOWED_HOSTS"),
        ("http://169.254.169.254/latest/meta-data", True, "VERTEBRA_CATALOG_ALLOWED_HOSTS"),
        ("{origin}/backbone.safetensors", False, "no registered sha256"),
    ],
)
def test_a_url_that_a_user_names_is_asked_only_where_the_site_says_so(
    client: CatalogClient,
    origin: FaultyOrigin,
    data: bytes,
    fails: Fails,
    url: str,
    pinned: bool,
    words: str,
) -> None:
    """Otherwise the catalog would knock at doors of the site for anybody who may register."""
    name = f"n{hashlib.sha256(f'{url}{pinned}'.encode()).hexdigest()[:12]}"
    url = url.format(origin=origin.url)
    promise(client, name, url, source_digest=digest_of(data) if pinned else "")
    num_before = len(origin.requests)

    error = fails(lambda: client.ensure_weights(f"checkpoints/{name}"))
    explained = client.explain_weights(f"checkpoints/{name}", probe=True)

    assert error.reason == "WEIGHTS_UNAVAILABLE"
    assert words in error.message
    assert "anna@example.org" in error.message
    assert explained.availability == weights.AVAILABILITY_NONE
    assert len(origin.requests) == num_before

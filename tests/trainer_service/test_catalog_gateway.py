"""The gateway fetches what it can prove, and passes on what the catalog says, word for word."""

import asyncio
import errno
import hashlib
import uuid
from pathlib import Path

import grpc
import pytest

from catalog_service.blobs.disk import DiskFull
from catalog_service.blobs.store import BlobStore
from catalog_service.errors import Exhausted, NotFound, Precondition, Unavailable, VertebraError
from catalog_service.models.lineage import Lineage
from catalog_service.models.spec import ModelSpec
from tests.fakes.fake_catalog import BACKBONE, HEAD, FakeCatalog, weight
from tests.fakes.fake_server import running_server
from trainer_service.catalog_gateway import CatalogGateway, NewCheckpoint, error_of
from trainer_service.errors import CatalogRefusesTrainer, CatalogUnavailable
from vertebra.catalog.v1 import weights_service_pb2
from vertebra.catalog_client import CatalogClient
from vertebra.client_errors import Link, RpcFailed, Violation
from vertebra.staged_file import StagedFile

CODE = grpc.StatusCode
SPEC = ModelSpec(backbone="resnet18", pretrained=True)


@pytest.fixture
def catalog():
    return FakeCatalog()


@pytest.fixture
def blobs(tmp_path):
    return BlobStore(tmp_path / "blobs")


@pytest.fixture
def gateway(catalog, blobs):
    with running_server(catalog.add_to) as address, CatalogClient(address) as client:
        made = CatalogGateway(client, blobs)
        yield made
        made.close()


def digest_of(data: bytes) -> str:
    return f"sha256:{hashlib.sha256(data).hexdigest()}"


def checkpoint(path: Path) -> NewCheckpoint:
    path.write_bytes(BACKBONE)
    return NewCheckpoint(
        request_id=str(uuid.uuid4()),
        checkpoint_id="letters",
        architecture_id="resnet18",
        path=str(path),
        digest=digest_of(BACKBONE),
        lineage=Lineage(parent="torchvision/X", method="supervised"),
        metrics={"validation/accuracy": 0.5},
    )


def test_a_prepared_model_lies_verified_in_our_own_store(gateway, blobs):
    model = asyncio.run(gateway.prepare(SPEC))

    assert Path(model.backbone_path).read_bytes() == BACKBONE
    assert Path(model.head_path).read_bytes() == HEAD
    assert Path(model.backbone_path) == blobs.path(digest_of(BACKBONE))
    assert list((blobs.root / "staging").iterdir()) == []


def test_what_is_here_already_is_not_fetched_again(gateway, blobs, catalog, tmp_path):
    for name, data in (("b", BACKBONE), ("h", HEAD)):
        (tmp_path / name).write_bytes(data)
        blobs.adopt_file(tmp_path / name)

    asyncio.run(gateway.prepare(SPEC))

    assert catalog.blobs.offsets_asked == []


def test_damaged_bytes_of_ours_are_quarantined_and_fetched_again(gateway, blobs):
    model = asyncio.run(gateway.prepare(SPEC))
    damaged = Path(model.backbone_path)
    damaged.chmod(0o644)
    damaged.write_bytes(b"x" + BACKBONE[1:])

    again = asyncio.run(gateway.prepare(SPEC))

    assert Path(again.backbone_path).read_bytes() == BACKBONE
    assert len(list((blobs.root / "quarantine").glob("*.why.txt"))) == 1


def test_bytes_that_are_not_the_digests_are_never_stored(gateway, blobs, catalog):
    catalog.blobs.lie = "bytes"

    with pytest.raises(VertebraError):
        asyncio.run(gateway.prepare(SPEC))

    assert list((blobs.root / "sha256").rglob("*")) == []


def test_a_disk_that_fills_up_is_named_and_what_arrived_is_deleted(gateway, blobs, monkeypatch):
    """Every repetition would leave another part of the model and make it worse."""
    write = StagedFile.write

    def write_half(staged, data):
        write(staged, data[: len(data) // 2])
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(StagedFile, "write", write_half)

    with pytest.raises(DiskFull, match="no room to fetch sha256:"):
        asyncio.run(gateway.prepare(SPEC))

    assert list((blobs.root / "staging").iterdir()) == []


def test_an_unknown_architecture_keeps_its_reason_and_nearest_names(gateway):
    with pytest.raises(NotFound, match="closest are resnet50") as caught:
        asyncio.run(gateway.describe(ModelSpec(backbone="resnet51")))

    assert caught.value.error_reason == "ARCHITECTURE_NOT_FOUND"


def test_no_catalog_is_unavailable(blobs):
    with CatalogClient("localhost:1", timeout_s=2.0) as client:
        gateway = CatalogGateway(client, blobs)
        with pytest.raises(CatalogUnavailable):
            asyncio.run(gateway.describe(SPEC))
        gateway.close()


def test_a_backbone_is_uploaded_and_registered(gateway, catalog, tmp_path):
    new = checkpoint(tmp_path / "backbone.safetensors")

    name = asyncio.run(gateway.register(new))

    registered = catalog.registered["letters"]
    assert name == "checkpoints/letters"
    assert catalog.request_ids == [new.request_id]
    assert catalog.blobs.num_writes == 1
    assert registered.lineage.method == "supervised"
    assert registered.metrics["validation/accuracy"] == 0.5


def test_a_backbone_that_the_catalog_has_is_not_uploaded(gateway, catalog, tmp_path):
    catalog.blobs.keep(BACKBONE)

    asyncio.run(gateway.register(checkpoint(tmp_path / "backbone.safetensors")))

    assert catalog.blobs.num_writes == 0


def test_absent_weights_are_asked_for_at_once(gateway, catalog, monkeypatch):
    monkeypatch.setattr("tests.fakes.fake_catalog.weight", absent_weight)
    catalog.failures = [(CODE.FAILED_PRECONDITION, "no bytes anywhere")]
    spec = ModelSpec(backbone="resnet18", weights="torchvision/resnet18.IMAGENET1K_V1")

    with pytest.raises(Precondition, match="no bytes anywhere"):
        asyncio.run(gateway.require_bytes(spec))


@pytest.mark.parametrize(
    "spec",
    [
        ModelSpec(backbone="resnet18", weights="torchvision/resnet18.IMAGENET1K_V1"),
        ModelSpec(backbone="resnet18", weights="checkpoints/letters"),
        ModelSpec(backbone="resnet18", pretrained=False),
    ],
    ids=["a local file", "a registered backbone", "random"],
)
def test_bytes_that_can_be_had_are_not_asked_for(gateway, catalog, spec):
    catalog.failures = [(CODE.FAILED_PRECONDITION, "a build was asked for")]

    asyncio.run(gateway.require_bytes(spec))

    assert catalog.failures != []


def absent_weight(row):
    found = weight(row)
    found.cached_state = weights_service_pb2.CACHED_STATE_ABSENT
    return found


@pytest.mark.parametrize(
    ("code", "kind"),
    [
        (CODE.NOT_FOUND, NotFound),
        (CODE.FAILED_PRECONDITION, Precondition),
        (CODE.RESOURCE_EXHAUSTED, Exhausted),
        (CODE.UNAVAILABLE, CatalogUnavailable),
        (CODE.DEADLINE_EXCEEDED, CatalogUnavailable),
        (CODE.CANCELLED, CatalogUnavailable),
        (CODE.INTERNAL, CatalogUnavailable),
    ],
)
def test_every_status_has_its_kind(code, kind):
    violations = [Violation(field="f", description="d")]
    failure = RpcFailed(code, "m", reason="R", metadata={"k": "v"}, violations=violations)

    error = error_of(failure)

    assert type(error) is kind
    assert error.metadata == {"k": "v"}
    assert "m" in error.message
    if kind is not CatalogUnavailable:
        assert (error.message, error.error_reason) == ("m", "R")
        assert [one.field for one in error.violations] == ["f"]


def test_weights_that_nobody_serves_now_are_no_silence_of_the_catalog():
    """It answered, with a trail and a page that a person needs."""
    page = Link(text="where it is published", url="https://weights.example/x.pth")
    failure = RpcFailed(
        CODE.UNAVAILABLE, "no bytes now", reason="WEIGHTS_UNREACHABLE", links=[page]
    )

    error = error_of(failure)

    assert type(error) is Unavailable
    assert (error.message, error.error_reason) == ("no bytes now", "WEIGHTS_UNREACHABLE")
    assert [(link.text, link.url) for link in error.links] == [(page.text, page.url)]


@pytest.mark.parametrize(
    ("code", "reason"),
    [(CODE.UNAUTHENTICATED, "TOKEN_EXPIRED"), (CODE.PERMISSION_DENIED, "ROLE_MISSING")],
)
def test_a_trainer_that_is_not_let_in_does_not_blame_its_caller(code, reason):
    """A caller who heard UNAUTHENTICATED would look for a fault in its own token."""
    error = error_of(RpcFailed(code, "the token expired; get a new one", reason=reason))

    assert type(error) is CatalogRefusesTrainer
    assert "the token expired" in error.message and "VERTEBRA_TRAINER_CATALOG" in error.message

"""IdentifyCheckpoint through the real server: what a file is, and what nobody can say."""

from collections.abc import Callable, Iterator
from pathlib import Path

import grpc
import pytest
import torch
from safetensors.torch import save_file

from tests.fakes.file_listings import Shapes, behind, shapes_of
from tests.services import Service, running_catalog
from vertebra.catalog_client import CatalogClient
from vertebra.client_errors import RpcFailed

Fails = Callable[[Callable[[], object]], RpcFailed]

RESNET = shapes_of("resnet18", with_head=False)


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder that the catalog may read."""
    return tmp_path_factory.mktemp("allowed")


@pytest.fixture(scope="module")
def catalog(folder: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Service]:
    home = tmp_path_factory.mktemp("catalog")
    with running_catalog(home, VERTEBRA_CATALOG_CHECKPOINT_FOLDERS=str(folder)) as service:
        yield service


@pytest.fixture(scope="module")
def client(catalog: Service) -> Iterator[CatalogClient]:
    with CatalogClient(catalog.address) as client:
        yield client


def state(shapes: Shapes) -> dict[str, torch.Tensor]:
    return {
        name: torch.zeros(shape, dtype=torch.int64 if not shape else torch.float32)
        for name, shape in shapes.items()
    }


def test_an_uploaded_file_is_identified_and_registers_as_that(
    client: CatalogClient, tmp_path: Path
) -> None:
    pair = {**behind("module.encoder_q.", RESNET), **behind("module.encoder_k.", RESNET)}
    torch.save({"epoch": 3, "state_dict": state(pair)}, tmp_path / "moco.pth.tar")
    blob = client.blobs.upload(tmp_path / "moco.pth.tar")

    found = client.identify_checkpoint(blob_name=blob.name)
    registered = client.register_checkpoint(checkpoint_id="moco", blob_name=blob.name)

    best = found.candidates[0]
    assert found.is_unambiguous
    assert (best.architecture_id, best.prefix) == ("resnet18", "module.encoder_q.")
    assert (best.branch, best.source_layout, best.coverage) == ("online", "torchvision", 1.0)
    assert (found.format, found.num_tensors, found.taken_from) == ("zip", len(pair), "state_dict")
    assert list(found.ignored) == ["epoch (int)"]
    assert found.num_elements == sum(torch.Size(shape).numel() for shape in pair.values())
    assert registered.architecture_id == best.architecture_id


def test_two_backbones_are_shown_and_one_registers_by_its_prefix(
    client: CatalogClient, tmp_path: Path, fails: Fails
) -> None:
    values = {"student": state(behind("backbone.", RESNET))}
    values["teacher"] = {name: tensor + 1 for name, tensor in values["student"].items()}
    torch.save({**values, "args": 1}, tmp_path / "dino.pth")
    blob = client.blobs.upload(tmp_path / "dino.pth").name

    found = client.identify_checkpoint(blob_name=blob)
    refused = fails(lambda: client.register_checkpoint(checkpoint_id="dino", blob_name=blob))
    prefix = found.candidates[0].prefix
    taken = client.register_checkpoint(checkpoint_id="dino", blob_name=blob, prefix=prefix)

    assert not found.is_unambiguous
    assert [each.branch for each in found.candidates[:2]] == ["teacher", "student"]
    assert (refused.code, refused.reason) == (
        grpc.StatusCode.FAILED_PRECONDITION,
        "CHECKPOINT_AMBIGUOUS",
    )
    assert "'teacher.backbone.' (the teacher)" in refused.message
    assert (taken.architecture_id, prefix) == ("resnet18", "teacher.backbone.")


def test_a_near_miss_is_not_registered(client: CatalogClient, tmp_path: Path, fails: Fails) -> None:
    small = state({**RESNET, "conv1.weight": (64, 3, 3, 3)})
    save_file(small, tmp_path / "cifar.safetensors")
    blob = client.blobs.upload(tmp_path / "cifar.safetensors").name

    found = client.identify_checkpoint(blob_name=blob)
    refused = fails(lambda: client.register_checkpoint(checkpoint_id="cifar", blob_name=blob))

    assert not found.candidates[0].is_match
    assert "the stem for small images" in found.candidates[0].problems[0]
    assert refused.reason == "STATE_MISMATCH"
    assert "nearest is resnet18 with 99.9 % of its numbers" in refused.message


@pytest.mark.parametrize(
    ("request_fields", "reason"),
    [
        ({}, "FIELD_INVALID"),
        ({"blob_name": "letters"}, "FIELD_INVALID"),
        ({"blob_name": f"blobs/sha256:{'0' * 64}"}, "BLOB_NOT_FOUND"),
        ({"blob_name": f"blobs/sha256:{'0' * 64}", "max_candidates": -1}, "FIELD_INVALID"),
        ({"path": "/etc/passwd"}, "PATH_NOT_ALLOWED"),
    ],
)
def test_what_cannot_be_looked_at_is_said(
    client: CatalogClient, fails: Fails, request_fields: dict[str, object], reason: str
) -> None:
    failure = fails(lambda: client.identify_checkpoint(**request_fields))  # type: ignore[arg-type]

    assert failure.reason == reason


def test_what_is_no_file_of_tensors_is_named_as_the_caller_names_it(
    client: CatalogClient, folder: Path, fails: Fails
) -> None:
    (folder / "notes.txt").write_text("lunch")
    blob = client.blobs.upload(folder / "notes.txt").name

    by_path = fails(lambda: client.identify_checkpoint(path=str(folder / "notes.txt")))
    by_blob = fails(lambda: client.identify_checkpoint(blob_name=blob))

    assert (by_path.reason, by_blob.reason) == ("FILE_UNREADABLE", "FILE_UNREADABLE")
    assert str(folder / "notes.txt") in by_path.message
    assert blob in by_blob.message

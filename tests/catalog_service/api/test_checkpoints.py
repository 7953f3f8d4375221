"""RegisterCheckpoint through the real server: what fits is listed, what does not leaves nothing."""

import argparse
import contextlib
import os
import threading
import time
import uuid
from collections import OrderedDict
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import grpc
import pytest
import torch
from safetensors.torch import load_file, save_file

from tests.fakes.published_weights import PublishedFile
from tests.services import running_catalog
from vertebra.catalog_client import CatalogClient
from vertebra.client_errors import RpcFailed
from vertebra.model.v1.lineage_pb2 import DIGEST_PROOF_FULL, Lineage

Fails = Callable[[Callable[[], object]], RpcFailed]

ARCHITECTURE = "shufflenet_v2_x0_5"
HEAD = ("fc.weight", "fc.bias")


@pytest.fixture
def state(published: dict[str, PublishedFile]) -> dict[str, torch.Tensor]:
    """A whole state of the architecture that these tests register."""
    return dict(published[ARCHITECTURE].canonical)


def backbone_of(state: Mapping[str, torch.Tensor]) -> dict[str, torch.Tensor]:
    return {name: tensor for name, tensor in state.items() if name not in HEAD}


def upload(client: CatalogClient, value: Any, path: Path) -> str:
    """Upload a value of torch.save, or a state as safetensors; return the blob's name."""
    if path.suffix == ".safetensors":
        save_file(value, path)
    else:
        torch.save(value, path)
    return client.blobs.upload(path).name


def register(client: CatalogClient, checkpoint_id: str, blob: str, **fields: Any) -> Any:
    return client.register_checkpoint(
        **{
            "checkpoint_id": checkpoint_id,
            "architecture_id": ARCHITECTURE,
            "blob_name": blob,
            **fields,
        }
    )


def test_a_registered_backbone_is_the_start_of_a_new_model(
    client: CatalogClient, state: dict[str, torch.Tensor], tmp_path: Path
) -> None:
    blob = upload(client, state, tmp_path / "model.safetensors")
    registered = register(
        client,
        "letters",
        blob,
        lineage=Lineage(parent="made here", method="supervised", licence="MIT"),
        metrics={"acc@1": 0.5},
        mean=[0.1, 0.2, 0.3],
        std=[1.0, 1.0, 0.5],
    )

    spec = {
        "backbone": ARCHITECTURE,
        "weights": "checkpoints/letters",
        "classification": {"class_names": ["a", "b"]},
    }
    model = client.build_model(spec)

    assert sorted(registered.load_report.dropped) == sorted(HEAD)
    assert registered.lineage.source_digest == blob.removeprefix("blobs/")
    assert registered.lineage.source_proof == DIGEST_PROOF_FULL
    assert model.backbone_digest == registered.backbone_digest
    assert model.lineage.parent == "checkpoints/letters"
    assert model.lineage.parent_backbone_digest == registered.backbone_digest
    assert model.lineage.licence == "MIT"
    assert list(model.input.mean) == [0.1, 0.2, 0.3]
    assert list(model.input.std) == [1.0, 1.0, 0.5]
    stored = load_file(client.blobs.download(model.parts[0].blob.name, tmp_path / "backbone"))
    assert sorted(stored) == sorted(backbone_of(state))
    assert all(torch.equal(stored[name], state[name]) for name in stored)
    assert client.get_checkpoint("letters") == registered
    assert client.get_checkpoint("checkpoints/letters").metrics["acc@1"] == 0.5


def test_a_checkpoint_has_no_head_so_a_task_is_required(
    client: CatalogClient, state: dict[str, torch.Tensor], tmp_path: Path, fails: Fails
) -> None:
    register(client, "headless", upload(client, backbone_of(state), tmp_path / "b.safetensors"))
    spec = {"backbone": ARCHITECTURE, "weights": "checkpoints/headless"}

    no_task = fails(lambda: client.build_model(spec))
    other = fails(
        lambda: client.build_model(
            {**spec, "backbone": "resnet18", "classification": {"num_classes": 2}}
        )
    )

    assert no_task.code is grpc.StatusCode.INVALID_ARGUMENT
    assert no_task.violations[0].field == "spec.classification"
    assert other.violations[0].field == "spec.weights"


def test_a_lightning_checkpoint_is_registered_without_running_anything(
    client: CatalogClient, state: dict[str, torch.Tensor], tmp_path: Path
) -> None:
    wrapped = OrderedDict((f"model.backbone.{n}", t) for n, t in backbone_of(state).items())
    wrapped["model.projector.0.weight"] = torch.zeros(3, 3)
    checkpoint = {"epoch": 1, "state_dict": wrapped, "hyper_parameters": argparse.Namespace(lr=1)}

    found = register(client, "lightning", upload(client, checkpoint, tmp_path / "last.ckpt"))

    rules = list(found.load_report.rules)
    assert any("'model.backbone.'" in rule for rule in rules)
    assert "took the state from 'state_dict'" in rules
    assert "ignored hyper_parameters (argparse.Namespace)" in rules
    assert list(found.load_report.dropped) == ["model.projector.0.weight"]
    assert found.load_report.backbone_coverage == 1.0


def test_a_report_of_thousands_of_dropped_names_leaves_the_list_readable(
    client: CatalogClient, state: dict[str, torch.Tensor], tmp_path: Path
) -> None:
    """Whole, it made a message that no ListCheckpoints could carry, for everybody."""
    projector = {f"projector.{number}.{'x' * 300}": torch.zeros(0) for number in range(500)}
    blob = upload(client, {**state, **projector}, tmp_path / "many.safetensors")

    report = register(client, "many_dropped", blob).load_report

    assert len(report.dropped) == 101
    assert report.dropped[-1] == "and 402 more"
    assert max(map(len, report.dropped)) == 200


def test_the_same_request_is_answered_once_and_other_requests_are_told_apart(
    client: CatalogClient, state: dict[str, torch.Tensor], tmp_path: Path, fails: Fails
) -> None:
    blob = upload(client, backbone_of(state), tmp_path / "b.safetensors")
    changed = {name: tensor + 1 for name, tensor in backbone_of(state).items()}
    other_blob = upload(client, changed, tmp_path / "other.safetensors")
    request_id = str(uuid.uuid4())
    first = register(client, "replayed", blob, request_id=request_id)

    same = register(client, "replayed", blob, request_id=request_id)
    again = register(client, "replayed", blob)
    reused = fails(lambda: register(client, "replayed", other_blob, request_id=request_id))
    exists = fails(lambda: register(client, "replayed", other_blob))

    assert same == again == first
    assert (reused.code, reused.reason) == (
        grpc.StatusCode.INVALID_ARGUMENT,
        "REQUEST_ID_REUSED",
    )
    assert (exists.code, exists.reason) == (grpc.StatusCode.ALREADY_EXISTS, "CHECKPOINT_EXISTS")
    assert client.get_checkpoint("replayed") == first


def test_what_does_not_fit_is_named_and_nothing_is_listed(
    client: CatalogClient, state: dict[str, torch.Tensor], tmp_path: Path, fails: Fails
) -> None:
    broken = backbone_of(state)
    first = next(iter(broken))
    del broken["conv5.0.weight"]
    broken[first] = torch.zeros(24, 1, 3, 3)

    blob = upload(client, broken, tmp_path / "broken.pth")
    error = fails(lambda: register(client, "broken", blob))
    missing = fails(lambda: client.get_checkpoint("broken"))

    assert (error.code, error.reason) == (
        grpc.StatusCode.FAILED_PRECONDITION,
        "STATE_MISMATCH",
    )
    assert "'broken'" in error.message
    assert "1 missing (conv5.0.weight)" in error.message
    assert f"{first}: file [24, 1, 3, 3]" in error.message
    assert (missing.code, missing.reason) == (grpc.StatusCode.NOT_FOUND, "CHECKPOINT_NOT_FOUND")


class Calls:
    """Pickles as a call of os.system."""

    def __init__(self, command: str) -> None:
        self.command = command

    def __reduce__(self) -> Any:
        return os.system, (self.command,)


def test_a_file_that_would_execute_is_refused_and_does_not(
    client: CatalogClient, state: dict[str, torch.Tensor], tmp_path: Path, fails: Fails
) -> None:
    marker = tmp_path / "marker"
    value = {**state, "extra": Calls(f"touch {marker}")}
    blob = upload(client, value, tmp_path / "evil.pth")

    error = fails(lambda: register(client, "evil", blob))

    assert (error.code, error.reason) == (
        grpc.StatusCode.FAILED_PRECONDITION,
        "FILE_UNREADABLE",
    )
    assert "nothing was run" in error.message
    assert not marker.exists()


@pytest.mark.parametrize(
    ("fields", "field"),
    [
        ({"checkpoint_id": "Upper"}, "checkpoint_id"),
        ({"checkpoint_id": ""}, "checkpoint_id"),
        ({"blob_name": ""}, "blob_name"),
        ({"blob_name": "blobs/sha256:12"}, "blob_name"),
        ({"request_id": "again"}, "request_id"),
        ({"mean": [0.5]}, "mean"),
        ({"metrics": {f"m{number}": 1.0 for number in range(101)}}, "metrics"),
        ({"metrics": {"m" * 201: 1.0}}, "metrics"),
        ({"lineage": Lineage(note="x" * 10_001)}, "lineage.note"),
        ({"lineage": Lineage(method="x" * 4_097)}, "lineage.method"),
        ({"lineage": Lineage(num_images=-1)}, "lineage.num_images"),
        ({"mean": [0.0] * 3, "std": [1.0, 0.0, 1.0]}, "std"),
    ],
)
def test_a_malformed_registration_names_its_field(
    client: CatalogClient, fails: Fails, fields: dict[str, Any], field: str
) -> None:
    blob = f"blobs/sha256:{'0' * 64}"

    error = fails(lambda: register(client, **{"checkpoint_id": "fine", "blob": blob, **_(fields)}))

    assert error.code is grpc.StatusCode.INVALID_ARGUMENT
    assert [violation.field for violation in error.violations] == [field]


def _(fields: dict[str, Any]) -> dict[str, Any]:
    return {("blob" if name == "blob_name" else name): value for name, value in fields.items()}


def test_unknown_architectures_and_blobs_are_not_found(client: CatalogClient, fails: Fails) -> None:
    blob = f"blobs/sha256:{'0' * 64}"

    architecture = fails(lambda: register(client, "x1", blob, architecture_id="resnet51"))
    unknown_blob = fails(lambda: register(client, "x2", blob))
    quantized = fails(lambda: register(client, "x3", blob, architecture_id="quantized_resnet50"))

    assert architecture.reason == "ARCHITECTURE_NOT_FOUND"
    assert unknown_blob.reason == "BLOB_NOT_FOUND"
    assert quantized.code is grpc.StatusCode.FAILED_PRECONDITION


def test_checkpoints_are_listed_newest_first_and_filtered(
    client: CatalogClient, state: dict[str, torch.Tensor], tmp_path: Path
) -> None:
    blob = upload(client, backbone_of(state), tmp_path / "b.safetensors")
    for name in ("first", "second"):
        register(client, name, blob, lineage=Lineage(method="listing-test"))

    found = list(client.list_checkpoints(filter='method = "listing-test"'))
    times = [checkpoint.create_time.ToNanoseconds() for checkpoint in client.list_checkpoints()]

    assert [checkpoint.checkpoint_id for checkpoint in found] == ["second", "first"]
    assert times == sorted(times, reverse=True)


@pytest.mark.full
def test_a_server_killed_while_registering_lists_it_completely_or_not_at_all(
    state: dict[str, torch.Tensor], tmp_path: Path
) -> None:
    """Killed when the first file is half-way, when the second is, and right after the blob."""
    home, staging = tmp_path / "home", tmp_path / "home" / "blobs" / "staging"
    stored = tmp_path / "home" / "blobs" / "sha256"
    histogram: dict[str, int] = {}
    points: dict[str, Callable[[int], bool]] = {
        "first file staged": lambda _: len(list(staging.iterdir())) >= 1,
        "second file staged": lambda _: len(list(staging.iterdir())) >= 2,
        "blob stored": lambda before: len(list(stored.rglob("*"))) > before,
    }
    for point, is_reached in points.items():
        with running_catalog(home) as service, CatalogClient(service.address) as client:
            changed = {n: t + len(histogram) for n, t in backbone_of(state).items()}
            blob = upload(client, changed, tmp_path / "b.safetensors")
            client.build_model({"backbone": ARCHITECTURE}, definition_only=True)
            before = len(list(stored.rglob("*")))
            call = threading.Thread(target=_try_to_register, args=(client, blob), daemon=True)
            call.start()
            while call.is_alive() and not is_reached(before):
                time.sleep(0.0005)
            service.kill()
            call.join(60)
        histogram[point] = len(list(staging.iterdir()))
        with running_catalog(home) as service, CatalogClient(service.address) as client:
            for found in client.list_checkpoints():
                client.blobs.download(found.blob.name, tmp_path / found.blob.digest[7:])
            again = register(client, f"killed-{len(histogram)}", blob)
            assert again.load_report.backbone_coverage == 1.0

    print("staged files left by each kill:", histogram)
    assert any(histogram.values()), "no kill hit a half-written file"


def _try_to_register(client: CatalogClient, blob: str) -> None:
    with contextlib.suppress(RpcFailed):
        register(client, "killed-mid-way", blob)

"""BuildModel through the real server: definitions, random, published and registered numbers."""

import hashlib
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import grpc
import pytest
import torch
from safetensors.torch import load_file

from catalog_service.index.catalog_index import CatalogIndex
from catalog_service.models.skeleton import skeleton
from tests.fakes.published_weights import PublishedFile, PublishedFolder
from tests.services import Service
from vertebra.catalog.v1 import model_service_pb2 as pb
from vertebra.catalog.v1 import model_service_pb2_grpc
from vertebra.catalog_client import CatalogClient
from vertebra.client_errors import RpcFailed
from vertebra.model.v1.lineage_pb2 import DIGEST_PROOF_PREFIX
from vertebra.model.v1.model_spec_pb2 import ModelSpec
from vertebra.model.v1.stream_pb2 import StreamEnd

Fails = Callable[[Callable[[], object]], RpcFailed]

BUILDABLE = [e.architecture_id for e in CatalogIndex.load().architectures if e.is_buildable]


def state_of(client: CatalogClient, model: pb.BuiltModel, folder: Path) -> dict[str, torch.Tensor]:
    """Download all parts and return the whole state."""
    state: dict[str, torch.Tensor] = {}
    for part in model.parts:
        part_state = load_file(client.blobs.download(part.blob.name, folder / part.blob.digest[7:]))
        assert not state.keys() & part_state.keys()
        state |= part_state
    return state


def test_every_architecture_has_a_definition(client: CatalogClient) -> None:
    """No numbers, no blobs, no file of a weight is needed."""
    counts = {a.architecture_id: a.num_parameters for a in client.list_architectures()}

    for name in BUILDABLE:
        model = client.build_model({"backbone": name}, definition_only=True)

        assert model.num_parameters == counts[name], name
        assert not model.parts and not model.state_digest and not model.HasField("load_report")
        assert model.layout.tensors and model.layout.stages and model.recipe.builder
        assert model.input.height_px and model.input.width_px

    assert len(BUILDABLE) == 119


def test_random_numbers_are_the_same_for_the_same_spec_and_others_for_another_seed(
    client: CatalogClient,
) -> None:
    spec = {"backbone": "shufflenet_v2_x0_5", "pretrained": False, "seed": 3}

    one, again = client.build_model(spec), client.build_model(spec)
    other = client.build_model({**spec, "seed": 4})

    assert one.state_digest == again.state_digest
    assert [p.blob.digest for p in one.parts] == [p.blob.digest for p in again.parts]
    assert one.backbone_digest != other.backbone_digest
    assert one.load_report.num_loaded == 0
    assert len(one.load_report.initialised) == len(one.layout.tensors)
    assert one.lineage.parent == "random, seed 3"
    assert not one.output.class_names


@pytest.mark.parametrize(
    "name", ["squeezenet1_1", "mnasnet0_5", "densenet121", "googlenet", "shufflenet_v2_x0_5"]
)
def test_a_published_file_becomes_the_model(
    client: CatalogClient, published: dict[str, PublishedFile], name: str, tmp_path: Path
) -> None:
    """Old names, missing counters, auxiliary heads and the pre-zip format are no obstacle."""
    model = client.build_model({"backbone": name})

    state = state_of(client, model, tmp_path)
    expected = published[name].canonical
    assert sorted(state) == sorted(expected)
    assert all(torch.equal(state[key], expected[key]) for key in expected)
    assert model.load_report.backbone_coverage == 1.0
    assert not model.load_report.initialised
    file_digest = hashlib.sha256(published[name].path.read_bytes()).hexdigest()
    assert model.lineage.source_digest == f"sha256:{file_digest}"
    assert model.lineage.source_proof == DIGEST_PROOF_PREFIX
    assert model.lineage.parent == published[name].reference
    assert len(model.output.class_names) == 1000


def test_conversions_are_reported(client: CatalogClient) -> None:
    densenet = client.build_model({"backbone": "densenet121"}).load_report
    googlenet = client.build_model({"backbone": "googlenet"}).load_report

    assert any("denselayer" in rule for rule in densenet.rules)
    assert any("num_batches_tracked" in rule for rule in densenet.rules)
    assert any(name.startswith("aux1.") for name in googlenet.dropped)


@pytest.mark.parametrize("name", ["densenet121", "googlenet"])
def test_a_naive_strict_load_of_the_same_files_fails(
    published: dict[str, PublishedFile], name: str
) -> None:
    index = CatalogIndex.load()
    recipe = index.recipe_for(name, index.default_weight(name))
    state = torch.load(published[name].path, weights_only=True)

    with pytest.raises(RuntimeError, match=r"Missing key|Unexpected key"):
        skeleton(recipe).load_state_dict(state, assign=True)


def test_a_new_head_keeps_the_backbone_blob(client: CatalogClient) -> None:
    published_head = client.build_model({"backbone": "squeezenet1_1"})
    two = client.build_model({"backbone": "squeezenet1_1", "classification": {"num_classes": 2}})
    named = client.build_model(
        {"backbone": "squeezenet1_1", "classification": {"class_names": ["cat", "dog", "owl"]}}
    )

    blobs = {model.parts[0].blob.digest for model in (published_head, two, named)}
    assert len(blobs) == 1
    assert len({published_head.state_digest, two.state_digest, named.state_digest}) == 3
    assert published_head.backbone_digest == two.backbone_digest == named.backbone_digest
    assert two.output.shape == [2] and not two.output.class_names
    assert list(named.output.class_names) == ["cat", "dog", "owl"]
    assert named.spec.classification.num_classes == 3
    assert sorted(named.load_report.dropped) == sorted(named.load_report.initialised)
    assert named.lineage.parent_backbone_digest == named.backbone_digest


def test_the_resolved_spec_builds_the_same_model(client: CatalogClient) -> None:
    spec = {"backbone": "squeezenet1_1", "classification": {"class_names": ["a", "b"]}}
    first = client.build_model(spec)

    second = client.build_model(first.spec)

    assert first.spec.weights == "torchvision/SqueezeNet1_1_Weights.IMAGENET1K_V1"
    assert (first.spec.image_height_px, first.spec.image_width_px) == (224, 224)
    assert second.spec_digest == first.spec_digest
    assert second.state_digest == first.state_digest


def test_the_stream_is_progress_then_the_model_then_the_end(catalog: Service) -> None:
    request = pb.BuildModelRequest(spec=ModelSpec(backbone="squeezenet1_1"))
    with grpc.insecure_channel(catalog.address) as channel:
        stub: Any = model_service_pb2_grpc.ModelServiceStub(channel)  # type: ignore[no-untyped-call]
        events = [message.WhichOneof("event") for message in stub.BuildModel(request)]
        *_, last = stub.BuildModel(request)

    assert events[0] == "progress"
    assert events[-2:] == ["model", "end"]
    assert last.end.reason == StreamEnd.REASON_COMPLETED


@pytest.mark.parametrize(
    ("spec", "fields"),
    [
        ({}, {"spec.backbone"}),
        (
            {
                "backbone": "resnet18",
                "pretrained": False,
                "weights": "resnet18",
                "classification": {"class_names": ["a", "a"], "num_classes": 3},
                "image_height_px": 64,
            },
            {
                "spec.weights",
                "spec.classification.class_names",
                "spec.classification.num_classes",
                "spec.image_width_px",
            },
        ),
        ({"backbone": "resnet18", "classification": {}}, {"spec.classification.num_classes"}),
        (
            {"backbone": "vit_b_16", "image_height_px": 200, "image_width_px": 200},
            {"spec.image_height_px"},
        ),
        (
            {"backbone": "maxvit_t", "image_height_px": 256, "image_width_px": 256, "seed": 2**63},
            {"spec.image_height_px", "spec.seed"},
        ),
        (
            {"backbone": "alexnet", "image_height_px": 9, "image_width_px": 9},
            {"spec.image_height_px"},
        ),
        ({"backbone": "resnet18", "weights": "ResNet50_Weights.DEFAULT"}, {"spec.weights"}),
        ({"backbone": "resnet18", "weights": "hub://resnet18?x"}, {"spec.weights"}),
    ],
)
def test_a_contradictory_spec_is_refused_with_every_problem(
    client: CatalogClient, fails: Fails, spec: dict[str, Any], fields: set[str]
) -> None:
    error = fails(lambda: client.build_model(spec))

    assert error.code is grpc.StatusCode.INVALID_ARGUMENT
    assert error.reason == "FIELD_INVALID"
    assert {violation.field for violation in error.violations} == fields


@pytest.mark.parametrize(
    ("spec", "reason", "part"),
    [
        ({"backbone": "resnet51"}, "ARCHITECTURE_NOT_FOUND", "resnet50"),
        ({"backbone": "resnet50", "weights": "resnet50_v9"}, "WEIGHTS_NOT_FOUND", "resnet50,"),
        (
            {"backbone": "resnet18", "weights": "checkpoints/nobody", "classification": {}},
            "FIELD_INVALID",
            "num_classes",
        ),
        (
            {
                "backbone": "resnet18",
                "weights": "checkpoints/nobody",
                "classification": {"num_classes": 2},
            },
            "CHECKPOINT_NOT_FOUND",
            "'nobody'",
        ),
        ({"backbone": "quantized_googlenet"}, "ARCHITECTURE_NOT_BUILDABLE", "classification"),
        ({"backbone": "quantized_resnet50"}, "ARCHITECTURE_NOT_BUILDABLE", "use 'resnet50'"),
    ],
)
def test_names_that_cannot_be_built_say_what_would_be_right(
    client: CatalogClient, fails: Fails, spec: dict[str, Any], reason: str, part: str
) -> None:
    error = fails(lambda: client.build_model(spec))

    assert error.reason == reason
    assert part in error.message


def test_no_bytes_anywhere_shows_the_whole_trail_and_the_remedy(
    client: CatalogClient, published_folder: PublishedFolder, fails: Fails
) -> None:
    error = fails(lambda: client.build_model({"backbone": "resnet50"}))

    assert error.code is grpc.StatusCode.FAILED_PRECONDITION
    assert error.reason == "WEIGHTS_UNAVAILABLE"
    assert "torchvision/ResNet50_Weights.IMAGENET1K_V2" in error.message
    assert "store: absent" in error.message
    assert "torch-hub cache" in error.message
    assert f"mirror {published_folder.folder}: no such file" in error.message
    assert f"Put resnet50-11ad3fa6.pth into the mirror folder {published_folder.folder}" in (
        error.message
    )


def test_many_callers_get_one_build(client: CatalogClient) -> None:
    spec = {"backbone": "mnasnet0_5", "classification": {"num_classes": 11}}

    with ThreadPoolExecutor(8) as threads:
        models = list(threads.map(lambda _: client.build_model(spec), range(8)))

    assert len({model.state_digest for model in models}) == 1


def test_a_file_that_does_not_hold_the_architecture_is_a_state_mismatch(
    client: CatalogClient, fails: Fails
) -> None:
    spec = {"backbone": "resnet18", "classification": {"num_classes": 2}}

    error = fails(lambda: client.build_model(spec))

    assert error.code is grpc.StatusCode.FAILED_PRECONDITION
    assert error.reason == "STATE_MISMATCH"
    assert "torchvision/ResNet18_Weights.IMAGENET1K_V1" in error.message
    assert "conv1.weight: file [64, 1, 7, 7], layout [64, 3, 7, 7]" in error.message

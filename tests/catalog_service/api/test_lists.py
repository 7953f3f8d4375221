"""ArchitectureService and WeightsService answer from the index, as their comments promise."""

from collections.abc import Callable
from typing import Any

import grpc
import pytest

from catalog_service.index.catalog_index import CatalogIndex
from tests.services import Service
from vertebra.catalog.v1 import architecture_service_pb2 as architectures
from vertebra.catalog.v1 import (
    architecture_service_pb2_grpc,
    checkpoint_service_pb2_grpc,
    weights_service_pb2_grpc,
)
from vertebra.catalog.v1 import checkpoint_service_pb2 as checkpoints
from vertebra.catalog.v1 import weights_service_pb2 as weights
from vertebra.catalog_client import CatalogClient
from vertebra.client_errors import RpcFailed, from_rpc_error

Fails = Callable[[Callable[[], object]], RpcFailed]


def stubs(channel: grpc.Channel, kind: Any) -> Any:
    """Return a generated stub, which has no types."""
    return kind(channel)


def test_all_architectures_are_listed_by_id(client: CatalogClient) -> None:
    ids = [found.architecture_id for found in client.list_architectures()]

    assert len(ids) == 131
    assert ids == sorted(ids)


def test_a_filter_and_an_order_are_applied_together(client: CatalogClient) -> None:
    found = list(
        client.list_architectures(
            filter="task = classification AND num_parameters < 5000000 AND is_buildable = true",
            order_by="num_parameters desc",
        )
    )

    counts = [architecture.num_parameters for architecture in found]
    assert len(found) > 5
    assert counts == sorted(counts, reverse=True)
    assert max(counts) < 5_000_000
    assert {architecture.task for architecture in found} == {architectures.TASK_CLASSIFICATION}


def test_architectures_carry_metric_backbone_and_maps(client: CatalogClient) -> None:
    dense = client.get_architecture("fcn_resnet50")
    plain = client.get_architecture("resnet50")

    assert (dense.metric_name, dense.metric_dataset) == ("miou", "COCO-val2017-VOC-labels")
    assert dense.metric_value == 60.5
    assert dense.backbone_architecture == plain.backbone_architecture == "resnet50"
    assert [(each.stride_px, each.num_channels) for each in plain.feature_maps] == [
        *((4, 256), (8, 512), (16, 1024), (32, 2048))
    ]
    assert not plain.is_cached


@pytest.mark.parametrize(
    ("text", "wanted"),
    [
        ("task = features AND num_parameters < 25000000", {"dinov3_vits16"}),
        (
            "backbone_architecture = resnet101 AND task = segmentation AND metric > 65",
            {"deeplabv3_resnet101"},
        ),
        ("architecture_id : *rcnn_*v2", {"fasterrcnn_resnet50_fpn_v2", "maskrcnn_resnet50_fpn_v2"}),
        ("licences = dinov3-license AND gflops > 1000", {"dinov3_vit7b16"}),
        ("family = video_swin AND default_image_px = 224", {"swin3d_b", "swin3d_s", "swin3d_t"}),
    ],
)
def test_architectures_are_found_by_what_they_are(
    client: CatalogClient, text: str, wanted: set[str]
) -> None:
    assert {found.architecture_id for found in client.list_architectures(filter=text)} == wanted


def test_what_is_at_hand_is_found(client: CatalogClient) -> None:
    """The mirror of this catalog has seven files."""
    at_hand = {
        found.architecture_id for found in client.list_architectures(filter="is_cached = true")
    }
    weights_at_hand = list(client.list_weights(filter="is_cached = true"))

    assert {"squeezenet1_1", "resnet34"} <= at_hand
    assert "resnet50" not in at_hand
    assert {weight.architecture_id for weight in weights_at_hand} == at_hand
    assert client.get_architecture("resnet34").is_cached


def test_gated_weights_are_found(client: CatalogClient) -> None:
    gated = list(client.list_weights(filter="is_gated = true"))

    assert len(gated) == 12
    assert {weight.licence for weight in gated} == {"dinov3-license"}


def test_pages_join_to_the_whole_list(catalog: Service) -> None:
    with grpc.insecure_channel(catalog.address) as channel:
        stub = stubs(channel, architecture_service_pb2_grpc.ArchitectureServiceStub)
        ids, token = [], ""
        while True:
            page = stub.ListArchitectures(
                architectures.ListArchitecturesRequest(page_size=50, page_token=token)
            )
            ids += [found.architecture_id for found in page.architectures]
            token = page.next_page_token
            assert page.total_size == 131
            if not token:
                break

    assert len(ids) == len(set(ids)) == 131


@pytest.mark.parametrize(
    ("fields", "reason"),
    [
        ({"filter": "colour = red"}, "FILTER_INVALID"),
        ({"filter": "num_parameters ~ 3"}, "FILTER_INVALID"),
        ({"order_by": "colour"}, "ORDER_INVALID"),
        ({"page_token": "made-up"}, "PAGE_TOKEN_INVALID"),
        ({"page_size": -1}, "FIELD_INVALID"),
    ],
)
def test_a_bad_list_request_is_refused_with_its_own_reason(
    catalog: Service, fields: dict[str, Any], reason: str
) -> None:
    with grpc.insecure_channel(catalog.address) as channel:
        architecture_stub = stubs(channel, architecture_service_pb2_grpc.ArchitectureServiceStub)
        weights_stub = stubs(channel, weights_service_pb2_grpc.WeightsServiceStub)
        checkpoint_stub = stubs(channel, checkpoint_service_pb2_grpc.CheckpointServiceStub)
        calls = (
            (architecture_stub.ListArchitectures, architectures.ListArchitecturesRequest(**fields)),
            (weights_stub.ListWeights, weights.ListWeightsRequest(**fields)),
            (checkpoint_stub.ListCheckpoints, checkpoints.ListCheckpointsRequest(**fields)),
        )
        for call, request in calls:
            with pytest.raises(grpc.RpcError) as caught:
                call(request)
            error = from_rpc_error(caught.value, catalog.address)
            assert (error.code, error.reason) == (grpc.StatusCode.INVALID_ARGUMENT, reason)


def test_an_unknown_architecture_is_answered_with_the_nearest(
    client: CatalogClient, fails: Fails
) -> None:
    error = fails(lambda: client.get_architecture("resnet51"))

    assert error.code is grpc.StatusCode.NOT_FOUND
    assert error.reason == "ARCHITECTURE_NOT_FOUND"
    assert "resnet50" in error.message
    assert "all 131" in error.message


@pytest.mark.parametrize(
    "spelling",
    [
        "weights/torchvision/ResNet50_Weights.IMAGENET1K_V2",
        "torchvision/ResNet50_Weights.IMAGENET1K_V2",
        "ResNet50_Weights.IMAGENET1K_V2",
        "ResNet50_Weights.DEFAULT",
        "resnet50",
    ],
)
def test_every_spelling_of_a_weight_finds_it(client: CatalogClient, spelling: str) -> None:
    found = client.get_weights(spelling)

    assert found.reference == "torchvision/ResNet50_Weights.IMAGENET1K_V2"
    assert len(found.categories) == found.num_categories == 1000
    assert found.categories[0] == "tench"
    assert found.preprocessing.height_px == 224
    assert found.metrics[0].name == "acc@1"
    assert "crop_size" in found.transform.fields


def test_listed_weights_have_no_categories(client: CatalogClient) -> None:
    found = list(client.list_weights(filter="architecture_id = resnet50"))

    assert [weight.is_default for weight in found] == [False, True]
    assert all(not weight.categories and weight.num_categories == 1000 for weight in found)


def test_the_cached_state_tells_a_mirrored_file_from_a_converted_one(
    client: CatalogClient,
) -> None:
    client.build_model({"backbone": "squeezenet1_1"})
    states = {
        name: client.get_weights(name).cached_state
        for name in ("squeezenet1_1", "resnet34", "resnet50")
    }

    assert states == {
        "squeezenet1_1": weights.CACHED_STATE_STORED,
        "resnet34": weights.CACHED_STATE_LOCAL_FILE,
        "resnet50": weights.CACHED_STATE_ABSENT,
    }


@pytest.mark.parametrize("name", ["", "../../etc/passwd", "hf:facebook/x y", "checkpoints/mine"])
def test_what_is_no_weight_reference_is_an_invalid_argument(
    client: CatalogClient, fails: Fails, name: str
) -> None:
    error = fails(lambda: client.get_weights(name))

    assert error.code is grpc.StatusCode.INVALID_ARGUMENT
    assert error.reason == "FIELD_INVALID"
    assert error.violations[0].field == "name"


def test_unknown_weights_are_answered_with_the_nearest(client: CatalogClient, fails: Fails) -> None:
    error = fails(lambda: client.get_weights("ResNet50_Weights.IMAGENET1K_V3"))

    assert error.code is grpc.StatusCode.NOT_FOUND
    assert error.reason == "WEIGHTS_NOT_FOUND"
    assert "ResNet50_Weights.IMAGENET1K_V2" in error.message


def test_the_index_that_is_served_has_every_architecture_of_the_package(
    client: CatalogClient,
) -> None:
    packaged = {entry.architecture_id for entry in CatalogIndex.load().architectures}

    assert {found.architecture_id for found in client.list_architectures()} == packaged

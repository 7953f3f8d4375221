"""DescribeModel on a running catalog: what it says, what it refuses, and that it stays small."""

from collections.abc import Callable
from typing import Any

import grpc
import pytest

from tests.services import Service
from vertebra.catalog.v1 import model_service_pb2 as pb
from vertebra.catalog.v1 import model_service_pb2_grpc
from vertebra.client_errors import RpcFailed, from_rpc_error
from vertebra.model.v1.layout_pb2 import ROLE_BACKBONE, ROLE_HEAD
from vertebra.model.v1.model_spec_pb2 import ClassificationTask, ModelSpec

MAX_MESSAGE_BYTES = 4 << 20


@pytest.fixture(scope="module")
def models(catalog: Service) -> Any:
    """The generated stub, which has no types."""
    with grpc.insecure_channel(catalog.address) as channel:
        stub: Any = model_service_pb2_grpc.ModelServiceStub  # type: ignore[no-untyped-call]
        yield stub(channel)


def describe(models: Any, spec: ModelSpec, **wishes: Any) -> pb.ModelDescription:
    request = pb.DescribeModelRequest(spec=spec, **wishes)
    return models.DescribeModel(request, timeout=60).description


def refusal(call: Callable[[], object]) -> RpcFailed:
    with pytest.raises(grpc.RpcError) as caught:
        call()
    return from_rpc_error(caught.value, "here")


def pets(backbone: str = "squeezenet1_1", **fields: Any) -> ModelSpec:
    task = ClassificationTask(class_names=["cat", "dog"])
    return ModelSpec(backbone=backbone, classification=task, **fields)


def test_a_description_has_tree_parts_memory_and_contracts(models: Any) -> None:
    found = describe(models, pets(image_height_px=64, image_width_px=96))

    root, roles = found.modules[0], {part.name: part.role for part in found.parts}
    assert (root.path, root.class_name) == ("", "SqueezeNet")
    assert [list(shape.sizes) for shape in root.inputs] == [[1, 3, 64, 96]]
    assert [list(shape.sizes) for shape in root.outputs] == [[1, 2]]
    assert roles["head"] == ROLE_HEAD and found.parts[0].role == ROLE_BACKBONE
    assert found.num_parameters == sum(
        part.num_trainable_parameters + part.num_frozen_parameters for part in found.parts
    )
    assert found.training_memory.batch_size == 32
    assert list(found.output.class_names) == ["cat", "dog"]
    assert found.layout.layout_digest and found.recipe.builder == "torchvision/squeezenet1_1"


def test_the_specs_freeze_backbone_is_the_default_mode(models: Any) -> None:
    frozen = describe(models, pets(freeze_backbone=True))
    asked = describe(models, pets(freeze_backbone=True), freeze_mode="last_blocks(1)")

    assert (frozen.freeze_mode, asked.freeze_mode) == ("frozen_backbone", "last_blocks(1)")
    assert frozen.num_trainable_parameters < asked.num_trainable_parameters


def test_modes_with_phases_and_norms_are_described_by_a_word(models: Any) -> None:
    gradual = describe(models, pets("mnasnet0_5"), freeze_mode="gradual")
    norms = describe(models, pets("mnasnet0_5"), freeze_mode="norm_only")
    frozen = describe(models, pets("mnasnet0_5"), freeze_mode="frozen_backbone")

    assert gradual.num_trainable_parameters == frozen.num_trainable_parameters
    assert norms.num_trainable_parameters > frozen.num_trainable_parameters
    assert "PlanTrainJob" in refusal(lambda: describe(models, pets(), freeze_mode="custom")).message


def test_half_precision_halves_the_activations(models: Any) -> None:
    full = describe(models, pets("mnasnet0_5"), batch_size=8)
    half = describe(models, pets("mnasnet0_5"), batch_size=8, activation_dtype="BF16")

    ratio = (
        half.training_memory.activation_bytes_per_image
        / full.training_memory.activation_bytes_per_image
    )
    assert ratio == pytest.approx(0.5, abs=0.01)


def test_every_unknown_word_is_named_at_once(models: Any) -> None:
    failed = refusal(
        lambda: describe(
            models,
            pets(),
            freeze_mode="frozn",
            optimizer="lion",
            activation_dtype="F8",
            batch_size=-1,
        )
    )

    assert failed.code is grpc.StatusCode.INVALID_ARGUMENT and failed.reason == "FIELD_INVALID"
    for word in ("frozn", "lion", "F8", "-1", "frozen_backbone", "adamw", "BF16"):
        assert word in failed.message


def test_fields_of_the_spec_are_relative_to_the_request(models: Any) -> None:
    failed = refusal(lambda: describe(models, pets(image_height_px=7, image_width_px=7)))

    assert failed.code is grpc.StatusCode.INVALID_ARGUMENT
    assert "spec.image_height_px" in failed.message


def test_a_mode_that_this_model_cannot_have_names_its_stages(models: Any) -> None:
    failed = refusal(lambda: describe(models, pets(), freeze_mode="last_blocks(99)"))

    assert failed.code is grpc.StatusCode.INVALID_ARGUMENT
    assert failed.message.startswith("freeze_mode: last_blocks(99) of ")


@pytest.mark.parametrize(
    "backbone",
    ["vit_h_14", "regnet_y_128gf", pytest.param("dinov3_vit7b16", marks=pytest.mark.full)],
)
def test_the_largest_models_fit_into_a_message(models: Any, backbone: str) -> None:
    spec = ModelSpec(backbone=backbone, pretrained=False)

    found = describe(models, spec)

    assert len(found.modules) > 300
    assert found.ByteSize() < MAX_MESSAGE_BYTES / 4

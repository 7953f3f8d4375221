"""A value that goes over the wire comes back equal."""

import dataclasses
import math
from typing import Any

import pytest
from google.protobuf.struct_pb2 import Struct, Value

from catalog_service import model_wire
from catalog_service.errors import InvalidRequest
from catalog_service.index.catalog_index import CatalogIndex
from catalog_service.models.backbone_structure import BackboneStructure
from catalog_service.models.contracts import (
    DetectionRule,
    InputContract,
    OutputContract,
    OutputTensor,
    SizeLimits,
)
from catalog_service.models.layout import (
    LoadReport,
    PrefixRename,
    ShapeMismatch,
    Stage,
    StateLayout,
    TensorInfo,
)
from catalog_service.models.lineage import Lineage, ResultRow
from catalog_service.models.recipe import Recipe
from catalog_service.models.spec import ModelSpec
from catalog_service.models.tasks import (
    TASKS,
    ClassificationTask,
    DetectionTask,
    FeaturesTask,
    InstanceSegmentationTask,
    KeypointsTask,
    RegressionTask,
    SegmentationTask,
    Task,
)
from vertebra.model.v1.layout_pb2 import StateLayout as LayoutMessage

TENSORS = tuple(
    TensorInfo(name=f"{role}.w", dtype="F32", shape=shape, role=role, is_buffer=role == "aux")
    for role, shape in (("backbone", (2, 3)), ("neck", ()), ("head", (0,)), ("aux", (1,)))
)

VALUES: dict[str, Any] = {
    "structure": BackboneStructure(
        in_channels=5,
        remove_modules=("layer4.1",),
        arguments={"depths": [1, 2], "drop_path_rate": 0.5},
        image_height_px=64,
        image_width_px=96,
    ),
    "spec": ModelSpec(
        backbone="resnet18",
        pretrained=False,
        weights="w",
        task=ClassificationTask(class_names=("a", "b"), num_classes=2),
        image_height_px=1,
        image_width_px=2,
        seed=3,
        allow_partial=True,
        allow_frozen_random=True,
        freeze_backbone=False,
        neck="fpn",
        in_channels=4,
        stem_adaptation="average",
        remove_modules=("avgpool", "layer4.1"),
        aux_heads="drop",
        arguments={"num_hidden_layers": 2, "rates": [0.5, 1]},
    ),
    "layout": StateLayout(
        tensors=TENSORS,
        stages=(Stage(name="stem", modules=("conv1", "bn1"), num_parameters=7),),
        head_modules=("head",),
        replaced_modules=("head.1",),
        layout_digest="sha256:1",
        neck_modules=("neck",),
        aux_modules=("aux",),
        backbone_architecture="resnet50",
        backbone_names=(PrefixRename(blob_prefix="", model_prefix="backbone."),),
    ),
    "tensor": TENSORS[0],
    "recipe": Recipe(
        builder="torchvision/vit_b_16",
        arguments={"image_size": 384, "eps": 0.001, "deep": {"list": [1, 2.5, None, True]}},
        library="lib 1",
        head={"kind": "classification", "num_outputs": 26, "known_rows": [[0, 5]]},
        neck={"kind": "fpn", "num_channels": 256},
        stem={"in_channels": 4, "adaptation": "repeat"},
        removed_modules=("avgpool",),
    ),
    "report": LoadReport(
        num_loaded=1,
        num_expected=2,
        num_elements_loaded=3,
        num_elements_expected=4,
        backbone_coverage=0.5,
        missing=("a",),
        unexpected=("b",),
        misshapen=(ShapeMismatch(name="c", source_shape=(1,), layout_shape=(2, 3)),),
        dropped=("d",),
        initialised=("e",),
        rules=("f", "g"),
    ),
    "input": InputContract(
        num_channels=4,
        height_px=224,
        width_px=225,
        resize_shorter_side_px=256,
        interpolation="bicubic",
        mean=(0.1, 0.2, 0.3),
        std=(0.4, 0.5, 0.6),
        rescale_factor=0.5,
        channel_names=("red", "infrared"),
        is_image_list=True,
        max_longer_side_px=1333,
        num_frames=16,
        sizes=SizeLimits(
            min_px=2,
            min_training_px=3,
            multiple_of_px=16,
            crops_border=True,
            is_fixed=True,
            min_training_batch=2,
        ),
        keeps_whole_image=True,
        resize_height_px=128,
        resize_width_px=171,
    ),
    "output": OutputContract(
        kind="detections",
        shape=(-1, 4),
        class_names=("a", "b"),
        activation="none",
        tensors=(OutputTensor(name="labels", dtype="I64", shape=(-1,), meaning="an index"),),
        detection=DetectionRule(
            score_threshold=0.05,
            nms_iou_threshold=0.5,
            max_detections=100,
            box_format="cxcywh",
            mask_threshold=0.25,
        ),
        keypoint_names=("nose",),
        target_mean=(1.5,),
        target_std=(2.5,),
        target_names=("metres",),
    ),
    "lineage": Lineage(
        parent="p",
        parent_backbone_digest="sha256:1",
        source_digest="sha256:2",
        source_proof="prefix",
        licence="MIT",
        method="simclr",
        dataset="d",
        num_images=1,
        num_epochs=2,
        train_job="trainJobs/1",
        note="n",
        loss="nt_xent",
        augmentations=("gaussian_blur", "horizontal_flip"),
        optimizer="lars",
        learning_rate=0.3,
        lr_rule="linear",
        batch_size=64,
        results=(ResultRow(setting="10 %", metrics={"iou": 0.5}),),
    ),
}


@pytest.mark.parametrize("name", VALUES)
def test_a_value_comes_back_equal(name: str) -> None:
    value = VALUES[name]
    to_message = getattr(model_wire, f"{name}_to_message")
    from_message = getattr(model_wire, f"{name}_from_message")

    assert from_message(to_message(value)) == value


@pytest.mark.parametrize("name", VALUES)
def test_every_field_of_the_example_is_set(name: str) -> None:
    """Otherwise a forgotten field would come back equal, too."""
    value = VALUES[name]
    defaults = {
        field.name: field.default
        for field in dataclasses.fields(value)
        if field.default is not dataclasses.MISSING
    }
    skipped = {"tensor": {"is_buffer"}}

    left = {field for field, default in defaults.items() if getattr(value, field) == default}

    assert left <= skipped.get(name, set())


TASK_EXAMPLES: list[Task] = [
    ClassificationTask(
        class_names=("a",),
        num_classes=1,
        multilabel=True,
        hidden_units=(8, 4),
        dropout=0.0,
        pooling="gem",
        keep_known_classes=True,
    ),
    RegressionTask(
        num_targets=1, target_names=("x",), hidden_units=(8,), dropout=0.5, pooling="max"
    ),
    SegmentationTask(
        class_names=("a",), num_classes=1, head="fcn", multilabel=True, keep_known_classes=True
    ),
    DetectionTask(class_names=("a",), num_classes=1, head="fcos", keep_known_classes=True),
    InstanceSegmentationTask(
        class_names=("a",), num_classes=1, head="mask_rcnn", keep_known_classes=True
    ),
    KeypointsTask(
        keypoint_names=("nose",), num_keypoints=1, class_names=("dog",), head="keypoint_rcnn"
    ),
    FeaturesTask(output="pooled", pooling="avg_max"),
]


@pytest.mark.parametrize("task", TASK_EXAMPLES, ids=lambda task: task.kind)
def test_every_task_comes_back_equal_with_every_field(task: Task) -> None:
    spec = ModelSpec(backbone="resnet18", task=task)

    assert model_wire.spec_from_message(model_wire.spec_to_message(spec)) == spec
    assert ModelSpec.from_json(spec.to_json()) == spec
    unset = TASKS[task.kind]()
    fields = [field.name for field in dataclasses.fields(task) if field.name != "kind"]
    assert all(getattr(task, name) != getattr(unset, name) for name in fields)


def test_every_task_has_an_example() -> None:
    assert [task.kind for task in TASK_EXAMPLES] == list(TASKS)


def test_absent_is_not_false() -> None:
    spec = ModelSpec(backbone="resnet18")

    back = model_wire.spec_from_message(model_wire.spec_to_message(spec))

    assert back.pretrained is None and back.freeze_backbone is None and back.task is None
    assert back == spec


def test_every_recipe_of_the_index_survives_with_its_digest() -> None:
    index = CatalogIndex.load()
    for weight in index.weights:
        recipe = index.recipe_for(weight.architecture_id, weight)

        assert model_wire.recipe_from_message(model_wire.recipe_to_message(recipe)) == recipe


def test_a_tensor_without_a_role_is_refused() -> None:
    message = LayoutMessage()
    message.tensors.add(name="w")

    with pytest.raises(InvalidRequest, match="role"):
        model_wire.layout_from_message(message)


def test_what_json_cannot_hold_reaches_the_check_that_names_it() -> None:
    message = Struct()
    message.fields["rate"].number_value = math.nan
    message.fields["list"].list_value.values.add(number_value=2.0)
    message.fields["unset"].CopyFrom(Value())

    found = model_wire.plain_of(message)

    assert math.isnan(found["rate"])
    assert found["list"] == [2] and isinstance(found["list"][0], int)
    assert found["unset"] is None

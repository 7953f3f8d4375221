"""Descriptions against what the publisher says and what the model's own state holds.

Whole tables are `full`; in every run a few small members of each kind of model.
"""

from dataclasses import replace
from functools import cache
from typing import Any

import pytest
import torch

from catalog_service.errors import InvalidRequest
from catalog_service.index.catalog_index import CatalogIndex
from catalog_service.models.describe import describe
from catalog_service.models.description import activation_bytes, model_description
from catalog_service.models.families.table import families
from catalog_service.models.freeze_plan import freeze_mode_of
from catalog_service.models.layout import is_inside
from catalog_service.models.model_description import DescriptionOrder, ModelDescription
from catalog_service.models.recipe import classification_head

INDEX = CatalogIndex.load()

VIDEO_FRAMES = 16
"""Source: what torchvision measured the published operations of its video models with."""

SMALL = (
    "squeezenet1_1",
    "resnet18",
    "vit_b_32",
    "swin_t",
    "googlenet",
    "lraspp_mobilenet_v3_large",
    "fasterrcnn_mobilenet_v3_large_320_fpn",
    "ssdlite320_mobilenet_v3_large",
    "keypointrcnn_resnet50_fpn",
    "r3d_18",
    "dinov3_vits16",
    "dinov3_convnext_tiny",
    "raft_small",
)
"""One of each kind: image, dict, list of boxes, clip, pair."""

COUNTED = ("classification", "segmentation")
"""Tasks whose published operations are those of one image of the weights' own size."""


def buildable() -> list[str]:
    return sorted(families())


def described(name: str, **wishes: Any) -> ModelDescription:
    return model_description(order(name, **wishes))


def order(name: str, **wishes: Any) -> DescriptionOrder:
    torch.set_num_threads(1)
    entry, weight = INDEX.architecture(name), INDEX.default_weight(name)
    side = entry.default_image_px or 800
    size = {"height_px": side, "width_px": side}
    contract = weight.preprocessing
    if contract is not None and not contract.is_image_list:
        size = {"height_px": contract.height_px, "width_px": contract.width_px}
    frames = VIDEO_FRAMES if entry.task == "video" else 0
    made = DescriptionOrder(recipe=INDEX.recipe_for(name), num_frames=frames, **size)
    mode = wishes.pop("freeze_mode", None)
    if mode is not None:
        wishes["freeze_mode"] = freeze_mode_of(mode)
    return replace(made, **wishes)


@cache
def frozen(name: str) -> ModelDescription:
    """Return a description under a frozen backbone, made once for all tests."""
    return described(name, freeze_mode="frozen_backbone")


def check_multiply_adds(name: str) -> None:
    """The publisher rounds to a thousandth of a billion, which is more than 1 % of the smallest."""
    published = INDEX.default_weight(name).gflops

    counted = frozen(name).num_multiply_adds / 1e9

    assert counted == pytest.approx(published, rel=0.01, abs=0.0006)


def check_partition(name: str) -> None:
    found = frozen(name)

    assert found.num_parameters == describe(INDEX.recipe_for(name)).num_parameters
    trainable = sum(part.num_trainable_parameters for part in found.parts)
    resting = sum(part.num_frozen_parameters for part in found.parts)
    assert (trainable, resting) == (found.num_trainable_parameters, found.num_frozen_parameters)
    assert trainable + resting == found.num_parameters
    for tensor in found.layout.of_role("backbone"):
        stages = [
            stage.name
            for stage in found.layout.stages
            if any(is_inside(tensor.name, path) for path in stage.modules)
        ]
        assert len(stages) == 1, (tensor.name, stages)


def check_modules(name: str) -> None:
    found = frozen(name)

    root, paths = found.modules[0], [module.path for module in found.modules]
    assert root.path == "" and len(set(paths)) == len(paths)
    assert root.num_parameters == found.num_parameters
    assert root.num_multiply_adds == found.num_multiply_adds
    parts = sum(part.num_multiply_adds for part in found.parts)
    if not name.startswith("raft"):  # compares its images outside of all modules, and says so
        assert parts == found.num_multiply_adds


@pytest.mark.parametrize(
    "name", ["squeezenet1_1", "resnet50", "vit_b_32", "swin_t", "fcn_resnet50"]
)
def test_multiply_adds_are_the_published_ones(name: str) -> None:
    check_multiply_adds(name)


@pytest.mark.full
@pytest.mark.parametrize(
    "name",
    [
        name
        for name in buildable()
        if INDEX.architecture(name).task in ("classification", "segmentation")
    ],
)
def test_multiply_adds_are_the_published_ones_for_all(name: str) -> None:
    check_multiply_adds(name)


@pytest.mark.parametrize("name", SMALL)
def test_parts_hold_every_parameter_once(name: str) -> None:
    check_partition(name)


@pytest.mark.parametrize("name", SMALL)
def test_parts_and_modules_add_up(name: str) -> None:
    check_modules(name)


@pytest.mark.full
@pytest.mark.parametrize("name", buildable())
def test_all_architectures_are_described(name: str) -> None:
    check_partition(name)
    check_modules(name)


@pytest.mark.full
def test_detectors_count_as_published() -> None:
    """Boxes at their most are what the publisher counted with, at 800 x 800."""
    for name in ("fasterrcnn_resnet50_fpn", "retinanet_resnet50_fpn", "fcos_resnet50_fpn"):
        check_multiply_adds(name)


def test_shapes_are_those_of_the_forward() -> None:
    found = described("resnet18", height_px=64, width_px=96)
    rows = {module.path: module for module in found.modules}

    assert rows[""].inputs == ((1, 3, 64, 96),) and rows[""].outputs == ((1, 1000),)
    assert rows["layer2.0"].outputs == ((1, 128, 8, 12),)
    assert rows["layer2.0"].role == "backbone" and rows["layer2.0"].stage == "layer2"
    assert rows["fc"].role == "head" and rows["fc"].stage == ""
    assert rows["conv1"].summary.startswith("3, 64, kernel_size=(7, 7)")
    outputs = {part.name: part.output for part in found.parts}
    assert outputs["stem"] == (1, 64, 16, 24)
    assert outputs["layer4"] == (1, 512, 2, 3) and outputs["head"] == (1, 1000)


def test_stages_are_numbered_as_last_blocks_counts_them() -> None:
    parts = described("resnet18", height_px=64, width_px=64).parts

    assert [part.num_blocks_from_end for part in parts] == [5, 4, 3, 2, 1, 0]


def test_feature_maps_have_the_size_that_the_image_gives_them() -> None:
    found = described("resnet18", height_px=225, width_px=64).feature_maps

    assert [(each.stride_px, each.height_px, each.width_px) for each in found] == [
        (4, 57, 16),
        (8, 29, 8),
        (16, 15, 4),
        (32, 8, 2),
    ]


def test_a_module_that_is_not_called_has_no_shapes_but_its_childrens_work() -> None:
    rows = {m.path: m for m in frozen("fasterrcnn_mobilenet_v3_large_320_fpn").modules}

    heads = rows["roi_heads"]
    assert heads.inputs == () and heads.num_multiply_adds > 0
    assert heads.num_multiply_adds == sum(
        rows[f"roi_heads.{name}"].num_multiply_adds for name in ("box_head", "box_predictor")
    )


def test_of_many_calls_the_first_gives_the_shapes_and_all_give_the_work() -> None:
    rows = {m.path: m for m in frozen("fasterrcnn_mobilenet_v3_large_320_fpn").modules}

    levels, scores = rows["rpn.head"].inputs, rows["rpn.head.cls_logits"]
    assert len(levels) > 1 and scores.inputs == levels[:1]
    assert scores.outputs[0][2:] == levels[0][2:] != levels[-1][2:]
    pixels = sum(height * width for _, _, height, width in levels)
    assert scores.num_multiply_adds == pixels * levels[0][1] * scores.outputs[0][1]


def test_a_detector_says_what_it_assumes() -> None:
    said = " ".join(frozen("fasterrcnn_mobilenet_v3_large_320_fpn").assumptions)

    for words in ("resizes", "not counted", "boxes of an image", "in training"):
        assert words in said


def test_frozen_parts_keep_nothing_for_the_backward_pass() -> None:
    recipe = INDEX.recipe_for("resnet18", head=classification_head(7))
    kept = [
        described("resnet18", recipe=recipe, freeze_mode=mode).training_memory
        for mode in ("frozen_backbone", "last_blocks(1)", "last_blocks(2)", "full")
    ]

    sizes = [memory.activation_bytes_per_image for memory in kept]
    assert sizes == sorted(sizes) and len(set(sizes)) == 4
    assert sizes[0] == 512 * 4  # the pooled features, which the head's gradient needs
    assert kept[0].gradient_bytes == (512 * 7 + 7) * 4
    assert kept[0].optimizer_bytes == 2 * kept[0].gradient_bytes


def test_sgd_keeps_half_of_what_adamw_keeps() -> None:
    adamw = described("resnet18").training_memory
    sgd = described("resnet18", optimizer="sgd").training_memory

    assert adamw.optimizer_bytes == 2 * sgd.optimizer_bytes
    assert adamw.total_bytes - sgd.total_bytes == sgd.optimizer_bytes


def test_the_total_is_the_sum_at_the_batch_size() -> None:
    memory = described("resnet18", batch_size=8).training_memory

    assert memory.total_bytes == (
        memory.parameter_bytes
        + memory.gradient_bytes
        + memory.optimizer_bytes
        + 8 * (memory.activation_bytes_per_image + memory.transient_bytes_per_image)
    )


def test_what_one_layer_holds_is_counted_where_nothing_is_kept() -> None:
    """Batch norm after the first convolution: [64, 32, 32] in and out; ReLU works in place."""
    memory = described("resnet18", height_px=64, width_px=64, freeze_mode="frozen_backbone")

    assert memory.training_memory.transient_bytes_per_image == 2 * 64 * 32 * 32 * 4
    half = described("resnet18", height_px=64, width_px=64, activation_dtype="F16")
    assert half.training_memory.transient_bytes_per_image == 2 * 64 * 32 * 32 * 2


@pytest.mark.parametrize(
    ("name", "side"), [("resnet18", 64), ("vit_b_32", 224), ("swin_t", 64), ("mnasnet0_5", 64)]
)
def test_what_is_kept_is_what_a_real_forward_keeps(name: str, side: int) -> None:
    """The same count on real tensors, where torch chooses the kernels."""
    found = activation_bytes(INDEX.recipe_for(name), side, side)

    assert found == pytest.approx(real_activation_bytes(name, side), rel=0.01)


def real_activation_bytes(name: str, side: int) -> int:
    """Return what autograd keeps per image of a batch of two, on the CPU."""
    import torchvision

    model = torchvision.models.get_model(name, weights=None).train()
    own = {each.data_ptr() for each in (*model.parameters(), *model.buffers())}
    kept: dict[int, torch.Tensor] = {}

    def keep(tensor: torch.Tensor) -> torch.Tensor:
        storage = tensor.untyped_storage()
        if storage.data_ptr() not in own:
            kept[storage.data_ptr()] = tensor
        return tensor

    with torch.autograd.graph.saved_tensors_hooks(keep, lambda tensor: tensor):
        model(torch.zeros(2, 3, side, side)).sum()
    return sum(tensor.untyped_storage().nbytes() for tensor in kept.values()) // 2


def test_a_mode_that_means_nothing_here_names_the_stages() -> None:
    with pytest.raises(InvalidRequest, match="layer4"):
        described("resnet18", freeze_mode="last_blocks(9)")


def test_a_description_survives_its_json() -> None:
    found = described("squeezenet1_1", height_px=64, width_px=64)

    assert ModelDescription.from_json(found.to_json()) == found
    made = order("squeezenet1_1", freeze_mode="last_blocks(2)")
    assert DescriptionOrder.from_json(made.to_json()) == made

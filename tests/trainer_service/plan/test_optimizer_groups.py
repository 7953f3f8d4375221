"""Optimizer groups over real layouts: everything that trains is in one, nothing else, and vectors,
tables and tokens do not decay.
"""

from collections.abc import Iterator

import pytest

from catalog_service.models.freeze_mode import FreezeMode, UnfreezeStep
from catalog_service.models.freeze_phases import FreezePhase, freeze_phases
from catalog_service.models.layout import StateLayout
from catalog_service.models.recipe import Recipe, classification_head
from catalog_service.models.tasks import DetectionTask, FeaturesTask, SegmentationTask, Task
from catalog_service.models.template import template
from tests.fakes.composed_recipes import recipe_of
from trainer_service.jobs import OptimizerGroup, OptimizerSpec, SimClrSpec
from trainer_service.plan.optimizer_groups import is_decayed, optimizer_groups
from trainer_service.plan.projection import projection_tensors

CLASSIFIERS = (
    *("resnet18", "densenet121", "mobilenet_v3_small", "efficientnet_b0", "regnet_y_400mf"),
    *("shufflenet_v2_x0_5", "vgg11_bn", "vit_b_16", "swin_v2_t", "convnext_tiny", "maxvit_t"),
)
COMPOSED: dict[str, Task] = {
    "segmentation": SegmentationTask(num_classes=3),
    "detection": DetectionTask(num_classes=2),
    "features": FeaturesTask(output="pooled"),
}
MODES = (
    FreezeMode(),
    FreezeMode(kind="frozen_backbone"),
    FreezeMode(kind="last_blocks", num_blocks=2),
    FreezeMode(kind="gradual"),
    FreezeMode(kind="custom", trainable_patterns=("**.bias",)),
    FreezeMode(kind="norm_only"),
    FreezeMode(kind="scratch"),
)
ADAMW = OptimizerSpec(weight_decay=0.05)


@pytest.fixture(scope="module")
def layouts() -> dict[str, StateLayout]:
    found = {
        name: template(Recipe(builder=f"torchvision/{name}", head=classification_head(3))).layout
        for name in CLASSIFIERS
    }
    found |= {task: template(recipe_of("resnet18", COMPOSED[task])).layout for task in COMPOSED}
    dinov3 = recipe_of("dinov3_vits16", SegmentationTask(num_classes=3))
    return found | {"dinov3": template(dinov3).layout}


def groups_of(
    layout: StateLayout, optimizer: OptimizerSpec = ADAMW, mode: FreezeMode | None = None
) -> tuple[OptimizerGroup, ...]:
    phases = freeze_phases(layout, mode or FreezeMode(), "", 9)
    return optimizer_groups(layout, phases, optimizer, batch_size=32)


def every_phase(
    layouts: dict[str, StateLayout],
) -> Iterator[tuple[str, StateLayout, list[FreezePhase]]]:
    for name, layout in layouts.items():
        for mode in MODES:
            phases = freeze_phases(layout, mode, "", 9)
            for end in range(1, len(phases) + 1):
                yield f"{name} {mode} {end}", layout, list(phases[:end])


def test_what_trains_is_in_one_group_and_what_is_frozen_in_none(
    layouts: dict[str, StateLayout],
) -> None:
    for case, layout, phases in every_phase(layouts):
        groups = optimizer_groups(layout, phases, ADAMW, batch_size=32)
        held = [name for group in groups for name in group.parameters]

        assert sorted(held) == sorted(phases[-1].plan.trainable), case
        assert len(held) == len(set(held)), case
        total = sum(group.num_parameters for group in groups)
        assert total == phases[-1].plan.num_trainable_parameters, case


def test_a_group_decays_or_none_of_it_does(layouts: dict[str, StateLayout]) -> None:
    for name, layout in layouts.items():
        tensors = {tensor.name: tensor for tensor in layout.tensors}
        for group in groups_of(layout):
            decayed = {is_decayed(tensors[each]) for each in group.parameters}

            assert decayed == {group.weight_decay > 0}, (name, group.name)


def test_vectors_tables_and_tokens_are_not_decayed(layouts: dict[str, StateLayout]) -> None:
    """By the shapes of the layout, and by the names that are no matrices of a layer."""
    layers = ("weight", "in_proj_weight")
    for name, layout in layouts.items():
        for tensor in layout.tensors:
            is_matrix = tensor.name.rpartition(".")[2] in layers and len(tensor.shape) > 1
            if not tensor.is_buffer:
                assert is_decayed(tensor) == is_matrix, (name, tensor.name, tensor.shape)


def test_one_setting_is_two_groups(layouts: dict[str, StateLayout]) -> None:
    groups = {group.name: group.weight_decay for group in groups_of(layouts["resnet18"])}

    assert groups == {"weights": 0.05, "biases and norms": 0.0}


def test_the_backbone_can_learn_more_slowly_than_the_head(layouts: dict[str, StateLayout]) -> None:
    groups = groups_of(layouts["resnet18"], OptimizerSpec(lr=0.1, backbone_lr_ratio=0.1))
    rates = {group.name: group.lr for group in groups}

    assert rates == {
        "stem to layer4 weights": pytest.approx(0.01),
        "head weights": 0.1,
        "stem to layer4 biases and norms": pytest.approx(0.01),
        "head biases and norms": 0.1,
    }


def test_each_stage_learns_more_slowly_than_the_next(layouts: dict[str, StateLayout]) -> None:
    groups = groups_of(layouts["resnet18"], OptimizerSpec(lr=1.0, layer_decay=0.5))
    rates = {group.name: group.lr for group in groups if group.name.endswith(" weights")}

    assert rates == {
        "stem weights": 1 / 32,
        "layer1 weights": 1 / 16,
        "layer2 weights": 1 / 8,
        "layer3 weights": 1 / 4,
        "layer4 weights": 1 / 2,
        "head weights": 1.0,
    }


@pytest.mark.parametrize(
    ("rule", "lr"), [("absolute", 0.3), ("per_256_images", 0.0375), ("square_root", 1.697056)]
)
def test_the_rule_says_what_the_rate_means(
    layouts: dict[str, StateLayout], rule: str, lr: float
) -> None:
    optimizer = OptimizerSpec(lr=0.3, lr_rule=rule)  # type: ignore[arg-type]

    assert groups_of(layouts["resnet18"], optimizer)[0].lr == pytest.approx(lr)


def test_what_is_let_in_later_keeps_its_own_rate(layouts: dict[str, StateLayout]) -> None:
    steps = (
        UnfreezeStep(after_epochs=1, num_blocks=1, lr_scale=0.5),
        UnfreezeStep(after_epochs=2, num_blocks=0, lr_scale=0.25),
    )
    mode = FreezeMode(kind="gradual", steps=steps)
    groups = groups_of(layouts["resnet18"], OptimizerSpec(lr=1.0), mode)
    rates = {group.name: group.lr for group in groups if group.name.endswith(" weights")}

    assert rates == {"stem to layer3 weights": 0.25, "layer4 weights": 0.5, "head weights": 1.0}


def test_the_projection_has_groups_of_its_own(layouts: dict[str, StateLayout]) -> None:
    layout = layouts["features"]
    groups = optimizer_groups(
        layout,
        freeze_phases(layout, FreezeMode(), "", 9),
        ADAMW,
        batch_size=32,
        projection=projection_tensors(SimClrSpec(), 512),
    )
    by_name = {group.name: group for group in groups}

    assert set(by_name) == {
        "weights",
        "biases and norms",
        "projection weights",
        "projection biases and norms",
    }
    names = by_name["projection weights"].parameters
    assert names
    assert all(name.startswith("projection.") for name in names)

"""Freeze plans over all 119 architectures: names, modules in training mode, and sums."""

import pytest

from catalog_service.errors import InvalidRequest
from catalog_service.models.families.table import family_of
from catalog_service.models.freeze_plan import (
    FreezeMode,
    FreezePlan,
    batch_norms,
    freeze_plan,
)
from catalog_service.models.layout import Stage, StateLayout, is_inside

FULL = FreezeMode(kind="full")
FROZEN = FreezeMode(kind="frozen_backbone")
SCRATCH = FreezeMode(kind="scratch")


FROZEN_NORMS = {
    "fasterrcnn_mobilenet_v3_large_320_fpn",
    "fasterrcnn_mobilenet_v3_large_fpn",
    "fasterrcnn_resnet50_fpn",
    "fcos_resnet50_fpn",
    "keypointrcnn_resnet50_fpn",
    "maskrcnn_resnet50_fpn",
    "retinanet_resnet50_fpn",
}
"""Detectors whose norms are FrozenBatchNorm2d."""


def is_unused(name: str) -> bool:
    """Return whether it is DINOv3's stand-in for hidden patches, which no image reaches."""
    return name.endswith("mask_token")


def is_in_stage(name: str, stage: Stage) -> bool:
    return any(is_inside(name, path) for path in stage.modules)


def last_blocks(num_blocks: int) -> FreezeMode:
    return FreezeMode(kind="last_blocks", num_blocks=num_blocks)


def test_full_and_scratch_train_everything(layouts: dict[str, StateLayout]) -> None:
    for name, layout in layouts.items():
        for mode in (FULL, SCRATCH):
            plan = freeze_plan(layout, mode)

            unused = sum(t.num_elements for t in layout.tensors if is_unused(t.name))
            assert plan.num_trainable_parameters == layout.num_parameters - unused, name
            assert plan.num_frozen_parameters == unused, name
            assert (unused > 0) == (family_of(name).name == "dinov3_vit"), name
            assert plan.train_modules == ("",), name
            assert plan.frozen_norms == (), name


def test_a_frozen_backbone_trains_the_head_alone(
    new_head_layouts: dict[str, StateLayout],
) -> None:
    for name, layout in new_head_layouts.items():
        plan = freeze_plan(layout, FROZEN)
        prefixes = {trainable.partition(".")[0] for trainable in plan.trainable}

        assert set(plan.trainable) == {t.name for t in layout.of_role("head")}, name
        assert prefixes <= {"fc", "classifier", "head", "heads"}, name
        assert set(plan.train_modules) == set(layout.head_modules), name
        assert plan.num_frozen_parameters == layout.num_backbone_parameters, name


def test_an_auxiliary_head_is_frozen_with_the_backbone_but_for_its_classes(
    layouts: dict[str, StateLayout],
) -> None:
    plan = freeze_plan(layouts["inception_v3"], FROZEN)
    aux = {name for name in plan.trainable if name.startswith("AuxLogits.")}

    assert aux == {"AuxLogits.fc.weight", "AuxLogits.fc.bias"}


def test_each_further_block_adds_one_stage(layouts: dict[str, StateLayout]) -> None:
    for name, layout in layouts.items():
        before = set(freeze_plan(layout, FROZEN).trainable)
        for num_blocks, stage in enumerate(reversed(layout.stages), start=1):
            after = set(freeze_plan(layout, last_blocks(num_blocks)).trainable)
            added = sum(t.num_parameters for t in layout.tensors if t.name in after - before)
            inside = [t for t in layout.tensors if is_in_stage(t.name, stage)]
            unused = sum(t.num_parameters for t in inside if is_unused(t.name))

            assert before < after, name
            assert added == stage.num_parameters - unused, (name, stage.name)
            before = after
        learning = [t for t in layout.tensors if not t.is_buffer and not is_unused(t.name)]
        everything = {t.name for t in learning if t.role != "aux"}
        classes = {path for path in layout.replaced_modules if path not in layout.head_modules}
        assert before >= everything, name
        assert all(
            any(is_inside(name, path) for path in classes) for name in before - everything
        ), name


def test_rows_add_up(layouts: dict[str, StateLayout]) -> None:
    for name, layout in layouts.items():
        for mode in (FULL, FROZEN, last_blocks(1), last_blocks(2)):
            plan = freeze_plan(layout, mode)
            names = [row.name for row in plan.rows]
            moving = sum(row.num_trainable_parameters for row in plan.rows)
            still = sum(row.num_frozen_parameters for row in plan.rows)

            assert names[: len(layout.stages)] == [stage.name for stage in layout.stages]
            assert names[len(layout.stages) :] in (["head"], ["head", "aux"], ["head", "neck"])
            assert moving + still == layout.num_parameters, name
            assert (moving, still) == (plan.num_trainable_parameters, plan.num_frozen_parameters)
            assert moving == sum(
                t.num_parameters for t in layout.tensors if t.name in set(plan.trainable)
            )


def test_no_buffer_is_trainable_and_order_is_the_layouts(layouts: dict[str, StateLayout]) -> None:
    for layout in layouts.values():
        plan = freeze_plan(layout, last_blocks(1))
        parameters = [t.name for t in layout.tensors if not t.is_buffer]

        assert [name for name in parameters if name in set(plan.trainable)] == list(plan.trainable)


def test_what_trains_lies_inside_what_is_in_training_mode(
    layouts: dict[str, StateLayout],
) -> None:
    """But for tensors that lie directly in the model, such as ViT's class token."""
    loose = {"class_token", "encoder.pos_embedding", "backbone.scale_weight"}
    for name, layout in layouts.items():
        for num_blocks in (1, len(layout.stages)):
            plan = freeze_plan(layout, last_blocks(num_blocks))
            outside = {t for t in plan.trainable if not _is_in_training_mode(t, plan)}

            assert outside <= loose, name
            assert not loose & set(plan.train_modules), name


def test_frozen_batch_norms_are_in_evaluation_mode(layouts: dict[str, StateLayout]) -> None:
    """A batch norm in training mode moves its statistics, whatever requires_grad says."""
    for name, layout in layouts.items():
        plan = freeze_plan(layout, last_blocks(1))
        for norm in batch_norms(layout):
            is_trained = f"{norm}.weight" in plan.trainable

            assert _is_in_training_mode(norm, plan) == is_trained, (name, norm)


@pytest.mark.parametrize("norm", ["frozen_statistics", "recalibrate"])
def test_frozen_statistics_name_every_norm_in_training_mode(
    layouts: dict[str, StateLayout], norm: str
) -> None:
    for name, layout in layouts.items():
        full = freeze_plan(layout, FULL, norm)
        part = freeze_plan(layout, last_blocks(1), norm)

        assert full.frozen_norms == batch_norms(layout), name
        assert set(part.frozen_norms) <= set(batch_norms(layout)), name
        assert all(any(is_inside(n, m) for m in part.train_modules) for n in part.frozen_norms)
        assert full.trainable == freeze_plan(layout, FULL).trainable, name


def test_batch_norms_of_resnet18(layouts: dict[str, StateLayout]) -> None:
    plan = freeze_plan(layouts["resnet18"], last_blocks(1), "frozen_statistics")

    assert len(batch_norms(layouts["resnet18"])) == 20
    assert plan.frozen_norms == (
        "layer4.0.bn1",
        "layer4.0.bn2",
        "layer4.0.downsample.1",
        "layer4.1.bn1",
        "layer4.1.bn2",
    )


def test_families_without_batch_norm_have_none(layouts: dict[str, StateLayout]) -> None:
    without = {name for name, layout in layouts.items() if not batch_norms(layout)}

    assert {family_of(name).name for name in without if name not in FROZEN_NORMS} == {
        "alexnet",
        "convnext",
        "dinov3_convnext",
        "dinov3_vit",
        "mvit",
        "raft",
        "squeezenet",
        "ssd",
        "swin",
        "vgg",
        "video_swin",
        "vit",
    }


def test_frozen_norms_of_detectors_never_move(layouts: dict[str, StateLayout]) -> None:
    """They have statistics, but no mode changes them: there is nothing to plan."""
    for name in FROZEN_NORMS:
        assert any(tensor.name.endswith("running_mean") for tensor in layouts[name].tensors)
        assert batch_norms(layouts[name]) == (), name


def test_resnet50_with_26_classes_and_two_blocks(layouts: dict[str, StateLayout]) -> None:
    plan = freeze_plan(layouts["resnet50"], last_blocks(2))

    assert plan.mode == "last_blocks(2)"
    assert plan.train_modules == ("layer3", "layer4", "fc")
    assert [row.name for row in plan.rows] == [
        "stem",
        "layer1",
        "layer2",
        "layer3",
        "layer4",
        "head",
    ]
    assert plan.trainable[0] == "layer3.0.conv1.weight"


@pytest.mark.parametrize("num_blocks", [0, -1, 6])
def test_a_wrong_number_of_blocks_names_the_stages(
    layouts: dict[str, StateLayout], num_blocks: int
) -> None:
    with pytest.raises(InvalidRequest, match="stem, layer1, layer2, layer3, layer4"):
        freeze_plan(layouts["resnet50"], last_blocks(num_blocks))


@pytest.mark.parametrize(
    ("mode", "norm", "message"),
    [
        (FreezeMode(kind="half"), "batch_statistics", "no freeze mode 'half'; modes are"),
        (FULL, "auto", "no norm policy 'auto'; policies are"),
        (SCRATCH, "frozen_statistics", "contradicts scratch"),
        (FreezeMode(kind="full", num_blocks=2), "batch_statistics", "means nothing for 'full'"),
    ],
)
def test_unknown_and_contradicting_modes_are_refused(
    layouts: dict[str, StateLayout], mode: FreezeMode, norm: str, message: str
) -> None:
    with pytest.raises(InvalidRequest, match=message):
        freeze_plan(layouts["resnet18"], mode, norm)


def test_plans_survive_json(layouts: dict[str, StateLayout]) -> None:
    plan = freeze_plan(layouts["resnet18"], last_blocks(1), "frozen_statistics")

    assert FreezePlan.from_json(plan.to_json()) == plan
    assert FreezeMode.from_json(last_blocks(1).to_json()) == last_blocks(1)


def _is_in_training_mode(name: str, plan: FreezePlan) -> bool:
    return any(is_inside(name, module) for module in plan.train_modules)

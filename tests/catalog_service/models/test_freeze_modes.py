"""Freeze modes beyond blocks: patterns, norms alone, phases; and which statistics stay."""

from itertools import pairwise

import pytest

from catalog_service.errors import InvalidRequest
from catalog_service.models.freeze_mode import FreezeMode, UnfreezeStep, freeze_mode_of
from catalog_service.models.freeze_phases import freeze_phases
from catalog_service.models.freeze_plan import FreezePlan, batch_norms, freeze_plan
from catalog_service.models.layout import StateLayout, is_inside
from catalog_service.models.recipe import Recipe
from catalog_service.models.tasks import SegmentationTask
from catalog_service.models.template import template
from tests.fakes.composed_recipes import recipe_of

NORM_ONLY = FreezeMode(kind="norm_only")
GRADUAL = FreezeMode(kind="gradual")
FROZEN = FreezeMode(kind="frozen_backbone")


def custom(*trainable: str, frozen: tuple[str, ...] = ()) -> FreezeMode:
    return FreezeMode(kind="custom", trainable_patterns=trainable, frozen_patterns=frozen)


@pytest.fixture(scope="module")
def resnet18(new_head_layouts: dict[str, StateLayout]) -> StateLayout:
    return new_head_layouts["resnet18"]


def test_a_pattern_names_a_module_with_all_that_is_in_it(resnet18: StateLayout) -> None:
    plan = freeze_plan(resnet18, custom("layer4"))
    blocks = freeze_plan(resnet18, FreezeMode(kind="last_blocks", num_blocks=1))

    assert plan.trainable == blocks.trainable
    assert plan.train_modules == blocks.train_modules == ("layer4", "fc")
    assert plan.mode == "custom"


def test_a_star_stops_at_a_dot_and_two_do_not(resnet18: StateLayout) -> None:
    one = set(freeze_plan(resnet18, custom("layer*.0.bn1")).trainable)
    two = set(freeze_plan(resnet18, custom("**.bias")).trainable)

    assert one == {f"layer{n}.0.bn1.{p}" for n in range(1, 5) for p in ("weight", "bias")} | {
        "fc.weight",
        "fc.bias",
    }
    assert two == {t.name for t in resnet18.tensors if t.name.endswith(".bias")} | {"fc.weight"}


def test_exceptions_count_for_the_head_too(resnet18: StateLayout) -> None:
    plan = freeze_plan(resnet18, custom("layer4", frozen=("layer4.0", "fc.bias")))

    assert "fc.weight" in plan.trainable
    assert "fc.bias" not in plan.trainable
    assert not [name for name in plan.trainable if name.startswith("layer4.0.")]
    assert plan.train_modules == ("layer4.1",)


def test_what_trains_in_part_is_in_training_mode_where_it_trains_whole(
    resnet18: StateLayout,
) -> None:
    """A batch norm whose weights are frozen keeps its statistics."""
    plan = freeze_plan(resnet18, custom("layer4.0.conv1", "layer4.0.bn1"), "batch_statistics")

    assert plan.train_modules == ("layer4.0.bn1", "layer4.0.conv1", "fc")
    assert plan.frozen_norms == ()


@pytest.mark.parametrize("pattern", ["layer5", "layer4.**.alpha", "layer"])
def test_a_pattern_that_names_nothing_is_refused_with_what_there_is(
    resnet18: StateLayout, pattern: str
) -> None:
    with pytest.raises(InvalidRequest) as caught:
        freeze_plan(resnet18, custom(pattern))

    assert repr(pattern) in caught.value.message
    assert "the model's modules are 'conv1', 'bn1', 'layer1'" in caught.value.message


def test_nothing_left_to_train_is_refused(resnet18: StateLayout) -> None:
    with pytest.raises(InvalidRequest, match="nothing that trains"):
        freeze_plan(resnet18, custom(frozen=("fc",)))


def test_patterns_that_take_long_to_match_are_refused(resnet18: StateLayout) -> None:
    with pytest.raises(InvalidRequest, match="wildcards"):
        freeze_plan(resnet18, custom("**a**a**a"))


def test_every_parameter_can_be_named_and_is_then_the_only_one(
    new_head_layouts: dict[str, StateLayout],
) -> None:
    for name, layout in new_head_layouts.items():
        head = set(freeze_plan(layout, FROZEN).trainable)
        backbone = [t.name for t in layout.of_role("backbone") if not t.is_buffer]
        chosen = backbone[len(backbone) // 2]

        plan = freeze_plan(layout, custom(chosen))

        assert set(plan.trainable) == head | {chosen}, name
        assert plan.num_trainable_parameters + plan.num_frozen_parameters == layout.num_parameters


def test_the_widest_pattern_trains_what_full_does(
    new_head_layouts: dict[str, StateLayout],
) -> None:
    for name, layout in new_head_layouts.items():
        assert (
            freeze_plan(layout, custom("**")).trainable
            == freeze_plan(layout, FreezeMode()).trainable
        ), name


def test_norm_only_trains_every_norm_and_nothing_else_of_the_backbone(
    new_head_layouts: dict[str, StateLayout],
) -> None:
    """Read off the modules' types, which the plan does not see."""
    names = ["resnet18", "vit_b_16", "swin_t", "convnext_tiny", "densenet121", "maxvit_t"]
    for name in names:
        layout = new_head_layouts[name]
        recipe = Recipe(builder=f"torchvision/{name}")
        modules = template(recipe).module.named_modules()
        norms = {path for path, each in modules if "Norm" in type(each).__name__}
        head = set(layout.head_modules)
        expected = {
            tensor.name
            for tensor in layout.of_role("backbone")
            if not tensor.is_buffer and tensor.name.rpartition(".")[0] in norms
        }

        plan = freeze_plan(layout, NORM_ONLY)

        assert {t for t in plan.trainable if not _lies(t, head)} == expected != set(), name
        assert set(plan.train_modules) == head, name
        assert plan.norm == "frozen_statistics", name


def test_norms_of_a_new_head_have_no_statistics_worth_keeping() -> None:
    """Those of the backbone stay where they are."""
    layout = template(recipe_of("resnet18", SegmentationTask(num_classes=3))).layout
    backbone = {tensor.name for tensor in layout.of_role("backbone")}
    new = [path for path in batch_norms(layout) if f"{path}.running_mean" not in backbone]

    plan = freeze_plan(layout, FreezeMode(), "frozen_statistics")

    assert new
    assert not set(new) & set(plan.frozen_norms)
    assert set(plan.frozen_norms) | set(new) == set(batch_norms(layout))


@pytest.mark.parametrize(
    ("kind", "norm"),
    [
        ("full", "batch_statistics"),
        ("scratch", "batch_statistics"),
        ("frozen_backbone", "frozen_statistics"),
        ("norm_only", "frozen_statistics"),
        ("gradual", "frozen_statistics"),
    ],
)
def test_the_usual_norm_policy_follows_from_the_mode(
    resnet18: StateLayout, kind: str, norm: str
) -> None:
    assert freeze_plan(resnet18, FreezeMode(kind=kind)).norm == norm


@pytest.mark.parametrize(
    ("mode", "norm", "message"),
    [
        (NORM_ONLY, "batch_statistics", "contradicts norm_only"),
        (FreezeMode(kind="full", steps=(UnfreezeStep(),)), "", "means nothing for 'full'"),
        (FreezeMode(kind="gradual", trainable_patterns=("x",)), "", "means nothing for 'gradual'"),
    ],
)
def test_what_contradicts_a_mode_is_refused(
    resnet18: StateLayout, mode: FreezeMode, norm: str, message: str
) -> None:
    with pytest.raises(InvalidRequest, match=message):
        freeze_plan(resnet18, mode, norm)


def test_modes_are_read_from_words() -> None:
    assert freeze_mode_of("gradual") == GRADUAL
    assert freeze_mode_of("norm_only") == NORM_ONLY
    with pytest.raises(InvalidRequest, match="patterns"):
        freeze_mode_of("custom")


def gradual(*steps: UnfreezeStep) -> FreezeMode:
    return FreezeMode(kind="gradual", steps=steps)


def test_every_mode_but_gradual_has_one_phase(resnet18: StateLayout) -> None:
    (phase,) = freeze_phases(resnet18, FreezeMode(), "", 1)

    assert phase.step is None
    assert phase.plan == freeze_plan(resnet18, FreezeMode())


def test_a_gradual_training_starts_with_the_head_and_ends_with_everything(
    new_head_layouts: dict[str, StateLayout],
) -> None:
    for name, layout in new_head_layouts.items():
        phases = freeze_phases(layout, GRADUAL, "", 9)
        plans = [phase.plan for phase in phases]

        assert [phase.step.after_epochs for phase in phases if phase.step] == [3, 6], name
        assert (
            plans[0].trainable == freeze_plan(layout, FreezeMode(kind="frozen_backbone")).trainable
        )
        assert plans[2].trainable == freeze_plan(layout, FreezeMode()).trainable, name
        assert all(_grows(a, b) for a, b in pairwise(plans)), name
        assert {plan.mode for plan in plans} == {"gradual"}
        assert {plan.norm for plan in plans} == {"frozen_statistics"}


def test_steps_of_its_own_are_taken_in_order(resnet18: StateLayout) -> None:
    mode = gradual(UnfreezeStep(after_steps=10, num_blocks=2), UnfreezeStep(after_plateau_epochs=2))

    first, second, third = freeze_phases(resnet18, mode, "batch_statistics", 5)

    assert first.plan.train_modules == ("fc",)
    assert second.plan.train_modules == ("layer3", "layer4", "fc")
    assert third.plan.train_modules == ("",)
    assert third.plan.frozen_norms == ()


@pytest.mark.parametrize(
    ("steps", "num_epochs", "message"),
    [
        ((), 2, "3 phases and the training 2 epochs"),
        ((UnfreezeStep(num_blocks=1),), 5, r"steps\[0\]: one of after_epochs"),
        ((UnfreezeStep(after_epochs=1, after_steps=1),), 5, "2 are given"),
        ((UnfreezeStep(after_epochs=5),), 5, "after_epochs 5 of 5 epochs never comes"),
        (
            (UnfreezeStep(after_epochs=2, num_blocks=1), UnfreezeStep(after_epochs=1)),
            5,
            "after_epochs 2, 1 do not grow",
        ),
        (
            (
                UnfreezeStep(after_epochs=1, num_blocks=2),
                UnfreezeStep(after_epochs=2, num_blocks=1),
            ),
            5,
            r"steps\[1\]: num_blocks 1 lets nothing new train",
        ),
        ((UnfreezeStep(after_epochs=1, num_blocks=9),), 5, "stem, layer1, layer2, layer3, layer4"),
        ((UnfreezeStep(after_epochs=1, lr_scale=-1.0),), 5, "lr_scale"),
    ],
)
def test_steps_that_cannot_be_taken_are_refused(
    resnet18: StateLayout, steps: tuple[UnfreezeStep, ...], num_epochs: int, message: str
) -> None:
    with pytest.raises(InvalidRequest, match=message):
        freeze_phases(resnet18, gradual(*steps), "", num_epochs)


def test_a_mode_with_steps_and_patterns_reads_back_equal() -> None:
    for mode in (gradual(UnfreezeStep(after_steps=3)), custom("layer4", frozen=("fc.bias",))):
        assert FreezeMode.from_json(mode.to_json()) == mode


def _grows(before: FreezePlan, after: FreezePlan) -> bool:
    return set(before.trainable) < set(after.trainable)


def _lies(name: str, modules: set[str]) -> bool:
    return any(is_inside(name, module) for module in modules)

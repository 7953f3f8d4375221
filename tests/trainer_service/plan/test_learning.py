"""What a plan says of loss, length, preprocessing, outputs, parts of a batch and feature cache."""

from dataclasses import replace
from typing import Any

import pytest

from catalog_service.errors import InvalidRequest
from catalog_service.models.contracts import InputContract, OutputContract
from catalog_service.models.freeze_mode import FreezeMode, UnfreezeStep
from catalog_service.models.spec import ModelSpec
from catalog_service.models.tasks import (
    DetectionTask,
    FeaturesTask,
    RegressionTask,
    SegmentationTask,
)
from tests.trainer_service.plan.test_train_plan import INPUT, LAYOUT, OUTPUT
from trainer_service.api.plan_wire import plan_message
from trainer_service.datasets.inspect import DatasetSummary
from trainer_service.jobs import (
    AugmentationStep,
    ClassWeights,
    DatasetSpec,
    EarlyStopping,
    FeatureCacheSpec,
    JobSpec,
    LossSpec,
    PreprocessingSpec,
    ScheduleSpec,
    SimClrSpec,
    TrainPlan,
)
from trainer_service.plan import train_plan
from trainer_service.plan.epoch_steps import part_sizes

FROZEN = FreezeMode(kind="frozen_backbone")
FEATURES = ModelSpec(backbone="tiny", task=FeaturesTask(output="pooled"))


def plan_of(
    *,
    layout: Any = LAYOUT,
    contract: InputContract = INPUT,
    output: OutputContract = OUTPUT,
    summary: dict[str, Any] | None = None,
    **changes: Any,
) -> TrainPlan:
    """Plan two epochs of 30 images, 20 of one class and 10 of the other, in batches of 10."""
    plain: dict[str, Any] = {
        "model": ModelSpec(backbone="tiny"),
        "freeze": FreezeMode(),
        "dataset": DatasetSpec(kind="bundled_digits"),
        "num_epochs": 2,
        "batch_size": 10,
    }
    facts: dict[str, Any] = {
        "class_names": ("a", "b"),
        "num_train_images": 30,
        "num_validation_images": 4,
        "num_images_per_class": (20, 10),
    }
    data = DatasetSummary(**facts | (summary or {}))
    return train_plan(JobSpec(**plain | changes), layout, contract, output, data)


def weights(rule: str, **given: Any) -> LossSpec:
    return LossSpec(class_weights=ClassWeights(rule=rule, **given))  # type: ignore[arg-type]


def test_balanced_weights_are_inverse_frequencies_of_mean_one() -> None:
    found = plan_of(loss=weights("balanced")).loss.class_weights.weights

    assert found == pytest.approx((0.75, 1.5))
    assert (20 * found[0] + 10 * found[1]) / 30 == pytest.approx(1)


def test_effective_weights_are_those_of_the_paper() -> None:
    found = plan_of(loss=weights("effective")).loss.class_weights.weights

    assert found[1] / found[0] == pytest.approx((1 - 0.999**20) / (1 - 0.999**10))


def test_binary_losses_weigh_negatives_over_positives() -> None:
    loss = replace(weights("balanced"), kind="bce")

    assert plan_of(loss=loss).loss.class_weights.weights == pytest.approx((0.5, 2.0))


@pytest.mark.parametrize("count", [0, 30])
def test_a_class_of_no_image_or_of_all_weighs_1_in_binary_losses(count: int) -> None:
    loss = replace(weights("balanced"), kind="bce")

    planned = plan_of(loss=loss, summary={"num_images_per_class": (10, count)})

    assert planned.loss.class_weights.weights == pytest.approx((2.0, 1.0))


def test_a_class_without_images_has_no_weight_and_a_warning() -> None:
    planned = plan_of(loss=weights("balanced"), summary={"num_images_per_class": (30, 0)})

    assert planned.loss.class_weights.weights == (1.0, 0.0)
    assert "1 of 2 classes have no training image" in planned.warnings


@pytest.mark.parametrize(
    ("loss", "message"),
    [
        (weights("explicit", weights=(1.0,)), "1 weights for 2 classes"),
        (weights("balanced"), "give the weights themselves"),
    ],
)
def test_class_weights_that_do_not_fit_the_data_are_refused(loss: LossSpec, message: str) -> None:
    counts = (20, 10) if loss.class_weights.rule == "explicit" else ()

    with pytest.raises(InvalidRequest, match=message):
        plan_of(loss=loss, summary={"num_images_per_class": counts})


@pytest.mark.parametrize(
    ("model", "task", "loss", "metric"),
    [
        (ModelSpec(backbone="tiny"), "classification", "cross_entropy", ("accuracy", True)),
        (
            ModelSpec(backbone="tiny", task=SegmentationTask(num_classes=2)),
            "segmentation",
            "cross_entropy",
            ("iou", True),
        ),
        (
            ModelSpec(backbone="tiny", task=DetectionTask(num_classes=2)),
            "detection",
            "detector",
            ("map", True),
        ),
    ],
)
def test_every_task_has_a_usual_loss_and_a_main_metric(
    model: ModelSpec, task: str, loss: str, metric: tuple[str, bool]
) -> None:
    planned = plan_of(model=model)

    assert (planned.task, planned.loss.kind) == (task, loss)
    assert (planned.main_metric, planned.main_metric_grows) == metric


def test_early_stopping_names_the_metric_that_says_which_epoch_is_best() -> None:
    planned = plan_of(early_stopping=EarlyStopping(metric="loss"))

    assert (planned.main_metric, planned.main_metric_grows) == ("loss", False)


def test_steps_instead_of_epochs_end_the_last_epoch_early() -> None:
    planned = plan_of(num_epochs=0, num_steps=7)

    assert planned.num_steps_per_epoch == 3
    assert (planned.num_steps, planned.num_epochs) == (7, 3)


def test_the_plan_says_how_often_there_is_a_validation() -> None:
    planned = plan_of(num_epochs=9, validation_every_epochs=4)

    assert planned.validation_every_epochs == 4
    assert plan_message(planned).validation_every_epochs == 4


def test_warm_up_is_counted_in_steps() -> None:
    assert plan_of(schedule=ScheduleSpec(warmup_epochs=0.5)).warmup_steps == 2
    assert plan_of(schedule=ScheduleSpec(warmup_steps=5)).warmup_steps == 5
    with pytest.raises(InvalidRequest, match="6 steps does not end within the 6 steps"):
        plan_of(schedule=ScheduleSpec(warmup_steps=6))


@pytest.mark.parametrize("field", ["warmup_steps", "warmup_epochs"])
def test_warm_up_without_an_end_is_refused_where_it_was_asked_for(field: str) -> None:
    with pytest.raises(InvalidRequest) as caught:
        plan_of(schedule=ScheduleSpec(**{field: 6}))  # type: ignore[arg-type]

    assert [each.field for each in caught.value.violations] == [f"spec.schedule.{field}"]


def test_a_phase_that_never_comes_is_refused() -> None:
    mode = FreezeMode(kind="gradual", steps=(UnfreezeStep(after_steps=6),))

    with pytest.raises(InvalidRequest, match="after_steps 6 of 6 steps never comes"):
        plan_of(freeze=mode)


def test_the_plan_is_that_of_its_first_phase() -> None:
    mode = FreezeMode(kind="gradual", steps=(UnfreezeStep(after_epochs=1),))
    planned = plan_of(freeze=mode)

    assert [phase.after_epochs for phase in planned.phases] == [0, 1]
    assert planned.phases[0].freeze == planned.freeze
    assert planned.phases[0].optimizer_groups == planned.optimizer_groups
    assert planned.phases[1].freeze.num_frozen_parameters == 0


def test_a_last_batch_of_one_is_dropped_where_any_phase_trains_a_batch_norm() -> None:
    """Every epoch has as many steps as the next one."""
    mode = FreezeMode(kind="gradual", steps=(UnfreezeStep(after_epochs=1),))
    summary = {"num_train_images": 31}

    still = plan_of(freeze=mode, summary=summary)
    moving = plan_of(freeze=mode, norm="batch_statistics", summary=summary)

    assert (still.num_steps_per_epoch, moving.num_steps_per_epoch) == (4, 3)


@pytest.mark.parametrize(
    ("size", "most", "parts"),
    [(10, 0, (10,)), (10, 4, (4, 3, 3)), (10, 10, (10,)), (3, 2, (2, 1)), (7, 1, (1,) * 7)],
)
def test_parts_of_a_batch_are_as_even_as_can_be(
    size: int, most: int, parts: tuple[int, ...]
) -> None:
    assert part_sizes(size, most) == parts


def test_parts_of_one_image_are_refused_where_a_batch_norm_trains() -> None:
    with pytest.raises(InvalidRequest, match="parts of one image"):
        plan_of(micro_batch_size=1)

    assert plan_of(micro_batch_size=1, freeze=FROZEN).micro_batch_size == 1
    assert plan_of().micro_batch_size == 10


def test_parts_are_told_to_batch_norms() -> None:
    (warning,) = plan_of(micro_batch_size=5).warnings
    (other,) = plan_of(
        batch_size=30, micro_batch_size=16, summary={"num_train_images": 60}
    ).warnings

    assert "batch norms train on the statistics of 5 images" in warning
    assert "not of the whole batch of 30" in other


def test_the_weights_own_preprocessing_is_kept_unless_a_spec_says_otherwise() -> None:
    own = replace(INPUT, resize_shorter_side_px=10)

    assert plan_of(contract=own).input == own
    changed = plan_of(
        contract=own,
        preprocessing=PreprocessingSpec(fit="stretch", interpolation="bicubic", mean=(0.0,) * 3),
    ).input
    assert (changed.resize_shorter_side_px, changed.interpolation) == (0, "bicubic")
    assert (changed.mean, changed.std) == ((0.0,) * 3, own.std)


def test_a_crop_keeps_the_weights_ratio() -> None:
    crop = PreprocessingSpec(fit="crop")

    own = plan_of(contract=replace(INPUT, resize_shorter_side_px=12), preprocessing=crop).input
    usual = plan_of(contract=replace(INPUT, height_px=224, width_px=224), preprocessing=crop).input

    assert own.resize_shorter_side_px == 12
    assert usual.resize_shorter_side_px == 256


@pytest.mark.parametrize(
    ("contract", "spec", "message"),
    [
        (INPUT, PreprocessingSpec(fit="crop", resize_shorter_side_px=4), "is less than"),
        (
            replace(INPUT, is_image_list=True),
            PreprocessingSpec(fit="stretch"),
            "detectors resize and normalise images themselves",
        ),
    ],
)
def test_preprocessing_that_cannot_be_is_refused(
    contract: InputContract, spec: PreprocessingSpec, message: str
) -> None:
    with pytest.raises(InvalidRequest, match=message):
        plan_of(contract=contract, preprocessing=spec)


def test_images_of_a_batch_have_one_size() -> None:
    """A segmentation model's contract follows the image; images of one batch cannot."""
    whole = replace(INPUT, keeps_whole_image=True, resize_shorter_side_px=520)

    found = plan_of(contract=whole).input

    assert not found.keeps_whole_image
    assert found.resize_shorter_side_px == 0


def test_detectors_have_a_background_that_the_data_does_not_know() -> None:
    output = OutputContract(kind="detections", shape=(-1,))

    assert plan_of(output=output).output.class_names == ("__background__", "a", "b")


def test_targets_are_standardised_by_the_training_images() -> None:
    model = ModelSpec(backbone="tiny", task=RegressionTask(num_targets=2))
    summary = {
        "num_images_per_class": (),
        "target_mean": (1.0, 2.0),
        "target_std": (0.5, 0.0),
    }

    output = plan_of(model=model, output=OutputContract(shape=(2,)), summary=summary).output

    assert output.target_names == ("a", "b")
    assert output.target_mean == (1.0, 2.0)
    assert output.target_std == (0.5, 1.0)


def test_a_frozen_backbone_is_computed_once() -> None:
    cache = plan_of(freeze=FROZEN).feature_cache

    assert cache.is_used
    assert cache.boundary == ("fc",)
    assert cache.num_views == 1


@pytest.mark.parametrize(
    ("changes", "reason"),
    [
        ({}, "first stage trains"),
        ({"freeze": FROZEN, "augmentation": (AugmentationStep(kind="shift"),)}, "num_views"),
        (
            {
                "freeze": FROZEN,
                "model": ModelSpec(backbone="tiny", task=DetectionTask(num_classes=2)),
            },
            "padded together",
        ),
    ],
)
def test_what_cannot_be_kept_says_why_and_is_refused_where_required(
    changes: dict[str, Any], reason: str
) -> None:
    cache = plan_of(**changes).feature_cache

    assert not cache.is_used
    assert reason in cache.reason
    with pytest.raises(InvalidRequest, match="REQUIRED"):
        plan_of(feature_cache=FeatureCacheSpec(policy="required"), **changes)


def test_views_of_augmented_images_are_kept_on_request() -> None:
    cache = plan_of(
        freeze=FROZEN,
        augmentation=(AugmentationStep(kind="shift"),),
        feature_cache=FeatureCacheSpec(num_views=4),
    ).feature_cache

    assert (cache.is_used, cache.num_views) == (True, 4)


def test_the_cache_can_be_left_out() -> None:
    spec = FeatureCacheSpec(policy="never")

    assert plan_of(freeze=FROZEN, feature_cache=spec).feature_cache.is_used is False


def test_simclr_counts_what_it_throws_away() -> None:
    planned = plan_of(
        model=FEATURES,
        simclr=SimClrSpec(projection_units=(6, 3)),
        output=OutputContract(kind="features", shape=(4,)),
        summary={"num_images_per_class": (), "class_names": (), "has_labels": False},
    )
    groups = {group.name: group.num_parameters for group in planned.optimizer_groups}
    projected = [count for name, count in groups.items() if name.startswith("projection")]

    assert (planned.task, planned.loss.kind) == ("simclr", "nt_xent")
    assert planned.num_auxiliary_parameters == sum(projected) > 0
    assert not set(planned.freeze.trainable) & {"projection.0.weight"}


def test_simclr_compares_at_least_two_images() -> None:
    output = OutputContract(kind="features", shape=(4,))
    with pytest.raises(InvalidRequest, match="SimCLR compares"):
        plan_of(model=FEATURES, simclr=SimClrSpec(), output=output, batch_size=1, freeze=FROZEN)

    last_one = plan_of(
        model=FEATURES,
        simclr=SimClrSpec(),
        output=output,
        norm="frozen_statistics",
        summary={"num_train_images": 31},
    )
    assert last_one.num_steps_per_epoch == 3


def test_what_leaves_nothing_to_train_is_refused() -> None:
    backbone = tuple(tensor for tensor in LAYOUT.tensors if tensor.role == "backbone")
    layout = replace(LAYOUT, tensors=backbone, head_modules=(), replaced_modules=())

    with pytest.raises(InvalidRequest, match="nothing that trains"):
        plan_of(
            layout=layout,
            model=FEATURES,
            simclr=SimClrSpec(),
            freeze=FROZEN,
            output=OutputContract(kind="features", shape=(4,)),
        )


def test_norms_alone_of_a_backbone_without_norms_is_worth_a_warning() -> None:
    tensors = tuple(tensor for tensor in LAYOUT.tensors if not tensor.name.startswith("bn."))
    mode = FreezeMode(kind="norm_only")

    (warning,) = plan_of(freeze=mode, layout=replace(LAYOUT, tensors=tensors)).warnings

    assert "trains the head alone" in warning
    assert plan_of(freeze=mode).warnings == ()

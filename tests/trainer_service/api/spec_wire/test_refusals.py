"""What a spec may not say, by field; and what it means where it says nothing."""

from typing import Any

import pytest
from google.protobuf import json_format

from catalog_service.errors import InvalidRequest
from catalog_service.models.freeze_mode import UnfreezeStep
from catalog_service.models.tasks import FeaturesTask
from trainer_service.api.spec_wire import spec_of
from trainer_service.jobs import JobSpec
from trainer_service.jobs.learning_spec import SHIFT, SIMCLR_STEPS
from trainer_service.jobs.run_spec import DEFAULT_MAX_FAILURES, UNLIMITED
from vertebra.trainer.v1 import train_job_pb2 as pb

SEGMENTATION = {"model": {"backbone": "resnet18", "segmentation": {"num_classes": 3}}}
REGRESSION = {"model": {"backbone": "resnet18", "regression": {"num_targets": 1}}}
DETECTION = {"model": {"backbone": "resnet18", "detection": {"num_classes": 1}}}
FOLDER = {"path": "/d"}


def message_of(**changes: Any) -> pb.TrainJobSpec:
    """Return a spec that is accepted, but for these fields."""
    plain = {
        "model": {"backbone": "resnet18"},
        "dataset": {"bundled_digits": {}},
        "num_epochs": 2,
    }
    return json_format.ParseDict(plain | changes, pb.TrainJobSpec())


def read(**changes: Any) -> JobSpec:
    """Return what these fields mean."""
    return spec_of(message_of(**changes))


REFUSED = [
    ({"num_epochs": 0}, "num_epochs"),
    ({"num_epochs": 0, "num_steps": -1}, "num_steps"),
    ({"num_steps": 5}, "num_steps"),
    ({"num_epochs": 0, "num_steps": 2**31}, "num_steps"),
    ({"validation_every_epochs": -1}, "validation_every_epochs"),
    ({"batch_size": 8, "micro_batch_size": 9}, "micro_batch_size"),
    ({"max_grad_norm": -1.0}, "max_grad_norm"),
    ({"precision": 9}, "precision"),
    ({"compile": 9}, "compile"),
    ({"freeze": {"norm_only": {}, "norm": "NORM_POLICY_BATCH_STATISTICS"}}, "freeze.norm"),
    ({"freeze": {"scratch": {}, "norm": "NORM_POLICY_RECALIBRATE"}}, "freeze.norm"),
    ({"freeze": {"gradual": {"steps": [{"num_blocks": 1}]}}}, "freeze.gradual.steps[0]"),
    ({"freeze": {"gradual": {"steps": [{"after_epochs": -1}]}}}, "freeze.gradual.steps[0]"),
    ({"freeze": {"custom": {"trainable": ["*" * 20]}}}, "freeze.custom.trainable"),
    ({"freeze": {"custom": {"frozen": [""]}}}, "freeze.custom.frozen"),
    ({"loss": {"kind": "KIND_DICE"}}, "loss.kind"),
    ({"loss": {"kind": "KIND_MSE"}}, "loss.kind"),
    (REGRESSION | {"loss": {"kind": "KIND_CROSS_ENTROPY"}}, "loss.kind"),
    (REGRESSION | {"loss": {"label_smoothing": 0.1}}, "loss.label_smoothing"),
    (REGRESSION | {"loss": {"class_weights": {"weights": [1]}}}, "loss.class_weights"),
    (DETECTION | {"loss": {"kind": "KIND_BCE"}}, "loss.kind"),
    (SEGMENTATION | {"loss": {"label_smoothing": 1.5}}, "loss.label_smoothing"),
    ({"loss": {"ignore_index": 0}}, "loss.ignore_index"),
    ({"loss": {"class_weights": {"rule": "RULE_EXPLICIT"}}}, "loss.class_weights.weights"),
    ({"loss": {"class_weights": {"weights": [-1.0]}}}, "loss.class_weights.weights"),
    (
        {"loss": {"class_weights": {"rule": "RULE_BALANCED", "weights": [1.0]}}},
        "loss.class_weights.weights",
    ),
    ({"optimizer": {"momentum": 0.5}}, "optimizer.momentum"),
    ({"optimizer": {"layer_decay": 1.5}}, "optimizer.layer_decay"),
    ({"optimizer": {"backbone_lr_ratio": -1}}, "optimizer.backbone_lr_ratio"),
    ({"schedule": {"final_lr_ratio": 0.5}}, "schedule.final_lr_ratio"),
    ({"schedule": {"warmup_steps": 1, "warmup_epochs": 1}}, "schedule.warmup_epochs"),
    ({"early_stopping": {}}, "early_stopping.patience_epochs"),
    ({"early_stopping": {"patience_epochs": 1, "metric": "iou"}}, "early_stopping.metric"),
    ({"preprocessing": {"std": [0.0, 1.0, 1.0]}}, "preprocessing.std"),
    ({"preprocessing": {"mean": [0.5]}}, "preprocessing.mean"),
    ({"preprocessing": {"interpolation": "magic"}}, "preprocessing.interpolation"),
    (
        {"preprocessing": {"resize_shorter_side_px": 8}},
        "preprocessing.resize_shorter_side_px",
    ),
    ({"feature_cache": {"num_views": -1}}, "feature_cache.num_views"),
    ({"augmentation_steps": [{}]}, "augmentation_steps[0]"),
    (
        {"augmentation_steps": [{"rotation": {}}]},
        "augmentation_steps[0].rotation.max_degrees",
    ),
    ({"augmentation_steps": [{"color_jitter": {}}]}, "augmentation_steps[0].color_jitter"),
    (
        {"augmentation": "AUGMENTATION_SHIFT", "augmentation_steps": [{"shift": {}}]},
        "augmentation",
    ),
    ({"simclr": {}, "augmentation": "AUGMENTATION_NONE"}, "augmentation"),
    ({"simclr": {"temperature": -1}}, "simclr.temperature"),
    (SEGMENTATION | {"simclr": {}}, "model.segmentation"),
    ({"model": {"backbone": "resnet18", "features": {}}}, "model.features"),
    (
        {"model": {"backbone": "resnet18", "features": {"output": "pyramid"}}, "simclr": {}},
        "model.features.output",
    ),
    ({"labels": {"two words": "x"}}, "labels"),
    ({"labels": {"": "x"}}, "labels"),
    ({"labels": {"team": "x" * 64}}, "labels"),
    ({"labels": {f"l{number}": "" for number in range(65)}}, "labels"),
    ({"run": {"priority": 1001}}, "run.priority"),
    ({"run": {"num_devices": -1}}, "run.num_devices"),
    ({"run": {"engine": 9}}, "run.engine"),
    ({"run": {"max_failures": -1}}, "run.max_failures"),
    ({"run": {"max_preemptions": -2}}, "run.max_preemptions"),
    ({"run": {"time_limit": "0s"}}, "run.time_limit"),
    ({"run": {"snapshot_interval": "0.5s"}}, "run.snapshot_interval"),
    ({"dataset": {"csv": {}}}, "dataset.csv.path"),
    ({"dataset": {"csv": {"path": "d.csv"}}}, "dataset.csv.path"),
    ({"dataset": {"coco": {"annotations_path": "/a"}}}, "dataset.coco.images_path"),
    (
        {"dataset": {"coco": {"annotations_path": "/a", "images_path": "/i",
                              "validation_images_path": "/v"}}},
        "dataset.coco.validation_annotations_path",
    ),
    ({"dataset": {"torchvision": {"path": "/d"}}}, "dataset.torchvision.name"),
    ({"dataset": {"image_folder": FOLDER, "data_ratio": 1.5}}, "dataset.data_ratio"),
    (
        {"dataset": {"image_folder": FOLDER, "max_unusable_ratio": 1}},
        "dataset.max_unusable_ratio",
    ),
    ({"dataset": {"drawn_scenes": {"side_px": 5000}}}, "dataset.drawn_scenes.side_px"),
    (
        {"model": {"backbone": "resnet18", "pretrained": False}, "freeze": {"custom": {}}},
        "model.allow_frozen_random",
    ),
]  # fmt: skip


@pytest.mark.parametrize(("changes", "field"), REFUSED, ids=lambda value: str(value)[:60])
def test_a_contradiction_is_refused_under_its_field(changes: dict[str, Any], field: str) -> None:
    with pytest.raises(InvalidRequest) as caught:
        read(**changes)

    assert [one.field for one in caught.value.violations] == [f"spec.{field}"]


def test_every_epoch_is_validated_unless_the_spec_says_otherwise() -> None:
    assert read().validation_every_epochs == 1
    assert read(validation_every_epochs=8).validation_every_epochs == 8


def test_lars_starts_from_the_rate_of_its_paper() -> None:
    usual = read(optimizer={"algorithm": "ALGORITHM_LARS"}).optimizer
    own = read(optimizer={"algorithm": "ALGORITHM_LARS", "lr": 0.5}).optimizer

    assert (usual.lr, usual.lr_rule) == (0.3, "per_256_images")
    assert (usual.weight_decay, usual.momentum) == (1e-6, 0.9)
    assert (own.lr, own.lr_rule) == (0.5, "absolute")


@pytest.mark.parametrize(
    ("mode", "norm"),
    [
        ("full", "batch_statistics"),
        ("scratch", "batch_statistics"),
        ("frozen_backbone", "frozen_statistics"),
        ("gradual", "frozen_statistics"),
        ("norm_only", "frozen_statistics"),
        ("custom", "frozen_statistics"),
    ],
)
def test_norms_train_only_where_the_whole_backbone_does(mode: str, norm: str) -> None:
    assert read(freeze={mode: {}}).norm == norm


def test_simclr_trains_pooled_features_on_the_views_of_its_paper() -> None:
    spec = read(simclr={})

    assert spec.kind == "simclr"
    assert spec.model.task == FeaturesTask(output="pooled")
    assert spec.augmentation == SIMCLR_STEPS
    assert spec.simclr is not None
    assert spec.simclr.temperature == 0.5


def test_early_stopping_exports_the_best_epoch() -> None:
    assert read(early_stopping={"patience_epochs": 2}).export.state == "best"
    assert read().export.state == "last"


def test_the_usual_loss_is_spelled_out() -> None:
    assert read().loss.kind == "cross_entropy"
    assert read(**REGRESSION).loss.kind == "smooth_l1"
    assert read(**SEGMENTATION).loss.kind == "cross_entropy"
    assert read(**DETECTION).loss.kind == ""


def test_multilabel_segmentation_has_binary_losses_alone() -> None:
    model = {"backbone": "resnet18", "segmentation": {"num_classes": 3, "multilabel": True}}

    assert read(model=model).loss.kind == "bce"
    with pytest.raises(InvalidRequest, match="cross_entropy"):
        read(model=model, loss={"kind": "KIND_CROSS_ENTROPY"})


def test_steps_without_numbers_get_the_usual_ones() -> None:
    steps = read(
        augmentation_steps=[{"horizontal_flip": {}}, {"grayscale": {}}, {"gaussian_blur": {}}]
    ).augmentation
    mode = read(freeze={"gradual": {"steps": [{"after_epochs": 1}]}}).freeze

    assert [step.probability for step in steps] == [0.5, 0.2, 0.5]
    assert steps[2].sigma_px == (0.1, 2.0)
    assert mode.steps == (UnfreezeStep(after_epochs=1, num_blocks=0, lr_scale=0.1),)


def test_one_bound_of_a_range_leaves_the_other_one_as_it_is_usually() -> None:
    """Help and page say `random_resized_crop:min_scale=0.2`."""
    crop, blur = read(
        augmentation_steps=[
            {"random_resized_crop": {"min_scale": 0.2, "max_ratio": 2.0}},
            {"gaussian_blur": {"max_sigma_px": 1.0}},
        ]
    ).augmentation

    assert (crop.scale, crop.ratio) == ((0.2, 1.0), (3 / 4, 2.0))
    assert blur.sigma_px == (0.1, 1.0)


def test_the_words_for_augmentation_are_steps() -> None:
    assert read(augmentation="AUGMENTATION_SHIFT").augmentation == SHIFT
    assert read().augmentation == ()


def test_half_of_the_drawn_scenes_judge() -> None:
    assert read(dataset={"drawn_scenes": {}}).dataset.validation_ratio == 0.5
    assert read(dataset={"cluttered_digits": {}}).dataset.drawn.num_images == 500


def test_a_job_runs_on_one_device_of_the_host_unless_it_says_otherwise() -> None:
    run = read().run

    assert (run.num_devices, run.engine, run.priority) == (1, "process", 0)
    assert (run.max_failures, run.max_preemptions) == (DEFAULT_MAX_FAILURES, UNLIMITED)
    assert (run.time_limit_s, run.snapshot_interval_s) == (0.0, 0.0)


def test_no_retries_is_not_the_default() -> None:
    assert read(run={"max_failures": 0}).run.max_failures == 0


def test_labels_are_kept_in_their_order_of_names() -> None:
    assert list(read(labels={"b": "2", "a": ""}).labels.items()) == [("a", ""), ("b", "2")]

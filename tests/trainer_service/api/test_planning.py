"""What data and host say about a spec: names of outputs, what the device can, what has frames."""

from dataclasses import replace
from uuid import uuid4

import pytest
from google.protobuf import json_format

from catalog_service.errors import InvalidRequest
from catalog_service.models.spec import ModelSpec
from catalog_service.models.tasks import (
    ClassificationTask,
    DetectionTask,
    FeaturesTask,
    KeypointsTask,
    RegressionTask,
    SegmentationTask,
    Task,
)
from tests.fakes.job_values import INPUT
from trainer_service.api.data_names import named_by_data
from trainer_service.datasets.inspect import DatasetSummary
from vertebra.trainer.v1 import train_job_service_pb2 as pb

SUMMARY = DatasetSummary(
    class_names=("cat", "dog"),
    num_train_images=8,
    num_validation_images=2,
    num_images_per_class=(4, 4),
    keypoint_names=("nose", "tail"),
)
NAMELESS = replace(SUMMARY, class_names=(), keypoint_names=())


def named(task: Task | None, summary: DatasetSummary = SUMMARY) -> Task | None:
    return named_by_data(ModelSpec(backbone="resnet18", task=task), summary).task


@pytest.mark.parametrize(
    ("task", "expected"),
    [
        (None, ClassificationTask(class_names=("cat", "dog"))),
        (SegmentationTask(head="fcn"), SegmentationTask(head="fcn", class_names=("cat", "dog"))),
        (DetectionTask(), DetectionTask(class_names=("cat", "dog"))),
        (DetectionTask(num_classes=2), DetectionTask(num_classes=2)),
        (RegressionTask(), RegressionTask(target_names=("cat", "dog"))),
        (
            KeypointsTask(),
            KeypointsTask(keypoint_names=("nose", "tail"), class_names=("cat", "dog")),
        ),
        (FeaturesTask(output="pooled"), FeaturesTask(output="pooled")),
    ],
)
def test_the_head_predicts_what_the_data_holds(task: Task | None, expected: Task) -> None:
    assert named(task) == expected


@pytest.mark.parametrize(
    ("task", "field"),
    [
        (SegmentationTask(), "segmentation.class_names"),
        (DetectionTask(), "detection.class_names"),
        (RegressionTask(), "regression.target_names"),
        (KeypointsTask(), "keypoints.keypoint_names"),
    ],
)
def test_a_head_that_nobody_names_is_refused(task: Task, field: str) -> None:
    with pytest.raises(InvalidRequest) as caught:
        named(task, NAMELESS)

    assert [one.field for one in caught.value.violations] == [f"spec.model.{field}"]


def plan(trainer, **changes):
    spec = trainer.spec()
    json_format.ParseDict(changes, spec)
    return trainer.stub.PlanTrainJob(pb.PlanTrainJobRequest(spec=spec), timeout=60)


def test_16_bit_floats_of_the_short_kind_need_cuda(trainer, refused):
    failure = refused(lambda: plan(trainer, precision="PRECISION_FP16"))

    assert [one.field for one in failure.violations] == ["spec.precision"]
    assert plan(trainer, precision="PRECISION_BF16").spec.precision == 2


def test_a_model_of_clips_is_refused(trainer, refused, monkeypatch):
    describe = trainer.catalog.describe

    async def of_clips(spec):
        return replace(await describe(spec), input=replace(INPUT, num_frames=16))

    monkeypatch.setattr(trainer.catalog, "describe", of_clips)

    failure = refused(lambda: plan(trainer))

    assert [one.field for one in failure.violations] == ["spec.model.backbone"]
    assert "clips of frames" in failure.message


def test_what_the_plan_refuses_names_the_field(trainer, refused):
    custom = {"freeze": {"custom": {"trainable": ["layer9"]}}}
    cached = {"featureCache": {"policy": "POLICY_REQUIRED"}}

    first = refused(lambda: plan(trainer, **custom))
    second = refused(lambda: plan(trainer, **cached))

    assert [one.field for one in first.violations] == ["spec.freeze"]
    assert "'layer1', 'layer2', 'fc'" in first.message
    assert [one.field for one in second.violations] == ["spec.feature_cache.policy"]


def test_everything_that_is_wrong_is_said_at_once(trainer, refused):
    """What the spec shows, what this host cannot do, the data, the model and the name."""
    asked = {
        "batchSize": -1,
        "model": {"backbone": "resnet51"},
        "dataset": {"imageFolder": {"path": "/etc"}},
        "precision": "PRECISION_FP16",
    }

    failure = refused(lambda: plan(trainer, **asked))

    assert failure.reason == "FIELD_INVALID"
    assert {one.field for one in failure.violations} == {
        "spec.batch_size",
        "spec.precision",
        "spec.dataset.image_folder.path",
        "spec.model.backbone",
    }


def test_one_thing_that_is_wrong_keeps_its_own_reason(trainer, refused):
    folder = {"dataset": {"imageFolder": {"path": "/etc"}}}

    assert refused(lambda: plan(trainer, **folder)).reason == "PATH_OUTSIDE_ROOTS"
    unknown = refused(lambda: plan(trainer, model={"backbone": "resnet51"}))
    assert unknown.reason == "ARCHITECTURE_NOT_FOUND"
    assert [one.field for one in unknown.violations] == ["spec.model.backbone"]


def test_wrong_data_is_no_reason_to_ask_for_a_task(trainer, refused, monkeypatch):
    """A registered backbone has no head of its own: the catalog would ask for a task, which a job
    without one has from its data.
    """
    asked, describe = [], trainer.catalog.describe

    async def noted(spec):
        asked.append(spec.task)
        return await describe(spec)

    monkeypatch.setattr(trainer.catalog, "describe", noted)

    refused(lambda: plan(trainer, dataset={"imageFolder": {"path": "/etc"}}))

    assert [type(task) for task in asked] == [ClassificationTask]


def test_data_is_not_looked_at_for_a_model_that_is_wrong_already(trainer, refused):
    asked = {
        "model": {"imageHeightPx": 32},
        "dataset": {"imageFolder": {"path": "/etc"}},
    }

    failure = refused(lambda: plan(trainer, **asked))

    assert {one.field.split(".")[1] for one in failure.violations} == {"model"}


def test_a_job_is_refused_with_all_that_a_plan_finds(trainer, refused):
    spec = trainer.spec(batch_size=-1)
    spec.model.backbone = "resnet51"
    request = pb.CreateTrainJobRequest(spec=spec, request_id=str(uuid4()))

    failure = refused(lambda: trainer.stub.CreateTrainJob(request, timeout=60))

    assert {one.field for one in failure.violations} == {"spec.batch_size", "spec.model.backbone"}


def test_phases_loss_and_cache_are_in_the_answer(trainer):
    planned = plan(
        trainer,
        freeze={"gradual": {"steps": [{"afterEpochs": 1, "lrScale": 0.5}]}},
        loss={"classWeights": {"rule": "RULE_BALANCED"}},
        schedule={"kind": "KIND_COSINE", "warmupEpochs": 0.5},
    ).plan

    assert planned.task == "classification"
    assert (planned.main_metric, planned.main_metric_grows) == ("accuracy", True)
    assert [phase.after_epochs for phase in planned.phases] == [0, 1]
    assert planned.phases[0].freeze == planned.freeze
    rates = {group.name: group.lr for group in planned.phases[1].optimizer_groups}
    assert rates == {"layer1, layer2 weights": 0.0005, "head weights": 0.001}
    assert len(planned.loss.class_weights.weights) == 10
    assert planned.warmup_steps == 22
    assert planned.feature_cache.is_used
    assert list(planned.feature_cache.boundary) == ["fc"]


def test_scenes_are_planned_for_every_task(trainer):
    for task in ("classification", "regression", "segmentation", "detection"):
        answer = plan(trainer, model={task: {}}, dataset={"drawnScenes": {"numImages": 20}})

        assert answer.plan.task == task
        assert answer.plan.num_train_images == 10
        again = trainer.stub.PlanTrainJob(pb.PlanTrainJobRequest(spec=answer.spec), timeout=60)
        assert again == answer

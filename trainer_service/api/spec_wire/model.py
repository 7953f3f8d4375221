"""The model of a TrainJobSpec, and what of it can be trained."""

from dataclasses import replace

from catalog_service.model_wire import spec_from_message
from catalog_service.models.freeze_mode import FreezeMode
from catalog_service.models.spec import ModelSpec
from catalog_service.models.spec_check import check
from catalog_service.models.tasks import (
    ClassificationTask,
    DetectionTask,
    FeaturesTask,
    InstanceSegmentationTask,
    KeypointsTask,
    RegressionTask,
    SegmentationTask,
)
from trainer_service.api.spec_wire.freeze import FREEZES
from trainer_service.api.spec_wire.reader import Reader
from vertebra.trainer.v1 import train_job_pb2 as pb

IMAGE_CHANNELS = 3
"""What `trainer_service/datasets` reads every image as: red, green and blue."""

POOLED = FeaturesTask(output="pooled")
"""What SimCLR trains: the backbone's features, one vector an image."""

NamedTask = ClassificationTask | SegmentationTask | DetectionTask | InstanceSegmentationTask


def read_model(message: pb.TrainJobSpec, freeze: FreezeMode, reader: Reader) -> ModelSpec:
    """Return the model. Class names may still be missing: the data has them."""
    spec = spec_from_message(message.model)
    if spec.task == ClassificationTask():
        spec = replace(spec, task=None)
    spec = _with_features(spec, reader, is_simclr=message.HasField("simclr"))
    _check_is_trained(spec, reader)
    for violation in check(with_some_names(spec)):
        reader.wrong(f"model.{violation.field}", violation.description)
    if freeze.kind == "scratch":
        _check_scratch(spec, reader)
        return replace(spec, pretrained=False)
    _check_frozen_random(spec, freeze, reader)
    return replace(spec, pretrained=spec.is_pretrained)


def _with_features(spec: ModelSpec, reader: Reader, *, is_simclr: bool) -> ModelSpec:
    """Return a spec that gives pooled features where SimCLR trains it, and no features else."""
    task = spec.task
    if not is_simclr:
        if isinstance(task, FeaturesTask):
            why = "features have no targets: set simclr, or a task that has"
            reader.wrong("model.features", why)
        return spec
    if task is None:
        return replace(spec, task=POOLED)
    if not isinstance(task, FeaturesTask):
        reader.wrong(
            f"model.{task.kind}", "contradicts simclr, which trains features; leave it out"
        )
        return spec
    if task.output not in ("", "pooled"):
        why = f"{task.output!r}: simclr compares pooled features; leave it out"
        reader.wrong("model.features.output", why)
    return replace(spec, task=replace(task, output="pooled"))


def _check_is_trained(spec: ModelSpec, reader: Reader) -> None:
    """Find what can be built but not trained."""
    if spec.in_channels not in (0, IMAGE_CHANNELS):
        why = f"{spec.in_channels}: the trainer reads images of {IMAGE_CHANNELS} channels"
        reader.wrong("model.in_channels", why)
    is_segmentation = isinstance(spec.task, SegmentationTask)
    if spec.aux_heads == "keep" and not is_segmentation:
        why = "'keep': auxiliary heads train with segmentation alone; leave it empty"
        reader.wrong("model.aux_heads", why)


def with_some_names(spec: ModelSpec) -> ModelSpec:
    """Return a spec whose task has a class, to be checked: the real ones may come from the data."""
    task = spec.task or ClassificationTask()
    if isinstance(task, NamedTask) and not (task.class_names or task.num_classes):
        return replace(spec, task=replace(task, class_names=("any",)))
    if isinstance(task, RegressionTask) and not task.num_outputs:
        return replace(spec, task=replace(task, target_names=("any",)))
    if isinstance(task, KeypointsTask) and not task.num_points:
        return replace(spec, task=replace(task, keypoint_names=("any",)))
    return spec


def _check_scratch(spec: ModelSpec, reader: Reader) -> None:
    why = "contradicts freeze mode 'scratch', which starts from random numbers"
    if spec.pretrained:
        reader.wrong("model.pretrained", f"true {why}")
    if spec.weights and spec.is_pretrained:
        reader.wrong("model.weights", f"{spec.weights!r} {why}")


def _check_frozen_random(spec: ModelSpec, freeze: FreezeMode, reader: Reader) -> None:
    if freeze.kind in FREEZES and not spec.is_pretrained and not spec.allow_frozen_random:
        reader.wrong(
            "model.allow_frozen_random",
            f"{str(freeze)!r} with pretrained=false freezes random numbers; "
            "set this field if that is wanted",
        )

"""What a job wants of its data: values alone, from the spec. No torch, no disk."""

from dataclasses import dataclass

from catalog_service.models.contracts import InputContract
from catalog_service.models.spec import ModelSpec
from catalog_service.models.tasks import (
    ClassificationTask,
    FeaturesTask,
    KeypointsTask,
    RegressionTask,
    SegmentationTask,
)
from trainer_service.jobs import JobSpec
from trainer_service.jobs.learning_spec import DEFAULT_IGNORE_INDEX

DETECTOR_TASKS = frozenset({"detection", "instance_segmentation", "keypoints"})
"""What is true of an image is a list of objects."""


@dataclass(frozen=True, slots=True, kw_only=True)
class DataWants:
    """What the model can learn from, and what it takes."""

    task: str = "classification"
    """`JobSpec.kind`."""
    class_names: tuple[str, ...] = ()
    """The model's classes in the order of its outputs, for regression its targets; without the
    background that detectors have. Empty takes the data's."""
    num_outputs: int = 0
    """How many classes (targets) where they have no names; 0 takes any number."""
    keypoint_names: tuple[str, ...] = ()
    num_points: int = 0
    """Of an object; 0 takes the data's."""
    ignore_index: int = DEFAULT_IGNORE_INDEX
    """Mask value of pixels that count for nothing."""
    contract: InputContract | None = None
    """Needed to read images, not to look at a data set."""


def data_wants(spec: JobSpec, contract: InputContract | None = None) -> DataWants:
    """Return what a job wants of its data."""
    points = spec.model.task if isinstance(spec.model.task, KeypointsTask) else None
    return DataWants(
        task=spec.kind,
        class_names=_class_names(spec.model),
        num_outputs=_num_classes(spec.model),
        keypoint_names=points.keypoint_names if points else (),
        num_points=points.num_points if points else 0,
        ignore_index=spec.loss.ignore_index,
        contract=contract,
    )


def _class_names(model: ModelSpec) -> tuple[str, ...]:
    task = model.task
    if isinstance(task, RegressionTask):
        return task.target_names
    return () if task is None or isinstance(task, FeaturesTask) else task.class_names


def _num_classes(model: ModelSpec) -> int:
    """Return the number of classes or targets, without the background of detectors."""
    task = model.task
    if task is None:
        return 0
    if isinstance(task, ClassificationTask | RegressionTask | SegmentationTask | FeaturesTask):
        return task.num_outputs
    return len(task.class_names) if isinstance(task, KeypointsTask) else task.num_outputs - 1

"""A model whose head predicts what the data holds, where the spec did not say what. Pure."""

from dataclasses import replace

from catalog_service.errors import InvalidRequest, Violation, invalid
from catalog_service.models.spec import ModelSpec
from catalog_service.models.tasks import (
    ClassificationTask,
    DetectionTask,
    FeaturesTask,
    InstanceSegmentationTask,
    KeypointsTask,
    RegressionTask,
    SegmentationTask,
    Task,
)
from trainer_service.datasets.inspect import DatasetSummary

WithClasses = ClassificationTask | SegmentationTask | DetectionTask | InstanceSegmentationTask


def named_by_data(spec: ModelSpec, summary: DatasetSummary) -> ModelSpec:
    """Return a spec whose task has names or a number of outputs.

    Raises:
        InvalidRequest: neither the spec nor the data says how many.
    """
    return replace(spec, task=_named(spec.task or ClassificationTask(), summary))


def _named(task: Task, summary: DatasetSummary) -> Task:
    match task:
        case FeaturesTask():
            return task
        case RegressionTask():
            return task if task.num_outputs else _with_targets(task, summary)
        case KeypointsTask():
            return _with_points(task, summary)
        case _:
            return task if task.class_names or task.num_classes else _with_classes(task, summary)


def _with_classes(task: WithClasses, summary: DatasetSummary) -> WithClasses:
    if not summary.class_names:
        raise _unknown(task, "class_names", "class_names or num_classes")
    return replace(task, class_names=summary.class_names)


def _with_targets(task: RegressionTask, summary: DatasetSummary) -> RegressionTask:
    if not summary.class_names:
        raise _unknown(task, "target_names", "target_names or num_targets")
    return replace(task, target_names=summary.class_names)


def _with_points(task: KeypointsTask, summary: DatasetSummary) -> KeypointsTask:
    named = replace(task, class_names=task.class_names or summary.class_names)
    if task.num_points:
        return named
    if not summary.keypoint_names:
        raise _unknown(task, "keypoint_names", "keypoint_names or num_keypoints")
    return replace(named, keypoint_names=summary.keypoint_names)


def _unknown(task: Task, field: str, settings: str) -> InvalidRequest:
    why = f"the data does not name what there is to predict: set {settings}"
    return invalid([Violation(field=f"spec.model.{task.kind}.{field}", description=why)])

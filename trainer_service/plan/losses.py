"""The loss with its defaults filled in, class weights in numbers, and the metric that judges."""

from collections.abc import Sequence
from dataclasses import replace

from catalog_service.models.tasks import SegmentationTask
from trainer_service.datasets.inspect import DatasetSummary
from trainer_service.jobs import ClassWeights, JobSpec, LossSpec
from trainer_service.jobs.learning_spec import LossKind
from trainer_service.jobs.metrics_table import (
    EPOCH_METRICS,
    LOSSES_OF_TASK,
    MAIN_METRICS,
    MULTILABEL_SEGMENTATION_LOSSES,
    MainMetric,
)
from trainer_service.plan.refusal import refused

BETA = 0.999
"""Source: Cui et al. 2019, arXiv:1901.05555, section 5: one of the values that are compared."""

SHRINKING_METRICS = frozenset({"loss", "mae"})
"""Less is better; of every other metric more is."""


def possible_losses(spec: JobSpec) -> tuple[LossKind, ...]:
    """Return the losses that the task can have; the usual one is the first."""
    task = spec.model.task
    if isinstance(task, SegmentationTask) and task.multilabel:
        return MULTILABEL_SEGMENTATION_LOSSES
    return LOSSES_OF_TASK[spec.kind]


def loss_of(spec: JobSpec, summary: DatasetSummary) -> LossSpec:
    """Return the spec's loss with its kind and its class weights spelled out.

    Raises:
        InvalidRequest: the class weights are not one per class, or the data cannot give them.
    """
    loss = replace(spec.loss, kind=spec.loss.kind or possible_losses(spec)[0])
    asked = loss.class_weights
    if asked.rule == "none":
        return loss
    weights = asked.weights if asked.rule == "explicit" else _counted_weights(loss, summary)
    num_classes = len(summary.num_images_per_class) or len(summary.class_names)
    if num_classes and len(weights) != num_classes:
        why = f"{len(weights)} weights for {num_classes} classes"
        raise refused("loss.class_weights.weights", why)
    return replace(loss, class_weights=ClassWeights(rule=asked.rule, weights=weights))


def _counted_weights(loss: LossSpec, summary: DatasetSummary) -> tuple[float, ...]:
    counts, rule = summary.num_images_per_class, loss.class_weights.rule
    if not counts:
        why = (
            f"{rule!r}: what this data holds of each class is not known before its pixels are"
            " read; give the weights themselves"
        )
        raise refused("loss.class_weights.rule", why)
    if rule == "effective":
        return effective_weights(counts)
    return balanced_weights(counts, summary.num_train_images, loss.kind)


def balanced_weights(counts: Sequence[int], num_images: int, kind: LossKind) -> tuple[float, ...]:
    """Return inverse frequencies whose mean over the images is 1; a class without images gets 0.

    For binary losses: negatives over positives, and 1 for a class without either: a weight of 0
    would let a class that all images have be learned from nothing.
    """
    if kind in ("bce", "bce_dice"):
        return tuple(
            (num_images - count) / count if 0 < count < num_images else 1.0 for count in counts
        )
    return _mean_one([1 / count if count else 0.0 for count in counts], counts)


def effective_weights(counts: Sequence[int]) -> tuple[float, ...]:
    """Return one over the effective number of samples, their mean over the images 1.

    Source: Cui et al. 2019, arXiv:1901.05555, equation 2: (1 - beta^n) / (1 - beta).
    """
    return _mean_one([(1 - BETA) / (1 - BETA**count) if count else 0.0 for count in counts], counts)


def _mean_one(weights: Sequence[float], counts: Sequence[int]) -> tuple[float, ...]:
    total = sum(weight * count for weight, count in zip(weights, counts, strict=True))
    return tuple(weight * sum(counts) / total if total else 1.0 for weight in weights)


def main_metric(spec: JobSpec) -> MainMetric:
    """Return what the best epoch is the best in: early stopping's metric, or the task's."""
    stopping = spec.early_stopping
    if stopping is None or not stopping.metric:
        return MAIN_METRICS[spec.kind]
    return MainMetric(name=stopping.metric, grows=stopping.metric not in SHRINKING_METRICS)


def possible_metrics(spec: JobSpec) -> tuple[str, ...]:
    """Return the metrics that every validation of this task says."""
    return EPOCH_METRICS[spec.kind]

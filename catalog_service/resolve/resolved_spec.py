"""A spec with every default filled in, so that it means the same in a later release. Pure."""

from dataclasses import replace

from catalog_service.index.entries import ArchitectureEntry
from catalog_service.models.contracts import InputContract
from catalog_service.models.spec import ModelSpec
from catalog_service.models.spec_check import HEAD_WORDS
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
from catalog_service.resolve.model_head import PlannedHead


def resolved_spec(
    spec: ModelSpec,
    entry: ArchitectureEntry,
    reference: str,
    contract: InputContract,
    head: PlannedHead,
) -> ModelSpec:
    """Return the spec with its defaults; planned again, it is the same.

    Args:
        reference: of the weights that the numbers come from; empty where they are random.
    """
    adapted = spec.in_channels and "channel0" in contract.channel_names
    return replace(
        spec,
        backbone=entry.architecture_id,
        pretrained=spec.is_pretrained,
        weights=reference,
        task=_task(spec.task, entry, head),
        neck=_neck(head),
        image_height_px=contract.height_px,
        image_width_px=contract.width_px,
        in_channels=contract.num_channels,
        stem_adaptation=(spec.stem_adaptation or "repeat") if adapted else "",
        aux_heads=_aux_policy(spec, head),
    )


def _neck(head: PlannedHead) -> str:
    """Return the neck's word; heads of one vector and own modules take none."""
    if not head.is_composed or head.head is None or head.head["kind"] == "pooled":
        return ""
    return str(head.neck["kind"]) if head.neck is not None else "none"


def _aux_policy(spec: ModelSpec, head: PlannedHead) -> str:
    has_choice = head.head is not None and "aux" in head.head
    return ("keep" if head.keeps_aux else "drop") if has_choice else spec.aux_heads


def _task(task: Task | None, entry: ArchitectureEntry, head: PlannedHead) -> Task | None:
    if isinstance(task, ClassificationTask):
        return replace(task, num_classes=task.num_outputs)
    if isinstance(task, RegressionTask):
        return replace(task, num_targets=task.num_outputs)
    if isinstance(task, FeaturesTask):
        return replace(task, output=task.output or "pooled")
    if isinstance(task, SegmentationTask):
        return replace(task, num_classes=task.num_outputs, head=_word(task, entry, head))
    if isinstance(task, DetectionTask | InstanceSegmentationTask):
        return replace(task, num_classes=task.num_outputs - 1, head=_word(task, entry, head))
    if isinstance(task, KeypointsTask):
        return replace(
            task,
            num_keypoints=task.num_points,
            class_names=task.class_names or ("person",),
            head=_word(task, entry, head),
        )
    return None


def _word(task: Task, entry: ArchitectureEntry, head: PlannedHead) -> str:
    kind = str(head.head["kind"]) if head.head is not None else ""
    return kind if kind in HEAD_WORDS[task.kind] else entry.family

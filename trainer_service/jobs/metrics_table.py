"""Which number says how good a model is, and which losses a task can have. By `JobSpec.kind`."""

from collections.abc import Mapping
from dataclasses import dataclass

from trainer_service.jobs.learning_spec import LossKind


@dataclass(frozen=True, slots=True, kw_only=True)
class MainMetric:
    """The metric of the validation images that the best epoch is the best in."""

    name: str
    grows: bool
    """Whether more is better."""


MAIN_METRICS: Mapping[str, MainMetric] = {
    "classification": MainMetric(name="accuracy", grows=True),
    "multilabel": MainMetric(name="map", grows=True),
    "regression": MainMetric(name="r2", grows=True),
    "segmentation": MainMetric(name="iou", grows=True),
    "detection": MainMetric(name="map", grows=True),
    "instance_segmentation": MainMetric(name="mask_map", grows=True),
    "keypoints": MainMetric(name="keypoint_map", grows=True),
    "simclr": MainMetric(name="loss", grows=False),
}
"""`r2` has no unit, so that targets in different units count alike; it is NaN where all validation
images have one value. `mask_map` and `keypoint_map` stand beside `map`, which is of the boxes."""

EPOCH_METRICS: Mapping[str, tuple[str, ...]] = {
    "classification": ("loss", "accuracy", "f1"),
    "multilabel": ("loss", "map", "f1", "exact_match"),
    "regression": ("loss", "mae", "r2"),
    "segmentation": ("loss", "iou", "f1", "accuracy"),
    "detection": ("map", "map_50"),
    "instance_segmentation": ("map", "map_50", "mask_map", "mask_map_50"),
    "keypoints": ("map", "map_50", "keypoint_map", "keypoint_map_50"),
    "simclr": ("loss",),
}
"""What every validation says: what a job may stop early by. `f1` and `iou` are means over the
classes that are there, background among them."""

LOSSES_OF_TASK: Mapping[str, tuple[LossKind, ...]] = {
    "classification": ("cross_entropy", "bce"),
    "multilabel": ("bce",),
    "regression": ("smooth_l1", "mse", "l1"),
    "segmentation": ("cross_entropy", "bce", "dice", "bce_dice", "cross_entropy_dice"),
    "detection": ("detector",),
    "instance_segmentation": ("detector",),
    "keypoints": ("detector",),
    "simclr": ("nt_xent",),
}
"""The usual one is the first."""

USUAL_LOSSES: Mapping[str, LossKind] = {task: kinds[0] for task, kinds in LOSSES_OF_TASK.items()}
MULTILABEL_SEGMENTATION_LOSSES: tuple[LossKind, ...] = ("bce", "dice", "bce_dice")
"""Of a segmentation whose classes do not exclude each other. The usual one is the first."""

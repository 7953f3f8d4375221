"""What a model predicts, as values: one class a task. No torch.

Mirrors the tasks of `vertebra.model.v1.ModelSpec`. A new task is one class here, one line in
`TASKS`, one function in `heads/`, and its message.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal


@dataclass(frozen=True, slots=True, kw_only=True)
class ClassificationTask:
    """One label per image, or any number with `multilabel`. Names win over the number."""

    kind: Literal["classification"] = "classification"
    class_names: tuple[str, ...] = ()
    num_classes: int = 0
    multilabel: bool = False
    hidden_units: tuple[int, ...] = ()
    """Widths of hidden layers (ReLU) between the features and the last layer."""

    dropout: float | None = None
    """Before every layer of the new head; None means the architecture's own."""

    pooling: str = ""
    """`avg`, `max`, `avg_max` or `gem`; empty means the architecture's own."""

    keep_known_classes: bool = False
    """Keep the published rows of classes that have the published name."""

    @property
    def num_outputs(self) -> int:
        """Return how many numbers the head puts out."""
        return len(self.class_names) or self.num_classes


@dataclass(frozen=True, slots=True, kw_only=True)
class RegressionTask:
    """Numbers per image. Names win over the number."""

    kind: Literal["regression"] = "regression"
    num_targets: int = 0
    target_names: tuple[str, ...] = ()
    hidden_units: tuple[int, ...] = ()
    dropout: float | None = None
    pooling: str = ""

    @property
    def num_outputs(self) -> int:
        """Return how many numbers the head puts out."""
        return len(self.target_names) or self.num_targets


@dataclass(frozen=True, slots=True, kw_only=True)
class SegmentationTask:
    """A class for every pixel; background is one of the classes where there is one."""

    kind: Literal["segmentation"] = "segmentation"
    class_names: tuple[str, ...] = ()
    num_classes: int = 0
    head: str = ""
    """`fcn`, `deeplabv3` or `lraspp`; empty means the architecture's own, or `fcn`."""

    multilabel: bool = False
    keep_known_classes: bool = False

    @property
    def num_outputs(self) -> int:
        """Return how many numbers the head puts out per pixel."""
        return len(self.class_names) or self.num_classes


@dataclass(frozen=True, slots=True, kw_only=True)
class DetectionTask:
    """Boxes with a class. Background is none of the classes: label 0 is added by us."""

    kind: Literal["detection"] = "detection"
    class_names: tuple[str, ...] = ()
    num_classes: int = 0
    head: str = ""
    """`faster_rcnn`, `retinanet` or `fcos`; empty: the architecture's own, or `faster_rcnn`."""

    keep_known_classes: bool = False

    @property
    def num_outputs(self) -> int:
        """Return how many labels there are, background included."""
        return (len(self.class_names) or self.num_classes) + 1


@dataclass(frozen=True, slots=True, kw_only=True)
class InstanceSegmentationTask:
    """Boxes with a class and a mask."""

    kind: Literal["instance_segmentation"] = "instance_segmentation"
    class_names: tuple[str, ...] = ()
    num_classes: int = 0
    head: str = ""
    """`mask_rcnn`, also when empty."""

    keep_known_classes: bool = False

    @property
    def num_outputs(self) -> int:
        """Return how many labels there are, background included."""
        return (len(self.class_names) or self.num_classes) + 1


@dataclass(frozen=True, slots=True, kw_only=True)
class KeypointsTask:
    """Boxes with keypoints. Keypoint names win over their number."""

    kind: Literal["keypoints"] = "keypoints"
    keypoint_names: tuple[str, ...] = ()
    num_keypoints: int = 0
    class_names: tuple[str, ...] = ()
    """Empty means one class, `person`."""

    head: str = ""
    """`keypoint_rcnn`, also when empty."""

    @property
    def num_outputs(self) -> int:
        """Return how many labels there are, background included."""
        return (len(self.class_names) or 1) + 1

    @property
    def num_points(self) -> int:
        """Return how many keypoints an object has."""
        return len(self.keypoint_names) or self.num_keypoints


@dataclass(frozen=True, slots=True, kw_only=True)
class FeaturesTask:
    """No prediction: what the backbone sees."""

    kind: Literal["features"] = "features"
    output: str = ""
    """`pooled`, `pyramid` or `identity`; empty means `pooled`."""

    pooling: str = ""
    """For `pooled`, as in ClassificationTask."""

    @property
    def num_outputs(self) -> int:
        """Return 0: features are not predictions."""
        return 0


Task = (
    ClassificationTask
    | RegressionTask
    | SegmentationTask
    | DetectionTask
    | InstanceSegmentationTask
    | KeypointsTask
    | FeaturesTask
)

TASKS: Mapping[str, type[Task]] = {
    "classification": ClassificationTask,
    "regression": RegressionTask,
    "segmentation": SegmentationTask,
    "detection": DetectionTask,
    "instance_segmentation": InstanceSegmentationTask,
    "keypoints": KeypointsTask,
    "features": FeaturesTask,
}
"""Kind, which is also the field of the spec that holds it -> its class."""

"""What the tensors mean that come out of a model: for clients that have never heard of torchvision.

No torch. Sources of names and numbers: the forwards and the constructors in torchvision.models.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from catalog_service.index.detection_facts import COCO_KEYPOINTS, DETECTION_RULES
from catalog_service.index.entries import ArchitectureEntry
from catalog_service.models.contracts import OutputContract, OutputTensor
from catalog_service.models.spec_check import BACKGROUND
from catalog_service.models.tasks import (
    ClassificationTask,
    KeypointsTask,
    RegressionTask,
    SegmentationTask,
    Task,
)

DETECTIONS = ("detection", "instance_segmentation", "keypoints")
"""Tasks whose label 0 is the background."""

ANY = -1
"""A side that depends on the image."""

FINAL_WIDTHS: Mapping[str, int] = {
    "alexnet": 4096,
    "vgg": 4096,
    "squeezenet": 512,
    "mobilenet_v3_large": 1280,
    "mobilenet_v3_small": 1024,
    "s3d": 1024,
}
"""Architecture or family -> width of what the last layer takes, where the head has layers before
it; of all others it is `num_features`.
"""


@dataclass(frozen=True, slots=True, kw_only=True)
class Outputs:
    """What decides a model's outputs.

    Attributes:
        entry: of the architecture.
        task: None for the published head.
        class_names: published ones, where the published head is kept and its numbers too.
        kind: of the head: `logits`, a detector's or a segmentation head's word, or `pooled`.
        has_aux: whether an auxiliary segmentation head is there.
        neck: of the recipe; gives the pyramid its widths.
        head: of the recipe.
    """

    entry: ArchitectureEntry
    task: Task | None
    class_names: tuple[str, ...] = ()
    num_published: int = 0
    has_aux: bool = False
    head: Mapping[str, Any] | None = None
    neck: Mapping[str, Any] | None = None

    @property
    def head_word(self) -> str:
        """Return `faster_rcnn`, `fcn` and the like: the head's kind, or the family of its own."""
        kind = str((self.head or {}).get("kind", ""))
        return self.entry.family if kind in ("", *CONTRACTS) else kind


def output_contract(outputs: Outputs) -> OutputContract:
    """Return what a model's outputs mean."""
    task = outputs.task
    kind = task.kind if task is not None else outputs.entry.task
    return CONTRACTS[kind](outputs)


def final_width(entry: ArchitectureEntry) -> int:
    """Return the width of what the last layer of an architecture takes."""
    by_name = FINAL_WIDTHS.get(entry.architecture_id)
    return by_name or FINAL_WIDTHS.get(entry.family) or entry.num_features


def _classification(outputs: Outputs) -> OutputContract:
    task = outputs.task
    is_multilabel = isinstance(task, ClassificationTask) and task.multilabel
    return _vector(
        "multilabel_logits" if is_multilabel else "logits",
        task.num_outputs if task is not None else outputs.num_published,
        "a logit for each class",
        class_names=_names(outputs),
        activation="sigmoid" if is_multilabel else "softmax",
    )


def _regression(outputs: Outputs) -> OutputContract:
    assert isinstance(outputs.task, RegressionTask)
    return _vector(
        "values",
        outputs.task.num_outputs,
        "a number for each target",
        activation="none",
        target_names=outputs.task.target_names,
    )


def _vector(kind: str, width: int, meaning: str, **facts: Any) -> OutputContract:
    tensor = OutputTensor(shape=(width,), meaning=meaning)
    return OutputContract(kind=kind, shape=tensor.shape, tensors=(tensor,), **facts)


def _segmentation(outputs: Outputs) -> OutputContract:
    task = outputs.task
    count = task.num_outputs if task is not None else outputs.num_published
    is_multilabel = isinstance(task, SegmentationTask) and task.multilabel
    out = OutputTensor(
        name="out", shape=(count, ANY, ANY), meaning="a logit for each class and pixel of the input"
    )
    aux = replace(out, name="aux", meaning="the same from the auxiliary head: for the loss")
    return OutputContract(
        kind="segmentation",
        shape=out.shape,
        class_names=_names(outputs),
        activation="sigmoid" if is_multilabel else "softmax",
        tensors=(out, aux) if outputs.has_aux else (out,),
    )


def _detection(outputs: Outputs) -> OutputContract:
    tensors = (
        OutputTensor(
            name="boxes",
            shape=(ANY, 4),
            meaning="x1, y1, x2, y2 in pixels of the image that was given, best score first",
        ),
        OutputTensor(
            name="labels", dtype="I64", shape=(ANY,), meaning="an index of class_names, from 1"
        ),
        OutputTensor(name="scores", shape=(ANY,), meaning="a probability from 0 to 1"),
        *_more(outputs),
    )
    task = outputs.task
    return OutputContract(
        kind="detections",
        shape=tensors[0].shape,
        class_names=_names(outputs),
        activation="none",
        tensors=tensors,
        detection=DETECTION_RULES[outputs.head_word],
        keypoint_names=_keypoint_names(outputs, task),
    )


def _more(outputs: Outputs) -> tuple[OutputTensor, ...]:
    kind = outputs.task.kind if outputs.task is not None else outputs.entry.task
    if kind == "instance_segmentation":
        meaning = "a probability for each pixel of the image that was given"
        return (OutputTensor(name="masks", shape=(ANY, 1, ANY, ANY), meaning=meaning),)
    if kind != "keypoints":
        return ()
    task = outputs.task
    points = task.num_points if isinstance(task, KeypointsTask) else len(COCO_KEYPOINTS)
    return (
        OutputTensor(
            name="keypoints",
            shape=(ANY, points, 3),
            meaning="x, y in pixels of the image that was given, and 1 for visible",
        ),
        OutputTensor(
            name="keypoints_scores", shape=(ANY, points), meaning="a logit for each keypoint"
        ),
    )


def _keypoint_names(outputs: Outputs, task: Task | None) -> tuple[str, ...]:
    if isinstance(task, KeypointsTask):
        return task.keypoint_names
    is_published = task is None and outputs.entry.task == "keypoints" and outputs.class_names
    return COCO_KEYPOINTS if is_published else ()


def _features(outputs: Outputs) -> OutputContract:
    head = outputs.head
    if head is None:
        return _tokens(outputs)
    if head["kind"] == "pyramid":
        return _pyramid(outputs, head)
    width = final_width(outputs.entry)
    if head["kind"] == "pooled":
        width = outputs.entry.feature_maps[-1].num_channels
        width *= 2 if head.get("pooling") == "avg_max" else 1
    return _vector("features", width, "the pooled features of the image", activation="none")


def _tokens(outputs: Outputs) -> OutputContract:
    """Return the outputs of a model of transformers, which has no head."""
    width = outputs.entry.num_features
    return OutputContract(
        kind="features",
        shape=(width,),
        activation="none",
        tensors=(
            OutputTensor(
                name="pooler_output", shape=(width,), meaning="the features of the whole image"
            ),
            OutputTensor(
                name="last_hidden_state",
                shape=(ANY, width),
                meaning="the class token, the registers, then a vector for each patch, row by row",
            ),
        ),
    )


def _pyramid(outputs: Outputs, head: Mapping[str, Any]) -> OutputContract:
    tensors = tuple(
        OutputTensor(
            name=name, shape=(channels, ANY, ANY), meaning=f"a map, {stride:g} pixels a step"
        )
        for name, channels, stride in _maps(outputs, head["feature_maps"])
    )
    return OutputContract(
        kind="pyramid", shape=tensors[0].shape, activation="none", tensors=tensors
    )


def _maps(outputs: Outputs, taken: Sequence[str]) -> list[tuple[str, int, float]]:
    """Return name, width and stride of each map, finest first."""
    maps = [each for each in outputs.entry.feature_maps if each.name in taken]
    neck = outputs.neck
    if neck is None:
        return [(each.name, each.num_channels, each.stride_px) for each in maps]
    width: int = neck["num_channels"]
    if "scales" not in neck:
        return [(each.name, width, each.stride_px) for each in maps]
    stride = maps[-1].stride_px
    return [(f"x{scale:g}".replace(".", "_"), width, stride / scale) for scale in neck["scales"]]


def _flow(outputs: Outputs) -> OutputContract:
    shape = (2, ANY, ANY)
    meaning = "x and y in pixels from the first image to the second, refined with every tensor"
    return OutputContract(
        kind="flow",
        shape=shape,
        activation="none",
        tensors=(OutputTensor(shape=shape, meaning=meaning),),
    )


def _names(outputs: Outputs) -> tuple[str, ...]:
    task = outputs.task
    if task is None:
        is_detector = bool(outputs.class_names) and outputs.entry.task in DETECTIONS
        return (BACKGROUND, *outputs.class_names[1:]) if is_detector else outputs.class_names
    names: tuple[str, ...] = getattr(task, "class_names", ())
    if isinstance(task, KeypointsTask):
        names = names or ("person",)
    return (BACKGROUND, *names) if names and task.kind in DETECTIONS else names


CONTRACTS: Mapping[str, Callable[[Outputs], OutputContract]] = {
    "classification": _classification,
    "video": _classification,
    "regression": _regression,
    "segmentation": _segmentation,
    "detection": _detection,
    "instance_segmentation": _detection,
    "keypoints": _detection,
    "features": _features,
    "optical_flow": _flow,
}
"""Kind of a task, or task of an architecture -> its contract."""

"""COCO's average precision of boxes, masks or keypoints, over all images of a pass.

The three differ in how alike two objects are: by the overlap of their boxes or masks, or by the
distances of their keypoints. faster_coco_eval computes it; here it is given the objects.
"""

import json
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt
import torch
from faster_coco_eval import COCO, COCOeval_faster
from faster_coco_eval.core import mask as run_lengths
from torch import Tensor

from trainer_service.datasets.batch import ObjectTargets

Annotation = dict[str, Any]
"""An object as COCO's files have it."""

MASK_THRESHOLD = 0.5
"""A pixel is the object's from this probability on. Source: torchvision's example of Mask R-CNN."""

COCO_SIGMAS = (
    0.026, 0.025, 0.025, 0.035, 0.035, 0.079, 0.079, 0.072, 0.072, 0.062, 0.062, 0.107, 0.107,
    0.087, 0.087, 0.089, 0.089,
)  # fmt: skip
"""How far people are from one another when they mark each of COCO's 17 keypoints, as a share of the
object's size. Source: pycocotools.cocoeval, `Params.setKpParams`."""

USUAL_SIGMA = 0.05
"""Of keypoints that nobody measured: between COCO's 0.025 of an eye and its 0.107 of a hip."""

ANY_AREA = [[0.0, 1e10]]
MANY_OBJECTS = 100
"""So many of the surest objects of an image are judged. Source: COCO's detection challenge."""
MANY_PEOPLE = 20
"""Of its keypoint challenge."""


def box_of(image: Mapping[str, Tensor], number: int) -> Annotation:
    """Return an object's box and area."""
    left, top, right, bottom = image["boxes"][number].tolist()
    width, height = right - left, bottom - top
    return {"bbox": [left, top, width, height], "area": width * height}


def mask_of(image: Mapping[str, Tensor], number: int) -> Annotation:
    """Return an object's mask as run lengths, and its area in pixels."""
    mask = image["masks"][number].reshape(image["masks"].shape[-2:])
    pixels = (mask >= MASK_THRESHOLD).numpy().astype(np.uint8)
    runs = run_lengths.encode(np.asfortranarray(pixels))
    return {"segmentation": runs, "area": float(pixels.sum()), "bbox": run_lengths.toBbox(runs)}


def points_of(image: Mapping[str, Tensor], number: int) -> Annotation:
    """Return an object's keypoints with its box: distances count by the root of its area."""
    points = image["keypoints"][number]
    num_visible = int((points[:, 2] > 0).sum())
    return {
        **box_of(image, number),
        "keypoints": points.flatten().tolist(),
        "num_keypoints": num_visible,
    }


@dataclass(frozen=True, slots=True, kw_only=True)
class Judgement:
    """One way to tell how alike two objects are."""

    iou_type: str
    """faster_coco_eval's word."""
    annotation: Callable[[Mapping[str, Tensor], int], Annotation]
    prefix: str = ""
    """Of the metrics' names."""
    num_judged: int = MANY_OBJECTS


BOXES = Judgement(iou_type="bbox", annotation=box_of)
MASKS = Judgement(iou_type="segm", annotation=mask_of, prefix="mask_")
KEYPOINTS = Judgement(
    iou_type="keypoints", annotation=points_of, prefix="keypoint_", num_judged=MANY_PEOPLE
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Precision:
    """What one judgement says."""

    metrics: Mapping[str, float]
    of_classes: tuple[float, ...]
    """NaN of a class that no image has."""


class ObjectPrecision:
    """Objects that were found, and true ones, until they are compared."""

    def __init__(
        self, judgement: Judgement, num_classes: int, *, sigmas: Sequence[float] = ()
    ) -> None:
        """Sigmas belong to the keypoints, in their order; empty means COCO's or the usual one."""
        self._judgement = judgement
        self._num_classes = num_classes
        self._sigmas = sigmas
        self._images: list[Annotation] = []
        self._found: list[Annotation] = []
        self._true: list[Annotation] = []

    def update(self, found: Sequence[Mapping[str, Tensor]], true: Sequence[ObjectTargets]) -> None:
        """Count some images; all tensors are on the CPU.

        Args:
            found: of each image `boxes` [N, 4], `labels` [N], `scores` [N] and, where the detector
                has them, `masks` [N, 1, H, W] (probabilities) and `keypoints` [N, K, 3].
            true: of each image its targets.
        """
        for image, targets in zip(found, true, strict=True):
            number = len(self._images) + 1
            self._images.append({"id": number, **_size(targets)})
            self._found.extend(self._annotations(image, number))
            self._true.extend(self._annotations(targets, number))

    def _annotations(self, image: Mapping[str, Tensor], number: int) -> Iterator[Annotation]:
        labels = image["labels"].tolist()
        for index, label in enumerate(labels):
            annotation = self._judgement.annotation(image, index)
            annotation |= {"image_id": number, "category_id": label}
            if "scores" in image:
                annotation["score"] = float(image["scores"][index])
            if "is_crowd" in image:
                annotation["iscrowd"] = int(image["is_crowd"][index])
            yield annotation

    def state(self) -> Tensor:
        """Return all objects so far as JSON, [bytes] uint8."""
        objects = {"images": self._images, "found": self._found, "true": self._true}
        text = json.dumps(objects, default=_readable).encode()
        return torch.frombuffer(bytearray(text), dtype=torch.uint8)

    def add(self, objects: Tensor) -> None:
        """Count objects of another pass, whose images come after those of this one."""
        told = json.loads(objects.cpu().numpy().tobytes())
        first = len(self._images)
        self._images.extend({**each, "id": first + each["id"]} for each in told["images"])
        for kept, others in ((self._found, told["found"]), (self._true, told["true"])):
            kept.extend(_moved(each, first) for each in others)

    def num_true(self) -> tuple[int, ...]:
        """Return how many objects of each class there are, without crowds."""
        labels = [each["category_id"] for each in self._true if not each.get("iscrowd")]
        return tuple(labels.count(label) for label in range(1, self._num_classes + 1))

    def precision(self) -> Precision:
        """Return what the objects so far say: `map` over thresholds from 0.5 to 0.95, `map_50` and
        `map_75` at one of them. NaN where no image has an object.
        """
        judged = COCOeval_faster(
            self._dataset(self._true),
            self._dataset(self._found),
            iouType=self._judgement.iou_type,
            rle_iou_max_workers=1,  # the job's threads are counted
            kpt_oks_sigmas=self._point_sigmas(),
        )
        judged.params.areaRng, judged.params.areaRngLbl = ANY_AREA, ["all"]
        judged.params.maxDets = [self._judgement.num_judged]
        judged.evaluate()
        judged.accumulate()
        precisions = np.asarray(judged.eval["precision"])[:, :, :, 0, -1]
        return self._read(precisions, judged.params)

    def _read(self, precisions: npt.NDArray[Any], params: Any) -> Precision:
        """Read [thresholds, recalls, classes]; -1 is nothing."""
        known = np.where(precisions < 0, np.nan, precisions)
        by_class = dict(zip(params.catIds, np.moveaxis(known, 2, 0), strict=True))
        thresholds = np.round(np.asarray(params.iouThrs), 2)
        prefix = self._judgement.prefix
        return Precision(
            metrics={
                f"{prefix}map": _mean(known),
                f"{prefix}map_50": _mean(known[thresholds == 0.5]),
                f"{prefix}map_75": _mean(known[thresholds == 0.75]),
            },
            of_classes=tuple(
                _mean(by_class[label]) if label in by_class else float("nan")
                for label in range(1, self._num_classes + 1)
            ),
        )

    def _dataset(self, annotations: list[Annotation]) -> Any:
        """Return objects as COCO's file has them; what reads it writes into it."""
        return COCO(
            {
                "images": [dict(each) for each in self._images],
                "annotations": [
                    {"iscrowd": 0, **each, "id": number}
                    for number, each in enumerate(annotations, start=1)
                ],
                "categories": [
                    {"id": label, "name": str(label)} for label in range(1, self._num_classes + 1)
                ],
            }
        )

    def _point_sigmas(self) -> list[float] | None:
        objects = [each for each in self._true if "keypoints" in each]
        if not objects:
            return None
        num_points = len(objects[0]["keypoints"]) // 3
        usual = COCO_SIGMAS if num_points == len(COCO_SIGMAS) else (USUAL_SIGMA,) * num_points
        return list(self._sigmas or usual)


def _readable(value: Any) -> Any:
    """Return what JSON lacks: run lengths are bytes of ASCII, boxes of masks are arrays."""
    return value.decode("ascii") if isinstance(value, bytes) else value.tolist()


def _moved(told: Annotation, by: int) -> Annotation:
    """Return an object as it was, in an image that now has another number."""
    moved = {**told, "image_id": by + told["image_id"]}
    if "segmentation" in told:
        runs = told["segmentation"]
        moved["segmentation"] = {**runs, "counts": runs["counts"].encode("ascii")}
    return moved


def _size(targets: ObjectTargets) -> Annotation:
    """Return the image's size where its masks say it."""
    if "masks" not in targets:
        return {}
    height, width = targets["masks"].shape[-2:]
    return {"height": height, "width": width}


def _mean(values: npt.NDArray[Any]) -> float:
    known = values[~np.isnan(values)]
    return float(known.mean()) if known.size else float("nan")

"""Average precision of boxes and masks beside torchmetrics', of keypoints beside its definition."""

import math
from typing import Any

import numpy as np
import pytest
import torch
from torch import Tensor
from torchmetrics.detection import MeanAveragePrecision

from trainer_service.tasks.object_precision import (
    BOXES,
    COCO_SIGMAS,
    KEYPOINTS,
    MASKS,
    USUAL_SIGMA,
    Judgement,
    ObjectPrecision,
    Precision,
)

Objects = dict[str, Tensor]


def objects(boxes: list[list[float]], labels: list[int], **more: Tensor) -> Objects:
    """Return an image's objects."""
    return {
        "boxes": torch.tensor(boxes).reshape(-1, 4).float(),
        "labels": torch.tensor(labels, dtype=torch.int64),
        **more,
    }


def scattered(seed: int, num_images: int = 6) -> tuple[list[Objects], list[Objects]]:
    """Return objects, and what a middling detector finds: moved, missed, invented, mistaken."""
    random = np.random.default_rng(seed)
    found, true = [], []
    for _ in range(num_images):
        count = int(random.integers(0, 5))
        corners = random.uniform(0, 40, (count, 2))
        boxes = np.concatenate([corners, corners + random.uniform(5, 24, (count, 2))], 1)
        labels = random.integers(1, 4, count)
        true.append(objects(boxes.tolist(), labels.tolist()))
        moved = boxes + random.normal(0, 1.5, boxes.shape)
        extra = [[1.0, 1.0, 9.0, 9.0]]
        known = random.random(count) < 0.8
        picked = [*moved[known].tolist(), *extra]
        names = [*labels[known].tolist(), int(random.integers(1, 4))]
        scores = torch.tensor(random.random(len(picked)), dtype=torch.float32)
        found.append(objects(picked, names, scores=scores))
    return found, true


def said(
    judgement: Judgement, found: list[Any], true: list[Any], *, num_classes: int = 3, **facts: Any
) -> Precision:
    """Return what a judgement says of all images, two at a time."""
    judged = ObjectPrecision(judgement, num_classes, **facts)
    for start in range(0, len(true), 2):
        judged.update(found[start : start + 2], true[start : start + 2])
    return judged.precision()


def torchmetrics_of(iou_type: str, found: list[Any], true: list[Any]) -> dict[str, Any]:
    """Return what torchmetrics says."""
    metric = MeanAveragePrecision(
        iou_type=iou_type,
        # Its own are rounded to 32 bits, so that a recall of 0.3 does not reach its 0.3.
        rec_thresholds=np.linspace(0, 1, 101).tolist(),
        class_metrics=True,
        backend="faster_coco_eval",
    )
    metric.update(found, true)
    return metric.compute()


def drawn_masks(image: Objects) -> Tensor:
    """Return a filled rectangle for each box of an image, [N, 64, 64] uint8."""
    masks = torch.zeros(len(image["boxes"]), 64, 64, dtype=torch.uint8)
    for mask, (left, top, right, bottom) in zip(masks, image["boxes"].int().tolist(), strict=True):
        mask[max(top, 0) : bottom, max(left, 0) : right] = 1
    return masks


@pytest.mark.parametrize("seed", [0, 1, 2])
def test_precision_of_boxes_is_torchmetrics(seed: int) -> None:
    found, true = scattered(seed)

    precision = said(BOXES, found, true)

    expected = torchmetrics_of("bbox", found, true)
    assert 0.2 < precision.metrics["map_50"] < 1  # it says something
    for name in ("map", "map_50", "map_75"):
        assert precision.metrics[name] == pytest.approx(float(expected[name]), abs=1e-6)
    by_class = dict(zip(expected["classes"].tolist(), expected["map_per_class"], strict=True))
    for label, value in enumerate(precision.of_classes, start=1):
        assert value == pytest.approx(float(by_class[label]), abs=1e-6)


def test_precision_of_masks_is_torchmetrics() -> None:
    found, true = scattered(3)
    masks = [drawn_masks(each) for each in found]
    flat = [{**each, "masks": mask.bool()} for each, mask in zip(found, masks, strict=True)]
    probable = [
        {**each, "masks": mask[:, None] * 0.8 + 0.1}
        for each, mask in zip(found, masks, strict=True)
    ]
    targets = [{**each, "masks": drawn_masks(each)} for each in true]

    precision = said(MASKS, probable, targets)

    expected = torchmetrics_of("segm", flat, [{**t, "masks": t["masks"].bool()} for t in targets])
    assert 0.1 < precision.metrics["mask_map"] < 1
    for name in ("map", "map_50", "map_75"):
        assert precision.metrics[f"mask_{name}"] == pytest.approx(float(expected[name]), abs=1e-6)


def oks(found: Tensor, true: Tensor, area: float, sigmas: tuple[float, ...]) -> float:
    """Return the likeness of keypoints.

    Source: COCO, https://cocodataset.org/#keypoints-eval.
    """
    distances = (found[:, :2] - true[:, :2]).square().sum(1)
    spread = (2 * torch.tensor(sigmas)).square()
    likeness = torch.exp(-distances / (2 * area * spread))
    seen = true[:, 2] > 0
    return float(likeness[seen].mean())


@pytest.mark.parametrize("num_points", [3, 17])
@pytest.mark.parametrize("shift_px", [0.5, 2.0, 3.0, 6.0])
def test_keypoints_are_alike_by_their_distances(num_points: int, shift_px: float) -> None:
    """One object, one answer: the precision is the share of thresholds below their likeness."""
    sigmas = COCO_SIGMAS if num_points == 17 else (USUAL_SIGMA,) * num_points
    true = torch.cat([torch.rand(1, num_points, 2) * 30, torch.ones(1, num_points, 1)], 2)
    true[0, 0, 2] = 0  # of a point that is not there nothing is asked
    moved = true.clone()
    moved[0, 1:, 0] += shift_px
    moved[0, 0, 0] += 100
    box = [[0.0, 0.0, 30.0, 30.0]]
    targets = [objects(box, [1], keypoints=true)]
    found = [objects(box, [1], keypoints=moved, scores=torch.tensor([0.9]))]

    precision = said(KEYPOINTS, found, targets, num_classes=1)

    likeness = oks(moved[0], true[0], 900.0, sigmas)
    thresholds = np.linspace(0.5, 0.95, 10)
    expected = float((thresholds <= likeness).mean())
    assert precision.metrics["keypoint_map"] == pytest.approx(expected, abs=1e-9)
    assert precision.of_classes == (precision.metrics["keypoint_map"],)


def test_sigmas_may_be_given() -> None:
    true = torch.tensor([[[5.0, 5.0, 1.0], [9.0, 9.0, 1.0]]])
    box = [[0.0, 0.0, 30.0, 30.0]]
    targets = [objects(box, [1], keypoints=true)]
    found = [objects(box, [1], keypoints=true + 3, scores=torch.tensor([0.9]))]

    strict = said(KEYPOINTS, found, targets, num_classes=1, sigmas=(0.01, 0.01))
    loose = said(KEYPOINTS, found, targets, num_classes=1, sigmas=(0.5, 0.5))

    assert strict.metrics["keypoint_map"] == 0
    assert loose.metrics["keypoint_map"] == 1


@pytest.mark.parametrize("judgement", [BOXES, MASKS, KEYPOINTS])
def test_images_without_any_object_say_nothing(judgement: Judgement) -> None:
    """-1, as the library says it, would be a very bad score."""
    empty = objects(
        [],
        [],
        masks=torch.zeros(0, 8, 8, dtype=torch.uint8),
        keypoints=torch.zeros(0, 2, 3),
    )
    nothing = {**empty, "scores": torch.zeros(0)}

    precision = said(judgement, [nothing, nothing], [empty, empty])

    assert all(math.isnan(value) for value in precision.metrics.values())
    assert all(math.isnan(value) for value in precision.of_classes)


def test_a_detector_that_finds_nothing_has_no_precision_left() -> None:
    true = [objects([[0, 0, 9, 9]], [1])]
    nothing = [objects([], [], scores=torch.zeros(0))]

    precision = said(BOXES, nothing, true)

    assert precision.metrics["map"] == 0
    assert precision.of_classes[0] == 0
    assert math.isnan(precision.of_classes[1])


def test_a_crowd_is_neither_missed_nor_counted() -> None:
    true = [objects([[0, 0, 9, 9], [20, 20, 60, 60]], [1, 1], is_crowd=torch.tensor([False, True]))]
    found = [objects([[0, 0, 9, 9], [25, 25, 40, 40]], [1, 1], scores=torch.tensor([0.9, 0.95]))]
    judged = ObjectPrecision(BOXES, 3)

    judged.update(found, true)

    assert judged.precision().metrics["map"] == 1
    assert judged.num_true() == (1, 0, 0)
    without = said(BOXES, found, [{**true[0], "is_crowd": torch.tensor([False, False])}])
    assert without.metrics["map"] < 1


def test_precision_may_be_asked_for_twice() -> None:
    """What reads annotations writes into them."""
    judged = ObjectPrecision(BOXES, 3)
    judged.update(*scattered(0))

    first, second = judged.precision(), judged.precision()

    assert first == second

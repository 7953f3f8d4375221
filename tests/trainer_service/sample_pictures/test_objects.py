"""Objects: boxes, masks and points where they are, with names and scores, whatever names are."""

from typing import Any

import numpy as np
import pytest
import torch
from PIL import Image
from torch import Tensor

from tests.fakes.task_plans import task_plan
from trainer_service.datasets.batch import ObjectTargets
from trainer_service.sample_pictures.colors import color_of
from trainer_service.sample_pictures.marks import Mark, marked, printable
from trainer_service.sample_pictures.objects import Objects
from trainer_service.sample_pictures.shown import Seen

NAMES = ("__background__", "cat", "dog")
SIDE = 128
BOXES = [[16.0, 24.0, 56.0, 64.0], [70.0, 70.0, 120.0, 110.0]]


def objects(labels: list[int], **fields: Any) -> ObjectTargets:
    """Return objects in BOXES."""
    boxes = torch.tensor(BOXES[: len(labels)]).reshape(-1, 4)
    return {"boxes": boxes, "labels": torch.tensor(labels, dtype=torch.int64), **fields}


def found(labels: list[int], scores: list[float], **fields: Any) -> ObjectTargets:
    """Return what a detector found."""
    return objects(labels, scores=torch.tensor(scores), **fields)


def shown(task: str = "detection") -> Objects:
    """Return what shows objects of NAMES."""
    return Objects(task_plan(task, 3, class_names=NAMES))


def seen(true: ObjectTargets, said: ObjectTargets) -> Seen:
    """Return a black image with objects, and what a detector found."""
    (truth,), (answer,) = shown().truths([true]), shown().answers([said])
    pixels = np.zeros((SIDE, SIDE, 3), dtype=np.uint8)
    return Seen(position=0, pixels=pixels, truth=truth, answer=answer)


def at(image: Image.Image, x: float, y: float) -> tuple[int, ...]:
    """Return the colour of a pixel of the image that is enlarged."""
    times = image.width / SIDE
    color = image.getpixel((round(x * times), round(y * times)))
    assert isinstance(color, tuple)
    return color


def test_a_box_is_drawn_where_it_is_in_the_colour_of_its_class() -> None:
    truth = shown().panels(seen(objects([1, 2]), found([], [])))["truth"]

    for (left, _, _, bottom), color in zip(BOXES, (color_of(0), color_of(1)), strict=True):
        assert at(truth, left, bottom - 8) == color
        assert at(truth, left + 10, bottom - 10) == (0, 0, 0)


def test_a_detector_that_is_right_is_told_so() -> None:
    told = shown().told(seen(objects([1, 2]), found([1, 2], [0.98, 0.71])))

    assert told.badness == 0
    assert (told.truth, told.prediction) == ("1 cat, 1 dog", "cat 0.98, dog 0.71")


@pytest.mark.parametrize(
    "said",
    [
        pytest.param(found([2], [0.9]), id="another class"),
        pytest.param(found([], []), id="nothing"),
        pytest.param(found([1, 1], [0.9, 0.8]), id="one too many"),
    ],
)
def test_what_is_missed_or_false_is_bad(said: ObjectTargets) -> None:
    told = shown().told(seen(objects([1]), said))

    assert told.badness > 0


def test_a_wrong_class_has_the_colour_of_that_class() -> None:
    panels = shown().panels(seen(objects([1]), found([2], [0.9])))

    left, _, _, bottom = BOXES[0]
    assert at(panels["truth"], left, bottom - 8) == color_of(0)
    assert at(panels["prediction"], left, bottom - 8) == color_of(1)


def test_a_detector_that_is_sure_of_nothing_shows_the_little_there_is() -> None:
    told = shown().told(seen(objects([1]), found([1, 2], [0.31, 0.12])))

    assert told.prediction == "nothing above 0.5; best cat 0.31, dog 0.12"
    assert shown().told(seen(objects([1]), found([], []))).prediction == "nothing"


def test_a_mask_tints_its_object() -> None:
    mask = torch.zeros(1, 1, SIDE, SIDE)
    mask[0, 0, 30:40, 30:40] = 0.9
    image = seen(
        objects([1], masks=(mask[:, 0] > 0.5).to(torch.uint8)), found([1], [0.9], masks=mask)
    )

    for panel in shown("instance_segmentation").panels(image).values():
        assert at(panel, 35, 35) != (0, 0, 0)
        assert at(panel, 48, 48) == (0, 0, 0)


def test_points_that_are_seen_are_dots() -> None:
    points: Tensor = torch.tensor([[[36.0, 44.0, 2.0], [46.0, 54.0, 0.0]]])
    truth = shown("keypoints").panels(seen(objects([1], keypoints=points), found([], [])))["truth"]

    assert at(truth, 36, 44) == color_of(0)
    assert at(truth, 46, 54) == (0, 0, 0)


@pytest.mark.parametrize(
    ("name", "line"),
    [
        ("cat 0.98", "cat 0.98"),
        ("a\nb\x1b[31m\u202ec 0.50", "a b [31m c 0.50"),
        ("a name that never ends at all 0.98", "a name that never \u2026 0.98"),
        ("anameofasinglewordwithoutend", "anameofasinglewordwitho\u2026"),
    ],
)
def test_a_label_is_one_short_line(name: str, line: str) -> None:
    assert printable(name) == line


@pytest.mark.parametrize(
    "box", [(0.0, 0.0, 0.0, 0.0), (90.0, 90.0, 20.0, 10.0), (-50.0, -50.0, 900.0, 900.0)]
)
def test_any_box_of_any_name_can_be_drawn(box: tuple[float, float, float, float]) -> None:
    plain = Image.new("RGB", (100, 100))

    image = marked(plain, [Mark(index=400, label="\u732b\U0001f408 0.5", box=box)])

    assert image.size == plain.size

"""Scenes that are drawn here: circles, squares and triangles on clouds, one truth for every task.

Where an object is, what it is and which colour it has are functions of the seed and the scene's
number; its pixels are drawn when the picture is opened.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from trainer_service.datasets.class_order import (
    ordered_classes,
    ordered_points,
    output_of,
    selected_targets,
)
from trainer_service.datasets.drawn_pictures import Dice, DrawnPictures, Pixels, texture
from trainer_service.datasets.painted_masks import BACKGROUND, PaintedMasks
from trainer_service.datasets.samples import Listing, Samples
from trainer_service.datasets.truths import Flags, Labels, Mask, Masks, Numbers, Objects, Truth
from trainer_service.datasets.wants import DataWants
from trainer_service.jobs import DatasetSpec

SHAPES = ("circle", "square", "triangle")
POINT_NAMES = ("left_top", "right_top", "right_bottom", "left_bottom")
"""Corners of an object's box."""
TARGET_NAMES = ("centre_x", "centre_y", "size")
"""What a regression can learn, in pixels."""

ONE_CLASS = ("shape",)
"""For models of points, which mostly know a single class."""

SINGLE_OBJECT_TASKS = frozenset({"classification", "regression", "simclr"})

SMALLEST_SHARE, LARGEST_SHARE = 0.22, 0.45
"""Of the side: sizes of objects."""
MAX_TRIES = 20
"""To find a free place; afterwards the scene has fewer objects."""
MIN_CONTRAST = 70.0
"""Between an object and the clouds' mean, from 0 to 255, brighter or darker."""

_STREAM = 0x5CE7E


@dataclass(frozen=True, slots=True, kw_only=True)
class Shape:
    """One object of a scene."""

    kind: int
    left: int
    top: int
    size: int

    def mask(self, width: int, height: int) -> Mask:
        """Return [h, w], 0 or 1; it touches all four sides of the box."""
        x = np.arange(width)[None, :] + 0.5 - self.left
        y = np.arange(height)[:, None] + 0.5 - self.top
        is_inside = (x > 0) & (x < self.size) & (y > 0) & (y < self.size)
        half = self.size / 2
        if SHAPES[self.kind] == "circle":
            is_inside &= (x - half) ** 2 + (y - half) ** 2 <= half**2
        if SHAPES[self.kind] == "triangle":
            is_inside &= np.abs(x - half) <= (y + 0.5) / 2
        return is_inside.astype(np.uint8)

    def overlaps(self, other: "Shape") -> bool:
        """Whether the boxes have a pixel in common."""
        return (
            abs(self.left + self.size / 2 - other.left - other.size / 2) * 2
            < self.size + other.size
            and abs(self.top + self.size / 2 - other.top - other.size / 2) * 2
            < self.size + other.size
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class Scenes:
    """All scenes of a seed."""

    seed: int
    side: int
    max_objects: int

    def shapes(self, position: int) -> tuple[Shape, ...]:
        """Return a scene's objects; at least one."""
        dice = Dice(self.seed, _STREAM, position, 0)
        shapes: list[Shape] = []
        for _ in range(1 + dice.below(self.max_objects)):
            for _ in range(MAX_TRIES):
                size = max(round(self.side * dice.between(SMALLEST_SHARE, LARGEST_SHARE)), 1)
                found = Shape(
                    kind=dice.below(len(SHAPES)),
                    left=dice.below(self.side - size + 1),
                    top=dice.below(self.side - size + 1),
                    size=size,
                )
                if not any(found.overlaps(other) for other in shapes):
                    shapes.append(found)
                    break
        return tuple(shapes)

    def pixels(self, position: int) -> Pixels:
        """Return [side, side, 3]."""
        dice = Dice(self.seed, _STREAM, position, 1)
        clouds = texture(dice, self.side, num_cells=6)[:, :, None] * (60 + 60 * dice.uniform(3))
        canvas = clouds + 60 * dice.uniform(3)
        middle = canvas.mean(axis=(0, 1))
        for shape in self.shapes(position):
            away = MIN_CONTRAST + 50 * dice.uniform(3)
            colour = middle + away * (1 if dice.below(2) or middle.min() < MIN_CONTRAST else -1)
            if dice.below(3) == 0:
                colour = np.full(3, colour.mean())
            canvas[shape.mask(self.side, self.side) == 1] = colour
        canvas += 24 * (dice.uniform(self.side, self.side, 1) - 0.5)
        return canvas.clip(0, 255).round().astype(np.uint8)


@dataclass(frozen=True, slots=True, kw_only=True)
class SceneOutlines:
    """Masks of the objects of all scenes."""

    shapes: tuple[Shape, ...]

    def mask(self, object_index: int, width: int, height: int) -> Mask:
        """Return [h, w], 0 or 1."""
        return self.shapes[object_index].mask(width, height)


def drawn_scenes(spec: DatasetSpec, wants: DataWants) -> Listing:
    """Return drawn scenes with what the task needs.

    Raises:
        DataInvalid: the model has other classes, targets or points than the scenes.
    """
    drawn = spec.drawn
    max_objects = 1 if wants.task in SINGLE_OBJECT_TASKS else drawn.max_objects
    scenes = Scenes(seed=drawn.seed, side=drawn.side_px, max_objects=max_objects)
    shapes = [scenes.shapes(position) for position in range(drawn.num_images)]
    names, truth = TRUTHS[wants.task](scenes, shapes, wants)
    every = np.arange(drawn.num_images)
    return Listing(
        class_names=names,
        train=Samples(
            pictures=DrawnPictures(drawing=scenes, chosen=every, noun="scene"), truth=truth
        ),
        keypoint_names=ordered_points(POINT_NAMES, wants) if wants.task == "keypoints" else (),
    )


SceneShapes = list[tuple[Shape, ...]]
NamedTruth = tuple[tuple[str, ...], Truth]


def _labels(scenes: Scenes, shapes: SceneShapes, wants: DataWants) -> NamedTruth:
    names = ordered_classes(SHAPES, wants)
    outputs = output_of(SHAPES, names)
    values = np.array([outputs[single.kind] for (single,) in shapes], dtype=np.int64)
    return names, Labels(values=values, class_names=names)


def _flags(scenes: Scenes, shapes: SceneShapes, wants: DataWants) -> NamedTruth:
    names = ordered_classes(SHAPES, wants)
    outputs = output_of(SHAPES, names)
    values = np.zeros((len(shapes), len(names)), dtype=np.float32)
    for position, scene in enumerate(shapes):
        values[position, [outputs[shape.kind] for shape in scene]] = 1
    return names, Flags(values=values)


def _numbers(scenes: Scenes, shapes: SceneShapes, wants: DataWants) -> NamedTruth:
    names = selected_targets(TARGET_NAMES, wants)
    whole = np.array(
        [(s.left + s.size / 2, s.top + s.size / 2, s.size) for (s,) in shapes], dtype=np.float32
    )
    return names, Numbers(values=whole[:, [TARGET_NAMES.index(name) for name in names]])


def _masks(scenes: Scenes, shapes: SceneShapes, wants: DataWants) -> NamedTruth:
    names = ordered_classes((BACKGROUND, *SHAPES), wants)
    painted = PaintedMasks(
        objects=_object_table(scenes, shapes, SHAPES, (0, 1, 2)),
        outputs=tuple(output_of(SHAPES, names)),
        background=names.index(BACKGROUND),
        ignore_index=wants.ignore_index,
    )
    presence = painted.presence(len(names))
    return names, Masks(source=painted, chosen=np.arange(len(shapes)), presence=presence)


def _objects(scenes: Scenes, shapes: SceneShapes, wants: DataWants) -> NamedTruth:
    is_one_class = max(len(wants.class_names), wants.num_outputs) < 2
    if wants.task == "keypoints" and is_one_class:
        names = wants.class_names or ONE_CLASS
        return names, _object_table(scenes, shapes, names, (0, 0, 0))
    names = ordered_classes(SHAPES, wants)
    return names, _object_table(scenes, shapes, names, output_of(SHAPES, names))


def _nothing(scenes: Scenes, shapes: SceneShapes, wants: DataWants) -> NamedTruth:
    return _labels(scenes, shapes, DataWants(task="classification"))


TRUTHS: Mapping[str, Callable[[Scenes, SceneShapes, DataWants], NamedTruth]] = {
    "classification": _labels,
    "multilabel": _flags,
    "regression": _numbers,
    "segmentation": _masks,
    "detection": _objects,
    "instance_segmentation": _objects,
    "keypoints": _objects,
    "simclr": _nothing,
}


def _object_table(
    scenes: Scenes, shapes: SceneShapes, names: Sequence[str], outputs: Sequence[int]
) -> Objects:
    flat = tuple(shape for scene in shapes for shape in scene)
    boxes = np.array(
        [(s.left, s.top, s.left + s.size, s.top + s.size) for s in flat], dtype=np.float32
    ).reshape(-1, 4)
    corners = boxes[:, [[0, 1], [2, 1], [2, 3], [0, 3]]]  # [M, 4, 2]
    visible = np.full((*corners.shape[:2], 1), 2, dtype=np.float32)
    counts = np.array([len(scene) for scene in shapes], dtype=np.int64)
    return Objects(
        starts=np.concatenate([[0], np.cumsum(counts)]),
        sizes=np.full((len(shapes), 2), scenes.side, dtype=np.int64),
        boxes=boxes,
        labels=np.array([outputs[shape.kind] for shape in flat], dtype=np.int64),
        is_crowd=np.zeros(len(flat), dtype=bool),
        points=np.concatenate([corners, visible], axis=2),
        outlines=SceneOutlines(shapes=flat),
        class_names=tuple(names),
        chosen=np.arange(len(shapes)),
    )

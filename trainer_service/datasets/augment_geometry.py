"""Where the pixels of a changed image come from: crops, flips, shifts and turns as one affine map
per image. Whole-pixel maps copy; the others interpolate.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from typing import Literal

import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor
from torch.nn.functional import grid_sample

from trainer_service.datasets.augment_chance import Chance, Flags, Floats
from trainer_service.jobs import AugmentationStep

Edges = Literal["reflect", "repeat", "nothing"]
Indices = npt.NDArray[np.int64]

HAPPENS, ROWS, COLUMNS, ANGLE = range(4)
"""Streams of random numbers."""

NUM_CROP_ATTEMPTS = 10
"""Crops of a drawn area and ratio may not fit. Source: torchvision's RandomResizedCrop."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Warp:
    """Where each pixel of B images comes from."""

    matrix: Floats
    """[B, 2, 3]: source x, y = matrix @ (x, y, 1), in pixels; a pixel's middle is at a half."""
    edges: Edges = "repeat"
    """What is seen beyond the source's edges."""
    is_exact: bool = False
    """Whether pixels fall on pixels, so that nothing has to be interpolated."""
    is_mirrored: Flags
    """[B]: whether left and right change places."""

    def of(self, number: int) -> "Warp":
        """Return that of one image."""
        one = slice(number, number + 1)
        return replace(self, matrix=self.matrix[one], is_mirrored=self.is_mirrored[one])


def gathered(images: Tensor, warp: Warp, *, outside: int = 0) -> Tensor:
    """Return the images with every pixel copied from where it comes from, or from nearest by.

    Args:
        images: [B, H, W] or [B, H, W, C].
        outside: the value of pixels that come from nowhere.
    """
    height, width = images.shape[1:3]
    columns, rows = (np.floor(each).astype(np.int64) for each in _sources(warp, height, width))
    inside = (columns >= 0) & (columns < width) & (rows >= 0) & (rows < height)
    batch = torch.arange(len(images))[:, None, None]
    taken = images[
        batch,
        torch.from_numpy(_at_edges(rows, height, warp.edges)),
        torch.from_numpy(_at_edges(columns, width, warp.edges)),
    ]
    if warp.edges == "nothing":
        taken[torch.from_numpy(~np.broadcast_to(inside, taken.shape[:3]))] = outside
    return taken


def resampled(planes: Tensor, warp: Warp) -> Tensor:
    """Return [B, 3, H, W], float32, bilinearly interpolated; black where nothing is seen."""
    height, width = planes.shape[2:]
    columns, rows = _sources(warp, height, width)
    # From pixels to grid_sample's -1 to 1, which are the outer edges of the outer pixels.
    grid = np.stack(np.broadcast_arrays(columns * (2 / width) - 1, rows * (2 / height) - 1), -1)
    padding = "zeros" if warp.edges == "nothing" else "border"
    return grid_sample(
        planes,
        torch.from_numpy(grid.astype(np.float32)),
        mode="bilinear",
        padding_mode=padding,
        align_corners=False,
    )


def moved_points(points: Floats, warp: Warp) -> Floats:
    """Return [N, 2]: where x, y of the one source image are afterwards."""
    matrix = warp.matrix[0]
    moved: Floats = (points - matrix[:, 2]) @ np.linalg.inv(matrix[:, :2]).T
    return moved


def turns(warp: Warp) -> bool:
    """Whether rows do not stay rows."""
    return bool(np.any(warp.matrix[:, [0, 1], [1, 0]]))


def _sources(warp: Warp, height: int, width: int) -> tuple[Floats, Floats]:
    """Return x and y of where pixels come from: [B, 1, W] and [B, H, 1], or [B, H, W] each."""
    x = np.arange(width)[None, None, :] + 0.5
    y = np.arange(height)[None, :, None] + 0.5
    (a, b, c), (d, e, f) = warp.matrix.transpose(1, 2, 0)[..., None, None]
    if turns(warp):
        return a * x + b * y + c, d * x + e * y + f
    return a * x + c, e * y + f


def _at_edges(indices: Indices, side: int, edges: Edges) -> Indices:
    if edges != "reflect":
        return indices.clip(0, side - 1)
    positive = np.abs(indices)
    reflected: Indices = np.where(positive >= side, 2 * (side - 1) - positive, positive)
    return reflected


def _unmoved(chance: Chance) -> Floats:
    """Return [B, 2, 3]: every pixel from its own place."""
    return np.tile(np.eye(2, 3), (chance.num_images, 1, 1))


def _never(chance: Chance) -> Flags:
    return np.zeros(chance.num_images, dtype=np.bool_)


def _shift(step: AugmentationStep, chance: Chance, height: int, width: int) -> Warp:
    matrix = _unmoved(chance)
    for axis, stream, side in ((0, COLUMNS, width), (1, ROWS, height)):
        matrix[:, axis, 2] = chance.whole(stream, min(int(side * step.max_share), side - 1))
    return Warp(matrix=matrix, edges="reflect", is_exact=True, is_mirrored=_never(chance))


def _horizontal_flip(step: AugmentationStep, chance: Chance, height: int, width: int) -> Warp:
    matrix = _unmoved(chance)
    is_mirrored = chance.happens(HAPPENS, step.probability)
    matrix[is_mirrored, 0] = (-1, 0, width)
    return Warp(matrix=matrix, is_exact=True, is_mirrored=is_mirrored)


def _vertical_flip(step: AugmentationStep, chance: Chance, height: int, width: int) -> Warp:
    matrix = _unmoved(chance)
    matrix[chance.happens(HAPPENS, step.probability), 1] = (0, -1, height)
    return Warp(matrix=matrix, is_exact=True, is_mirrored=_never(chance))


def _rotation(step: AugmentationStep, chance: Chance, height: int, width: int) -> Warp:
    """About the middle of the image."""
    angles = np.deg2rad(chance.between(ANGLE, -step.max_degrees, step.max_degrees))
    matrix = _unmoved(chance)
    matrix[:, 0, 0] = matrix[:, 1, 1] = np.cos(angles)
    matrix[:, 1, 0] = np.sin(angles)
    matrix[:, 0, 1] = -matrix[:, 1, 0]
    middle = np.array([width / 2, height / 2])
    matrix[:, :, 2] = middle - matrix[:, :, :2] @ middle
    return Warp(matrix=matrix, edges="nothing", is_mirrored=_never(chance))


def _random_resized_crop(step: AugmentationStep, chance: Chance, height: int, width: int) -> Warp:
    sizes = _crop_sizes(step, chance, height, width)
    matrix = _unmoved(chance)
    for axis, stream, side in ((0, COLUMNS, width), (1, ROWS, height)):
        room = side - sizes[axis]
        matrix[:, axis, axis] = sizes[axis] / side
        matrix[:, axis, 2] = np.floor(chance.between(stream, 0.0, 1.0) * (room + 1))
    return Warp(matrix=matrix, is_mirrored=_never(chance))


def _crop_sizes(
    step: AugmentationStep, chance: Chance, height: int, width: int
) -> tuple[Floats, Floats]:
    """Return [B] widths and [B] heights in whole pixels; where no attempt fits, the largest part
    of the image whose ratio is allowed.

    Source: torchvision.transforms.RandomResizedCrop.get_params.
    """
    ratio = np.full(chance.num_images, np.clip(width / height, *step.ratio))
    widths = np.minimum(width, np.round(height * ratio))
    heights = np.minimum(height, np.round(width / ratio))
    for attempt in reversed(range(NUM_CROP_ATTEMPTS)):
        stream = ANGLE + 1 + 2 * attempt
        area = height * width * chance.between(stream, *step.scale)
        ratio = np.exp(chance.between(stream + 1, *np.log(step.ratio)))
        tried = np.round(np.sqrt(area * ratio)), np.round(np.sqrt(area / ratio))
        fits = (tried[0] >= 1) & (tried[0] <= width) & (tried[1] >= 1) & (tried[1] <= height)
        widths, heights = np.where(fits, tried[0], widths), np.where(fits, tried[1], heights)
    return np.maximum(widths, 1), np.maximum(heights, 1)


WARPS: Mapping[str, Callable[[AugmentationStep, Chance, int, int], Warp]] = {
    "random_resized_crop": _random_resized_crop,
    "horizontal_flip": _horizontal_flip,
    "vertical_flip": _vertical_flip,
    "shift": _shift,
    "rotation": _rotation,
}
"""By the step's kind. Arguments: the step, its draws, height and width in pixels."""

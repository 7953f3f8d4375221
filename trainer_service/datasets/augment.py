"""How training images vary. What happens to an image depends on the seed, the epoch, the view, the
step and the image's position in the data set alone, never on its company, on order or on what was
drawn before. Masks, boxes and points move along.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor

from trainer_service.datasets.augment_chance import Chance
from trainer_service.datasets.augment_colour import blurred, greyed, jittered
from trainer_service.datasets.augment_geometry import WARPS, Warp, gathered, resampled
from trainer_service.datasets.augment_objects import moved_objects
from trainer_service.datasets.batch import Positions, Targets
from trainer_service.jobs import AugmentationStep
from trainer_service.jobs.learning_spec import DEFAULT_IGNORE_INDEX

COLOURS: Mapping[str, Callable[[Tensor, AugmentationStep, Chance], Tensor]] = {
    "color_jitter": jittered,
    "grayscale": greyed,
    "gaussian_blur": blurred,
}
"""What changes colours alone. Each takes and returns [B, 3, H, W], float32, 0 to 255."""

NUM_MASK_DIMENSIONS = 3
"""Targets [B, H, W] are masks; labels and numbers have fewer dimensions."""

LEFT, RIGHT = "left", "right"


@dataclass(frozen=True, slots=True, kw_only=True)
class Variation:
    """How the images of a data set vary."""

    steps: tuple[AugmentationStep, ...] = ()
    """In the order in which they are applied."""
    seed: int = 0
    outside: int = DEFAULT_IGNORE_INDEX
    """What a mask says where a turned image shows nothing."""
    mirrored_points: tuple[int, ...] = ()
    """Where each key point of a mirrored image comes from: left and right change places. Empty
    leaves their order alone."""


def augmented(
    pixels: Tensor | list[Tensor],
    targets: Targets,
    positions: Positions,
    variation: Variation,
    *,
    epoch: int,
    view: int = 0,
) -> tuple[Tensor | list[Tensor], Targets]:
    """Return images and targets after all steps; the given ones stay as they are.

    Args:
        pixels: [B, H, W, 3], uint8, on the CPU; or B images [H, W, 3] of their own sizes.
        positions: [B], each image's position in the data set.
        view: tells several versions of an image in one epoch apart.
    """
    if not variation.steps:
        return pixels, targets
    if isinstance(pixels, list):
        return _one_by_one(pixels, targets, positions, variation, (epoch, view))
    keys = (variation.seed, epoch, view)
    for number, step in enumerate(variation.steps):
        chance = Chance(positions=positions, keys=(*keys, number))
        if step.kind in COLOURS:
            pixels = COLOURS[step.kind](_planes(pixels), step, chance).permute(0, 2, 3, 1)
            continue
        height, width = pixels.shape[1:3]
        warp = WARPS[step.kind](step, chance, height, width)
        pixels = _moved_pixels(pixels, warp)
        targets = _moved_targets(targets, warp, variation, (height, width))
    return _whole(pixels), targets


def mirrored_points(names: Sequence[str]) -> tuple[int, ...]:
    """Return where each point of a mirrored image comes from: `left_eye` from `right_eye`."""
    places = {name: place for place, name in enumerate(names)}
    return tuple(places.get(_other_side(name), place) for place, name in enumerate(names))


def _other_side(name: str) -> str:
    if LEFT in name:
        return name.replace(LEFT, RIGHT)
    return name.replace(RIGHT, LEFT)


def _one_by_one(
    images: list[Tensor],
    targets: Targets,
    positions: Positions,
    variation: Variation,
    moment: tuple[int, int],
) -> tuple[list[Tensor], Targets]:
    """Images of different sizes are batches of one."""
    epoch, view = moment
    changed: list[Tensor] = []
    parts: list[Targets] = []
    for number, image in enumerate(images):
        alone, part = augmented(
            image[None],
            None if targets is None else targets[number : number + 1],
            positions[number : number + 1],
            variation,
            epoch=epoch,
            view=view,
        )
        changed.append(alone[0])
        parts.append(part)
    return changed, _joined(parts)


def _joined(parts: list[Targets]) -> Targets:
    tensors = [part for part in parts if isinstance(part, Tensor)]
    if tensors:
        return torch.cat(tensors)
    lists = [part for part in parts if isinstance(part, list)]
    return [objects for part in lists for objects in part] if lists else None


def _moved_pixels(pixels: Tensor, warp: Warp) -> Tensor:
    if warp.is_exact:
        return gathered(pixels, warp)
    return resampled(_planes(pixels), warp).permute(0, 2, 3, 1)


def _moved_targets(
    targets: Targets, warp: Warp, variation: Variation, size: tuple[int, int]
) -> Targets:
    if isinstance(targets, list):
        order = np.asarray(variation.mirrored_points, dtype=np.int64)
        return [
            moved_objects(objects, warp.of(number), size, order)
            for number, objects in enumerate(targets)
        ]
    if targets is None or targets.ndim != NUM_MASK_DIMENSIONS:
        return targets
    return gathered(targets, warp, outside=variation.outside)


def _planes(pixels: Tensor) -> Tensor:
    """Return [B, 3, H, W], float32, 0 to 255: a plane per colour."""
    return pixels.permute(0, 3, 1, 2).to(torch.float32, memory_format=torch.contiguous_format)


def _whole(pixels: Tensor) -> Tensor:
    if pixels.dtype == torch.uint8:
        return pixels.contiguous()
    return pixels.round().clamp_(0, 255).to(torch.uint8, memory_format=torch.contiguous_format)

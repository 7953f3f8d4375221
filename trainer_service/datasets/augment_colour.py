"""Colours that vary: brightness, contrast, saturation, hue, greys and blur. Each function takes and
returns [B, 3, H, W], float32, 0 to 255; images that are not drawn stay as they are.
"""

import math
from collections.abc import Callable

import numpy as np
import torch
from torch import Tensor
from torch.nn.functional import pad

from trainer_service.datasets.augment_chance import Chance, Flags, Floats, factors
from trainer_service.jobs import AugmentationStep

HAPPENS, BRIGHTNESS, CONTRAST, SATURATION, HUE, SIGMA = range(6)
"""Streams of random numbers."""

GREY_SHARES = (0.2989, 0.587, 0.114)
"""Of red, green and blue. Source: torchvision.transforms.functional.rgb_to_grayscale."""

BRIGHTEST = 255.0
NUM_SIGMAS = 3
"""Beyond three standard deviations a Gaussian is below 0.3 % of its weight."""


def jittered(planes: Tensor, step: AugmentationStep, chance: Chance) -> Tensor:
    """Vary brightness, contrast, saturation and hue, in this order.

    Source: torchvision.transforms.functional.adjust_brightness, adjust_contrast,
    adjust_saturation and adjust_hue.
    """
    chosen = chance.happens(HAPPENS, step.probability)

    def varied(stream: int, most: float) -> Tensor:
        return factors(chance.between(stream, max(0.0, 1 - most), 1 + most)[chosen])

    def change(images: Tensor) -> Tensor:
        if step.brightness:
            images = (images * varied(BRIGHTNESS, step.brightness)).clamp_(0, BRIGHTEST)
        if step.contrast:
            images = _mixed(images, _mean_grey(images), varied(CONTRAST, step.contrast))
        if step.saturation:
            images = _mixed(images, _grey(images), varied(SATURATION, step.saturation))
        if step.hue:
            images = _turned_hue(images, factors(chance.between(HUE, -step.hue, step.hue)[chosen]))
        return images

    return _where(chosen, planes, change)


def greyed(planes: Tensor, step: AugmentationStep, chance: Chance) -> Tensor:
    """Turn some images grey."""
    chosen = chance.happens(HAPPENS, step.probability)
    return _where(chosen, planes, lambda images: _grey(images).expand_as(images))


def blurred(planes: Tensor, step: AugmentationStep, chance: Chance) -> Tensor:
    """Blur some images, each by its own Gaussian; edges are reflected.

    Sums of shifted images rather than a convolution: the same numbers in any company.
    """
    chosen = chance.happens(HAPPENS, step.probability)
    sigmas = chance.between(SIGMA, *step.sigma_px)[chosen]
    radius = math.ceil(NUM_SIGMAS * step.sigma_px[1])

    def change(images: Tensor) -> Tensor:
        return _blurred_along(_blurred_along(images, 3, sigmas, radius), 2, sigmas, radius)

    return _where(chosen, planes, change)


def _where(chosen: Flags, planes: Tensor, change: Callable[[Tensor], Tensor]) -> Tensor:
    """Return the planes with the chosen images changed."""
    if not chosen.any():
        return planes
    which = torch.from_numpy(np.flatnonzero(chosen))
    return planes.index_copy(0, which, change(planes[which]))


def _mixed(images: Tensor, other: Tensor, share: Tensor) -> Tensor:
    """Return share * images + (1 - share) * other."""
    return (images * share + other * (1 - share)).clamp_(0, BRIGHTEST)


def _grey(images: Tensor) -> Tensor:
    """Return [B, 1, H, W]."""
    red, green, blue = images.unbind(1)
    shares = GREY_SHARES
    return (shares[0] * red + shares[1] * green + shares[2] * blue)[:, None]


def _mean_grey(images: Tensor) -> Tensor:
    """Return [B, 1, 1, 1]. A sum of whole numbers is exact in any order of addition."""
    greys = _grey(images).floor()
    mean = greys.sum(dim=(1, 2, 3), keepdim=True, dtype=torch.float64) / greys[0].numel()
    return mean.float()


def _turned_hue(images: Tensor, turn: Tensor) -> Tensor:
    """Return the images with every hue moved by this share of the circle.

    Source: the formula f(n) = v - v s max(0, min(k, 4 - k, 1)), k = (n + 6 h) mod 6, for red,
    green and blue with n = 5, 3, 1, in HSL and HSV, Wikipedia.
    """
    red, green, blue = images.unbind(1)
    value = images.amax(dim=1)
    chroma = value - images.amin(dim=1)  # v s
    safe = torch.where(chroma > 0, chroma, torch.ones_like(chroma))
    sixth = torch.where(
        value == red,
        (green - blue) / safe,
        torch.where(value == green, 2 + (blue - red) / safe, 4 + (red - green) / safe),
    )
    sixth = sixth + 6 * turn[:, 0]
    channels = []
    for number in (5, 3, 1):
        k = torch.remainder(sixth + number, 6)
        channels.append(value - chroma * torch.minimum(k, 4 - k).clamp_(0, 1))
    return torch.stack(channels, dim=1)


def _blurred_along(images: Tensor, axis: int, sigmas: Floats, radius: int) -> Tensor:
    """Return the images, each convolved along one axis with a Gaussian of its own width."""
    side = images.shape[axis]
    reach = min(radius, side - 1)
    offsets = np.arange(-reach, reach + 1)
    weights = np.exp(-0.5 * (offsets[None, :] / np.maximum(sigmas, 1e-6)[:, None]) ** 2)
    weights /= weights.sum(axis=1, keepdims=True)
    border = (reach, reach, 0, 0) if axis == 3 else (0, 0, reach, reach)
    padded = pad(images, border, mode="reflect") if reach else images
    total = torch.zeros_like(images)
    for place in range(len(offsets)):
        total += padded.narrow(axis, place, side) * factors(weights[:, place])
    return total

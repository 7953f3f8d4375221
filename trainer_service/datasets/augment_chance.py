"""What is drawn for the images of a batch: numbers that depend on each image's position and on the
keys, so that an image is drawn for alike in any company.
"""

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor

from trainer_service.datasets.batch import Positions
from trainer_service.datasets.split import draws

Floats = npt.NDArray[np.float64]
Flags = npt.NDArray[np.bool_]

FRACTION_BITS = 53
"""Of a float64."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Chance:
    """The draws of one step. Each stream (a small number) gives other ones."""

    positions: Positions
    keys: tuple[int, ...]

    @property
    def num_images(self) -> int:
        """Return B."""
        return len(self.positions)

    def between(self, stream: int, low: float, high: float) -> Floats:
        """Return [B], evenly from `low` to `high`."""
        shares = self._draws(stream) >> np.uint64(64 - FRACTION_BITS)
        return low + (high - low) * (shares.astype(np.float64) * 2.0**-FRACTION_BITS)

    def whole(self, stream: int, most: int) -> npt.NDArray[np.int64]:
        """Return [B], whole numbers from -most to most."""
        return (self._draws(stream) % np.uint64(2 * most + 1)).astype(np.int64) - most

    def happens(self, stream: int, probability: float) -> Flags:
        """Return [B], true for this share of the images."""
        return self.between(stream, 0.0, 1.0) < probability

    def _draws(self, stream: int) -> npt.NDArray[np.uint64]:
        return draws(self.positions, *self.keys, stream)


def factors(numbers: Floats) -> Tensor:
    """Return [B, 1, 1, 1], float32: one number per image, ready to be multiplied with planes."""
    return torch.from_numpy(numbers.astype(np.float32))[:, None, None, None]

"""Pictures that are drawn when they are opened, and the dice that say how."""

import hashlib
from dataclasses import dataclass, replace
from typing import Protocol

import numpy as np
import numpy.typing as npt

from trainer_service.datasets.samples import OpenedPicture
from trainer_service.datasets.split import draws
from trainer_service.datasets.truths import Positions

Pixels = npt.NDArray[np.uint8]

USED_BITS = 53
"""Of 64 random bits, as many as a double holds."""


AT_ONCE = 64
"""Numbers that are thrown together: one by one takes as long as all of them."""


class Dice:
    """Random numbers in a row, the same for the same keys on every machine."""

    def __init__(self, *keys: int) -> None:
        self._keys = keys
        self._block = np.empty(0)
        self._block_start = 0
        self._num_thrown = 0

    def uniform(self, *shape: int) -> npt.NDArray[np.float64]:
        """Return numbers from 0 up to 1."""
        count = int(np.prod(shape, dtype=np.int64))
        if self._num_thrown + count > self._block_start + len(self._block):
            self._throw(max(count, AT_ONCE))
        start = self._num_thrown - self._block_start
        self._num_thrown += count
        return self._block[start : start + count].reshape(shape)

    def _throw(self, count: int) -> None:
        places = np.arange(self._num_thrown, self._num_thrown + count)
        bits = draws(places, *self._keys) >> np.uint64(64 - USED_BITS)
        self._block, self._block_start = bits.astype(np.float64) / 2**USED_BITS, self._num_thrown

    def between(self, low: float, high: float) -> float:
        """Return one number of a range."""
        return low + float(self.uniform(1)[0]) * (high - low)

    def below(self, limit: int) -> int:
        """Return one of 0 to limit - 1."""
        return int(self.uniform(1)[0] * limit)


def texture(dice: Dice, side: int, *, num_cells: int) -> npt.NDArray[np.float64]:
    """Return [side, side] from 0 to 1: clouds, `num_cells` along each side."""
    from PIL import Image  # not for looking at a data set

    cells = Image.fromarray((dice.uniform(num_cells, num_cells) * 255).astype(np.uint8))
    return np.asarray(cells.resize((side, side), Image.Resampling.BICUBIC)) / 255.0


class Drawing(Protocol):
    """What can draw any number of pictures."""

    def pixels(self, position: int) -> Pixels:
        """Return [h, w, 3]; a function of the position alone."""
        ...


@dataclass(frozen=True, slots=True, kw_only=True)
class DrawnPictures:
    """Pictures of a drawing."""

    drawing: Drawing
    chosen: Positions
    noun: str
    """What each is called, with its number."""

    def __len__(self) -> int:
        """Return N."""
        return len(self.chosen)

    def at(self, positions: Positions) -> "DrawnPictures":
        """Return these pictures."""
        return replace(self, chosen=self.chosen[positions])

    def name(self, position: int) -> str:
        """Return `scene 12`."""
        return f"{self.noun} {self.chosen[position]}"

    def open(self, position: int) -> OpenedPicture:
        """Draw one."""
        from PIL import Image  # not for looking at a data set

        pixels = np.ascontiguousarray(self.drawing.pixels(int(self.chosen[position])))
        digest = hashlib.sha256(repr(pixels.shape).encode() + pixels.tobytes()).hexdigest()
        return OpenedPicture(image=Image.fromarray(pixels), digest=digest)

"""What goes through a model together: images, and what is true of them."""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Protocol

import numpy as np
import numpy.typing as npt
from torch import Tensor

Positions = npt.NDArray[np.int64]

ObjectTargets = dict[str, Tensor]
"""What is true of the objects of one image, as torchvision's detectors take it: `boxes` [N, 4]
float32 x1, y1, x2, y2 in pixels of the image; `labels` [N] int64, 1 and up; `masks` [N, H, W]
uint8; `keypoints` [N, K, 3] float32 x, y, visibility; `is_crowd` [N] bool."""

Targets = Tensor | list[ObjectTargets] | None
"""By the task:
classification [B] int64; multilabel [B, K] float32, 0 or 1; regression [B, K] float32, in the
data's own units; segmentation [B, H, W] int64 (class indices, also where the loss is binary);
detection and its like a list; simclr [B] int64, or None where the images have no labels."""

Inputs = Tensor | list[Tensor] | tuple[Tensor, ...]
"""What the network takes: images [B, 3, H, W] float32, normalised, channels last in memory; for
detectors a list of [3, H, W] from 0 to 1; for SimCLR [2B, 3, H, W], all first views, then all
second ones; for cached features a tuple of the tensors that enter what trains."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Batch:
    """Images and targets that go through the model together, on the model's device."""

    images: Inputs
    targets: Targets
    positions: Positions
    """[B]: where the images are in their split."""
    is_reference: bool = False
    """Training images that a probe compares with: judged for nothing, counted by no loss."""

    @property
    def num_images(self) -> int:
        """Return B."""
        return len(self.positions)


NOTHING = Batch(images=(), targets=None, positions=np.empty(0, dtype=np.int64))
"""Of a rank that has no image of a very small batch."""


class Batches(Protocol):
    """Where the loop gets its batches from: images, pairs of views, or cached features."""

    def training(self, epoch: int, start: int = 0) -> Iterator[Batch]:
        """Yield one epoch's training batches; a function of the epoch (from 1) alone.

        Args:
            start: batches that were there before; nothing is read for them.
        """
        ...

    def validation(self) -> Iterator[Batch]:
        """Yield all validation images as they are, in their own order; a rank of several, the
        batches that are its own.
        """
        ...

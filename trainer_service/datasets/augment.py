"""How training images vary. What happens to an image depends on the seed, the epoch and the image's
position in the data set alone, never on batch size, order or what was drawn before.
"""

from collections.abc import Sequence

import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor

from trainer_service.datasets.split import draws
from trainer_service.jobs import AugmentationStep

SHARE_OF_SIDE = 8
"""Images move by up to one eighth of their side, as the contract says."""

ROWS, COLUMNS, MIRRORED = range(3)
"""Streams of random numbers, one per kind of change."""


def augmented(
    images: Tensor,
    positions: npt.NDArray[np.int64],
    *,
    steps: Sequence[AugmentationStep],
    seed: int,
    epoch: int,
) -> Tensor:
    """Return the batch after all steps.

    Args:
        images: [B, H, W, 3], uint8, on the CPU.
        positions: [B], each image's position in the data set.
    """
    if not steps:
        return images
    height, width = images.shape[1:3]
    rows = _shifted(height, draws(positions, seed, epoch, ROWS))
    columns = _shifted(width, draws(positions, seed, epoch, COLUMNS))
    if any(step.kind == "horizontal_flip" for step in steps):
        is_mirrored = draws(positions, seed, epoch, MIRRORED) % np.uint64(2) == 1
        columns[is_mirrored] = columns[is_mirrored, ::-1]
    batch = torch.arange(len(images))[:, None, None]
    return images[batch, torch.from_numpy(rows)[:, :, None], torch.from_numpy(columns)[:, None, :]]


def _shifted(side: int, numbers: npt.NDArray[np.uint64]) -> npt.NDArray[np.int64]:
    """Return [B, side]: where each row (or column) comes from, reflected at the edges."""
    most = min(side // SHARE_OF_SIDE, side - 1)
    shifts = (numbers % np.uint64(2 * most + 1)).astype(np.int64) - most
    sources = np.abs(np.arange(side)[None, :] + shifts[:, None])
    reflected: npt.NDArray[np.int64] = np.where(sources >= side, 2 * (side - 1) - sources, sources)
    return reflected

"""The one pass of the frozen part over all images."""

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor

from trainer_service.datasets.batch import Batch, Positions
from trainer_service.datasets.batches import EVALUATION_BATCH_SIZE, ImageBatches
from trainer_service.datasets.images import Images, KeptImages
from trainer_service.features.caching import Caching
from trainer_service.features.table import Rows, Table
from trainer_service.features.taps import Prefix

NARROW = torch.int16
"""Of masks: more classes than anybody has."""


@dataclass(slots=True, kw_only=True)
class Filled:
    """What came out of the pass besides the rows."""

    stands_for: Rows
    """[views, N]: which image is really in a training row."""
    validation_steps: tuple[Positions, ...]
    train_targets: Tensor | None = None
    """[views x N, ...]: maps that vary with their images, or would be read from disk each time."""
    validation_targets: Tensor | None = None
    """[N, ...], likewise, in the rows' order."""
    is_complete: bool = True
    """Whether every image is in its own row."""


def nothing_moved(batches: ImageBatches, num_views: int) -> Filled:
    """Return what holds where every image is in its own row."""
    own = np.arange(len(batches.dataset.train))
    every = np.arange(len(batches.dataset.validation))
    starts = range(0, len(every), EVALUATION_BATCH_SIZE)
    return Filled(
        stands_for=np.tile(own, (num_views, 1)),
        validation_steps=tuple(every[start:][:EVALUATION_BATCH_SIZE] for start in starts),
    )


def rounds_by_place(prefix: Prefix, image: Tensor, num_images: int, batch_size: int) -> bool:
    """Whether an image gives other bits at another place of a batch, or in a last, smaller one.

    Some kernels cut their sums by the batch. Then no two epochs agree to the last bit either.

    Args:
        image: [1, C, H, W].
    """
    same = image.expand(min(batch_size, num_images), *image.shape[1:])
    same = same.contiguous(memory_format=torch.channels_last)
    whole = prefix(same)
    last = prefix(same[: num_images % batch_size]) if num_images % batch_size else whole
    return not all(
        torch.equal(rows, first[:1].expand_as(rows))
        for first, tensors in zip(whole, zip(whole, last, strict=True), strict=True)
        for rows in tensors
    )


def fill(
    prefix: Prefix,
    batches: ImageBatches,
    caching: Caching,
    train: tuple[Table, ...],
    validation: tuple[Table, ...],
) -> Filled:
    """Write all rows. Training images go through at one batch shape, the last batch padded;
    validation images in the batches in which they always come.
    """
    filled = nothing_moved(batches, caching.plan.num_views)
    usual = nothing_moved(batches, caching.plan.num_views)
    filled.train_targets = _fill_training(prefix, batches, caching, train, filled)
    filled.validation_targets = _fill_validation(prefix, batches, caching, validation, filled)
    filled.is_complete = np.array_equal(filled.stands_for, usual.stands_for) and np.array_equal(
        np.concatenate(filled.validation_steps), np.concatenate(usual.validation_steps)
    )
    return filled


def _fill_training(
    prefix: Prefix,
    batches: ImageBatches,
    caching: Caching,
    tables: tuple[Table, ...],
    filled: Filled,
) -> Tensor | None:
    num_images, varies = len(batches.dataset.train), bool(batches.order.augmentation)
    targets = _KeptMaps(filled.stands_for.size, varies or not _is_kept(batches.dataset.train))
    for view in range(caching.plan.num_views):
        for positions, batch in _blocks(batches, caching.batch_size, epoch=view + 1):
            caching.check()
            count, first = len(positions), view * num_images + int(positions[0])
            _put(tables, first, prefix(_images(batch)), count)
            filled.stands_for[view, positions] = batch.positions[:count]
            targets.put(first, batch, count)
    return targets.kept


def _fill_validation(
    prefix: Prefix,
    batches: ImageBatches,
    caching: Caching,
    tables: tuple[Table, ...],
    filled: Filled,
) -> Tensor | None:
    images = batches.dataset.validation
    targets = _KeptMaps(len(images), not _is_kept(images))
    steps: list[Positions] = []
    start = 0
    for batch in batches.validation():
        caching.check()
        _put(tables, start, prefix(_images(batch)), batch.num_images)
        targets.put(start, batch, batch.num_images)
        steps.append(batch.positions)
        start += batch.num_images
    filled.validation_steps = tuple(steps)
    return targets.kept


def _blocks(
    batches: ImageBatches, batch_size: int, *, epoch: int
) -> Iterator[tuple[Positions, Batch]]:
    """Yield all training images in their own order, and batches that hold them; padded with the
    last image.
    """
    every = np.arange(len(batches.dataset.train))
    size = min(batch_size, len(every))
    for start in range(0, len(every), size):
        positions = every[start : start + size]
        padded = np.pad(positions, (0, size - len(positions)), mode="edge")
        yield positions, batches.training_at(padded, epoch=epoch)


def _put(tables: tuple[Table, ...], start: int, tensors: tuple[Tensor, ...], count: int) -> None:
    for table, tensor in zip(tables, tensors, strict=True):
        table.put(start, tensor[:count])


def _images(batch: Batch) -> Tensor:
    assert isinstance(batch.images, Tensor)
    return batch.images


def _is_kept(images: Images) -> bool:
    """Whether what is true of them is in memory."""
    return isinstance(images, KeptImages)


class _KeptMaps:
    """Targets that are maps, one number or more a pixel, where they have to be kept."""

    def __init__(self, num_rows: int, is_wanted: bool) -> None:
        self._num_rows = num_rows if is_wanted else 0
        self.kept: Tensor | None = None

    def put(self, start: int, batch: Batch, count: int) -> None:
        """Keep a batch's."""
        targets = batch.targets
        if not self._num_rows or not isinstance(targets, Tensor) or targets.ndim <= 2:
            return
        if self.kept is None:
            shape = (self._num_rows, *targets.shape[1:])
            self.kept = torch.empty(shape, dtype=_narrow(targets))
        self.kept[start : start + count] = targets[:count].cpu()


def _narrow(targets: Tensor) -> torch.dtype:
    return NARROW if targets.dtype == torch.int64 else targets.dtype

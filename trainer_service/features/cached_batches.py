"""Batches of kept features, in the order in which the images would have come."""

from collections.abc import Iterator
from dataclasses import dataclass
from itertools import accumulate

import numpy as np
import torch
from torch import Tensor

from trainer_service.datasets.batch import NOTHING, Batch, Positions
from trainer_service.datasets.batches import ImageBatches
from trainer_service.datasets.images import Images
from trainer_service.features.filling import Filled
from trainer_service.features.table import Rows, Table


@dataclass(frozen=True, slots=True, kw_only=True)
class CachedBatches:
    """Batches whose inputs are what enters the living part."""

    batches: ImageBatches
    """Which images come when, and what is true of them."""
    num_views: int
    train_tables: tuple[Table, ...]
    """A table for each slot; view after view of all images."""
    validation_tables: tuple[Table, ...]
    filled: Filled
    """Which images are in which rows."""

    def training(self, epoch: int, start: int = 0) -> Iterator[Batch]:
        """Yield one epoch's batches from `start` on: views take turns, epoch by epoch."""
        view = (epoch - 1) % self.num_views
        images, kept = self.batches.dataset.train, self.filled.train_targets
        for positions in self.batches.training_steps(epoch, start):
            really = self.filled.stands_for[view, positions]
            rows = positions + view * len(images)
            yield self._batch(self.train_tables, rows, kept, images, really)

    def validation(self) -> Iterator[Batch]:
        """Yield the validation images, in their own order: all, or this rank's batches of them."""
        images, kept = self.batches.dataset.validation, self.filled.validation_targets
        steps = self.filled.validation_steps
        ends = accumulate(len(positions) for positions in steps)
        for end, positions in self.batches.order.part.every(zip(ends, steps, strict=True)):
            rows = np.arange(end - len(positions), end)
            yield self._batch(self.validation_tables, rows, kept, images, positions)

    def _batch(
        self,
        tables: tuple[Table, ...],
        rows: Rows,
        kept: Tensor | None,
        images: Images,
        positions: Positions,
    ) -> Batch:
        if not len(positions):
            return NOTHING
        device = self.batches.device
        targets = images.targets(positions) if kept is None else _widened(kept, rows)
        return Batch(
            images=tuple(table.get(rows, device) for table in tables),
            targets=targets.to(device) if isinstance(targets, Tensor) else targets,
            positions=positions,
        )


def _widened(kept: Tensor, rows: Rows) -> Tensor:
    """Return [B, ...] as the data has them."""
    chosen = kept.index_select(0, torch.from_numpy(rows))
    return chosen if chosen.is_floating_point() else chosen.long()

"""Batches for SimCLR: every image in two views that vary differently. Validation shows the images
as they are besides, and before them the training images that their neighbours are looked for among.
"""

from collections.abc import Iterator
from dataclasses import dataclass, replace

import numpy as np
import torch
from torch import Tensor

from catalog_service.models.contracts import InputContract
from trainer_service.datasets.augment import Variation, augmented
from trainer_service.datasets.batch import Batch
from trainer_service.datasets.batches import (
    TrainingOrder,
    as_batch,
    evaluation_batches,
    made_ahead,
)
from trainer_service.datasets.images import Loaded, read_all
from trainer_service.datasets.read import Dataset
from trainer_service.datasets.split import shuffled

NUM_VIEWS = 2

VALIDATION_EPOCH = 0
"""Training counts epochs from 1: validation images are always seen in the same views."""

MAX_REFERENCES = 5000
"""Training images that a probe compares with: more would take longer than an epoch's news is
worth."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ViewBatches:
    """Pairs of views: [2B, 3, H, W], all first ones, then all second ones."""

    dataset: Dataset
    order: TrainingOrder
    contract: InputContract
    device: torch.device

    def training(self, epoch: int, start: int = 0) -> Iterator[Batch]:
        """Yield one epoch's batches from `start` on, shuffled. Where an image cannot be read,
        another takes its place.
        """
        images = self.dataset.train
        chosen = self.order.steps(len(images), epoch, start)
        loaded = (read_all(images, each) for each in chosen)
        return made_ahead((self._views(each, epoch=epoch) for each in loaded), images)

    def validation(self) -> Iterator[Batch]:
        """Yield references [B, ...] where images are labelled, then all validation images, each as
        it is and in two views, [3B, ...]; as many together as in training, since the loss is that
        of finding an image among them. A rank of several has its own batches, and these whole.
        """
        yield from self.references()
        images, size = self.dataset.validation, self.order.batch_size
        # No batch of a single image, which is always found: the last ones are shared out.
        parts = np.array_split(np.arange(len(images)), max(1, len(images) // size))
        loaded = (images.read(chosen) for chosen in self.order.part.every(parts))
        batches = (self._views(each, epoch=VALIDATION_EPOCH, plain=True) for each in loaded)
        yield from made_ahead((each for each in batches if each.num_images), images)

    def references(self) -> Iterator[Batch]:
        """Yield labelled training images as they are: all of them, or a fixed choice."""
        images = self.dataset.train
        chosen = np.sort(shuffled(len(images), seed=0, epoch=0)[:MAX_REFERENCES])
        if images.read(chosen[:1]).targets is None:
            return
        for batch in evaluation_batches(
            images, self.contract, self.device, positions=chosen, part=self.order.part
        ):
            yield replace(batch, is_reference=True)

    def _views(self, loaded: Loaded, *, epoch: int, plain: bool = False) -> Batch:
        variation = Variation(steps=self.order.augmentation, seed=self.order.seed)
        shown = [loaded.pixels] if plain else []
        for view in range(NUM_VIEWS):
            pixels, _ = augmented(
                loaded.pixels, None, loaded.positions, variation, epoch=epoch, view=view
            )
            shown.append(pixels)
        tensors = [each for each in shown if isinstance(each, Tensor)]
        assert len(tensors) == len(shown)
        together = Loaded(
            pixels=torch.cat(tensors), targets=loaded.targets, positions=loaded.positions
        )
        return as_batch(together, self.contract, self.device)

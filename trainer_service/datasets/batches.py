"""Batches: which images come when, and how their pixels become the model's input."""

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import TypeVar

import numpy as np
import torch
from torch import Tensor

from catalog_service.models.contracts import InputContract
from trainer_service.datasets.augment import Variation, augmented
from trainer_service.datasets.batch import Batch, Positions, Targets
from trainer_service.datasets.images import Images, KeptImages
from trainer_service.datasets.read import Dataset
from trainer_service.datasets.split import shuffled
from trainer_service.jobs import AugmentationStep

Item = TypeVar("Item")

EVALUATION_BATCH_SIZE = 64
"""Images per batch where nothing trains: enough to fill a device, and no activations are kept."""


@dataclass(frozen=True, slots=True, kw_only=True)
class TrainingOrder:
    """Which images come when, as a function of the seed and the epoch."""

    batch_size: int
    num_steps: int
    """Per epoch; images beyond the last step are left out."""
    seed: int
    augmentation: tuple[AugmentationStep, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class ImageBatches:
    """Batches of images: shuffled and varied for training, as they are for validation."""

    dataset: Dataset
    order: TrainingOrder
    contract: InputContract
    device: torch.device

    def training(self, epoch: int) -> Iterator[Batch]:
        """Yield one epoch's batches, shuffled and augmented."""
        batches = (self.training_at(chosen, epoch=epoch) for chosen in self.training_steps(epoch))
        return _made_ahead(batches, self.dataset.train)

    def training_steps(self, epoch: int) -> Iterator[Positions]:
        """Yield which training images come together, batch by batch."""
        images, size = self.dataset.train, self.order.batch_size
        positions = shuffled(len(images), seed=self.order.seed, epoch=epoch)
        return (positions[step * size :][:size] for step in range(self.order.num_steps))

    def training_at(self, positions: Positions, *, epoch: int) -> Batch:
        """Return these training images, varied as in this epoch."""
        images = self.dataset.train
        variation = Variation(steps=self.order.augmentation, seed=self.order.seed)
        pixels, targets = augmented(
            images.pixels(positions), images.targets(positions), positions, variation, epoch=epoch
        )
        assert isinstance(pixels, torch.Tensor)
        return _batch(pixels, targets, positions, self.contract, self.device)

    def validation(self) -> Iterator[Batch]:
        """Yield all validation images as they are, in their own order."""
        return evaluation_batches(self.dataset.validation, self.contract, self.device)


def evaluation_batches(
    images: Images,
    contract: InputContract,
    device: torch.device,
    *,
    positions: Positions | None = None,
) -> Iterator[Batch]:
    """Return all images as they are, in their own order unless `positions` says otherwise."""
    order = np.arange(len(images)) if positions is None else positions

    def batch(start: int) -> Batch:
        chosen = order[start : start + EVALUATION_BATCH_SIZE]
        return _batch(images.pixels(chosen), images.targets(chosen), chosen, contract, device)

    return _made_ahead(map(batch, range(0, len(order), EVALUATION_BATCH_SIZE)), images)


def _batch(
    pixels: Tensor,
    targets: Targets,
    positions: Positions,
    contract: InputContract,
    device: torch.device,
) -> Batch:
    return Batch(
        images=as_input(pixels.to(device), contract),
        targets=targets.to(device) if isinstance(targets, Tensor) else targets,
        positions=positions,
    )


def as_input(pixels: Tensor, contract: InputContract) -> Tensor:
    """Return [B, 3, H, W] float32 from [B, H, W, 3] uint8: divided by 255, then normalised.

    Channels stay last in memory, which is what convolutions like best and costs no copy.

    Source: torchvision.transforms.functional.convert_image_dtype and normalize, in their order of
    operations, so that the numbers are the same to the last bit.
    """
    mean = torch.tensor(contract.mean, dtype=torch.float32, device=pixels.device)
    std = torch.tensor(contract.std, dtype=torch.float32, device=pixels.device)
    images = pixels.permute(0, 3, 1, 2).to(torch.float32)  # [B, 3, H, W]
    return images.div_(255).sub_(mean[:, None, None]).div_(std[:, None, None])


def _made_ahead(batches: Iterator[Item], images: Images) -> Iterator[Item]:
    """Return the same batches; where images are decoded anew, the next one is made meanwhile."""
    return batches if isinstance(images, KeptImages) else _one_ahead(batches)


def _one_ahead(items: Iterator[Item]) -> Iterator[Item]:
    with ThreadPoolExecutor(max_workers=1, thread_name_prefix="next-batch") as thread:
        coming = thread.submit(next, items, None)
        while (item := coming.result()) is not None:
            coming = thread.submit(next, items, None)
            yield item

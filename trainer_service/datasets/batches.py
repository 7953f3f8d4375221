"""Batches: which images come when, and how their pixels become the model's input."""

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace
from typing import TypeVar

import numpy as np
import torch
from torch import Tensor

from catalog_service.models.contracts import InputContract
from trainer_service.datasets.augment import Variation, augmented, mirrored_points
from trainer_service.datasets.batch import NOTHING, Batch, Inputs, Positions, Targets
from trainer_service.datasets.images import Images, KeptImages, Loaded, PixelBatch, read_all
from trainer_service.datasets.part import WHOLE, Part
from trainer_service.datasets.read import Dataset
from trainer_service.datasets.split import shuffled
from trainer_service.jobs import AugmentationStep
from trainer_service.jobs.learning_spec import DEFAULT_IGNORE_INDEX

Item = TypeVar("Item")

EVALUATION_BATCH_SIZE = 64
"""Images per batch where nothing trains: enough to fill a device, and no activations are kept."""
LISTED_EVALUATION_BATCH_SIZE = 4
"""The same for detectors, which enlarge them: each image has its own size, and 64 photographs of
12 megapixels alone are 9 GB.
"""


@dataclass(frozen=True, slots=True, kw_only=True)
class TrainingOrder:
    """Which images come when, as a function of the seed and the epoch."""

    batch_size: int
    num_steps: int
    """Per epoch; images beyond the last step are left out."""
    seed: int
    augmentation: tuple[AugmentationStep, ...] = ()
    ignore_index: int = DEFAULT_IGNORE_INDEX
    """What masks say where a turned image shows nothing."""
    part: Part = WHOLE
    """Of every training batch, and of the validation batches."""

    def steps(self, num_images: int, epoch: int, start: int = 0) -> Iterator[Positions]:
        """Yield which training images come together from step `start` on, batch by batch."""
        positions, size = shuffled(num_images, seed=self.seed, epoch=epoch), self.batch_size
        return (
            self.part.of(positions[step * size :][:size]) for step in range(start, self.num_steps)
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class ImageBatches:
    """Batches of images: shuffled and varied for training, as they are for validation."""

    dataset: Dataset
    order: TrainingOrder
    contract: InputContract
    device: torch.device

    def training(self, epoch: int, start: int = 0) -> Iterator[Batch]:
        """Yield one epoch's batches from `start` on, shuffled and augmented."""
        steps = self.training_steps(epoch, start)
        batches = (self.training_at(chosen, epoch=epoch) for chosen in steps)
        return made_ahead(batches, self.dataset.train)

    def training_steps(self, epoch: int, start: int = 0) -> Iterator[Positions]:
        """Yield which training images come together, batch by batch."""
        return self.order.steps(len(self.dataset.train), epoch, start)

    @property
    def whole(self) -> "ImageBatches":
        """Return the same for one rank that does everything."""
        return replace(self, order=replace(self.order, part=WHOLE))

    def training_at(self, positions: Positions, *, epoch: int) -> Batch:
        """Return as many training images, varied as in this epoch. Where one cannot be read,
        another takes its place; the batch's positions say which.
        """
        if not len(positions):
            return NOTHING
        loaded = read_all(self.dataset.train, positions)
        variation = Variation(
            steps=self.order.augmentation,
            seed=self.order.seed,
            outside=self.order.ignore_index,
            mirrored_points=mirrored_points(self.dataset.keypoint_names),
        )
        pixels, targets = augmented(
            loaded.pixels, loaded.targets, loaded.positions, variation, epoch=epoch
        )
        varied = Loaded(pixels=pixels, targets=targets, positions=loaded.positions)
        return as_batch(varied, self.contract, self.device)

    def validation(self) -> Iterator[Batch]:
        """Yield the validation images as they are, in their own order: all, or this rank's
        batches of them.
        """
        return evaluation_batches(
            self.dataset.validation, self.contract, self.device, part=self.order.part
        )


def evaluation_batches(
    images: Images,
    contract: InputContract,
    device: torch.device,
    *,
    positions: Positions | None = None,
    part: Part = WHOLE,
) -> Iterator[Batch]:
    """Return images as they are, in their own order unless `positions` says otherwise: all, or the
    batches of one rank. Images that cannot be read are left out.
    """
    order = np.arange(len(images)) if positions is None else positions
    size = evaluation_batch_size(contract)

    def batch(start: int) -> Batch:
        return as_batch(images.read(order[start : start + size]), contract, device)

    batches = map(batch, part.every(range(0, len(order), size)))
    return made_ahead((each for each in batches if each.num_images), images)


def evaluation_batch_size(contract: InputContract) -> int:
    """Return how many images come together where nothing trains."""
    return LISTED_EVALUATION_BATCH_SIZE if contract.is_image_list else EVALUATION_BATCH_SIZE


def as_batch(loaded: Loaded, contract: InputContract, device: torch.device) -> Batch:
    """Return images as the model takes them, and their targets, on its device."""
    return Batch(
        images=_as_images(loaded.pixels, contract, device),
        targets=_on(device, loaded.targets),
        positions=loaded.positions,
    )


def _as_images(pixels: PixelBatch, contract: InputContract, device: torch.device) -> Inputs:
    if isinstance(pixels, Tensor):
        return as_input(pixels.to(device), contract)
    return [as_listed_input(each.to(device)) for each in pixels]


def _on(device: torch.device, targets: Targets) -> Targets:
    if isinstance(targets, list):
        return [{name: each.to(device) for name, each in one.items()} for one in targets]
    return None if targets is None else targets.to(device)


def as_listed_input(pixels: Tensor) -> Tensor:
    """Return [3, H, W] float32 from 0 to 1: detectors resize and normalise themselves."""
    return pixels.permute(2, 0, 1).to(torch.float32).div_(255)


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


def made_ahead(batches: Iterator[Item], images: Images) -> Iterator[Item]:
    """Return the same batches; where images are decoded anew, the next one is made meanwhile."""
    return batches if isinstance(images, KeptImages) else _one_ahead(batches)


def _one_ahead(items: Iterator[Item]) -> Iterator[Item]:
    with ThreadPoolExecutor(max_workers=1, thread_name_prefix="next-batch") as thread:
        coming = thread.submit(next, items, None)
        while (item := coming.result()) is not None:
            coming = thread.submit(next, items, None)
            yield item

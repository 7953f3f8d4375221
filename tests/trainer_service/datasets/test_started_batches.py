"""An epoch that goes on has the batches that it would have had, and reads nothing else."""

from collections.abc import Callable, Mapping

import numpy as np
import pytest
import torch
from torch import Tensor

from catalog_service.models.freeze_plan import FreezeMode
from tests.fakes.kept_features import caching, frozen, image_batches, noise
from trainer_service.datasets.batch import Batch, Batches, Positions
from trainer_service.datasets.batches import TrainingOrder
from trainer_service.datasets.images import KeptImages
from trainer_service.datasets.view_batches import ViewBatches
from trainer_service.features.phase_source import phase_source
from trainer_service.jobs import AugmentationStep

FLIP = (AugmentationStep(kind="horizontal_flip", probability=0.5),)


class Watched(KeptImages):
    """Images that tell which of them were read."""

    asked: list[int] = []  # of the class: the images themselves are frozen

    def pixels(self, positions: Positions) -> Tensor:
        """Return them."""
        self.asked.extend(positions.tolist())
        return super().pixels(positions)


def watched() -> Watched:
    """Return ten images of noise."""
    plain = noise(10)
    Watched.asked.clear()
    return Watched(labels=plain.labels, kept=plain.kept)


def of_images() -> Batches:
    return image_batches(watched(), augmentation=FLIP)


def of_views() -> Batches:
    batches = image_batches(watched(), augmentation=FLIP)
    order = TrainingOrder(batch_size=4, num_steps=3, seed=3, augmentation=FLIP)
    return ViewBatches(
        dataset=batches.dataset, order=order, contract=batches.contract, device=batches.device
    )


def of_features() -> Batches:
    held = frozen("shufflenet_v2_x0_5", FreezeMode(kind="frozen_backbone"))
    return phase_source(held.model, image_batches(watched()), held.plan, caching())[1]


SOURCES: Mapping[str, Callable[[], Batches]] = {
    "images": of_images,
    "views": of_views,
    "features": of_features,
}


def tensors(batch: Batch) -> list[Tensor]:
    """Return the batch's inputs and targets."""
    inputs = [batch.images] if isinstance(batch.images, Tensor) else list(batch.images)
    assert isinstance(batch.targets, Tensor)
    return [*inputs, batch.targets]


@pytest.mark.parametrize("start", [0, 1, 2, 3])
@pytest.mark.parametrize("name", SOURCES)
def test_an_epoch_goes_on_with_the_same_batches(name: str, start: int) -> None:
    batches = SOURCES[name]()
    expected = list(batches.training(2))[start:]

    found = list(batches.training(2, start))

    assert len(found) == len(expected) == 3 - start
    for ours, theirs in zip(found, expected, strict=True):
        assert np.array_equal(ours.positions, theirs.positions)
        pairs = zip(tensors(ours), tensors(theirs), strict=True)
        assert all(torch.equal(one, other) for one, other in pairs)


@pytest.mark.parametrize("name", ["images", "views"])
def test_nothing_is_read_for_batches_that_were_there(name: str) -> None:
    batches = SOURCES[name]()
    last = list(batches.training(2))[-1]
    Watched.asked.clear()

    list(batches.training(2, 2))

    assert sorted(Watched.asked) == sorted(last.positions.tolist())


def test_passing_over_batches_would_read_them() -> None:
    """What an iterator gives that knows no start."""
    batches = of_images()
    list(batches.training(2))
    Watched.asked.clear()

    for number, _ in enumerate(batches.training(2)):
        if number == 2:
            break

    assert len(Watched.asked) == 10

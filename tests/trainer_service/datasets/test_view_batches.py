"""Every image comes in two views; validation is always the same."""

import numpy as np
import pytest
import torch
from torch import Tensor

from trainer_service.datasets.batch import Batch
from trainer_service.datasets.batches import TrainingOrder
from trainer_service.datasets.images import KeptImages
from trainer_service.datasets.view_batches import ViewBatches
from trainer_service.jobs.learning_spec import SIMCLR_STEPS

SIDE = 12
NUM_TRAIN, NUM_VALIDATION, BATCH = 21, 11, 5


def noise(count: int, *, is_labelled: bool) -> KeptImages:
    """Return images of which no two are alike."""
    random = torch.Generator().manual_seed(count)
    shape = (count, SIDE, SIDE, 3)
    kept = torch.randint(0, 256, shape, dtype=torch.uint8, generator=random)
    return KeptImages(labels=torch.arange(count) if is_labelled else None, kept=kept)


class Contract:
    """Pixels from 0 to 1."""

    mean = (0.0, 0.0, 0.0)
    std = (1.0, 1.0, 1.0)
    is_image_list = False


class Split:
    """Images to train on and others to judge by."""

    def __init__(self, *, is_labelled: bool) -> None:
        self.train = noise(NUM_TRAIN, is_labelled=is_labelled)
        self.validation = noise(NUM_VALIDATION, is_labelled=is_labelled)


def views(*, is_labelled: bool = True, batch_size: int = BATCH) -> ViewBatches:
    """Return pairs of views of noise."""
    order = TrainingOrder(batch_size=batch_size, num_steps=4, seed=3, augmentation=SIMCLR_STEPS)
    return ViewBatches(
        dataset=Split(is_labelled=is_labelled),  # type: ignore[arg-type]
        order=order,
        contract=Contract(),  # type: ignore[arg-type]
        device=torch.device("cpu"),
    )


def images(batch: Batch) -> Tensor:
    """Return the batch's images."""
    assert isinstance(batch.images, Tensor)
    return batch.images


def test_first_views_come_before_second_ones_and_differ() -> None:
    for batch in views().training(1):
        first, second = images(batch).chunk(2)
        assert len(first) == batch.num_images == BATCH
        assert not any(torch.equal(one, other) for one, other in zip(first, second, strict=True))
        assert torch.equal(batch.targets, torch.from_numpy(batch.positions))  # type: ignore[arg-type]


def test_an_epoch_sees_every_image_once_until_its_steps_are_done() -> None:
    seen = np.concatenate([batch.positions for batch in views().training(1)])

    assert len(set(seen.tolist())) == len(seen) == 4 * BATCH


def test_epochs_differ_and_repeat_themselves() -> None:
    first, again, second = (list(views().training(epoch)) for epoch in (1, 1, 2))

    assert all(
        torch.equal(images(one), images(other)) for one, other in zip(first, again, strict=True)
    )
    assert not torch.equal(images(first[0]), images(second[0]))


def test_an_image_has_the_same_views_in_batches_of_any_size() -> None:
    def by_position(batches: ViewBatches) -> dict[int, Tensor]:
        return {
            int(position): images(batch).unflatten(0, (2, -1))[:, place]
            for batch in batches.training(1)
            for place, position in enumerate(batch.positions)
        }

    small, large = by_position(views(batch_size=3)), by_position(views(batch_size=5))

    assert set(small) <= set(large)
    assert all(torch.equal(small[position], large[position]) for position in small)


def test_validation_shows_images_as_they_are_and_then_their_views() -> None:
    batches = [batch for batch in views().validation() if not batch.is_reference]

    plain = torch.cat([images(batch)[: batch.num_images] for batch in batches])
    expected = noise(NUM_VALIDATION, is_labelled=True).kept.permute(0, 3, 1, 2)
    assert torch.equal((plain * 255).round(), expected.float())
    assert [batch.num_images for batch in batches] == [6, 5]
    assert all(len(images(batch)) == 3 * batch.num_images for batch in batches)


def test_references_are_the_labelled_training_images_as_they_are() -> None:
    references = [batch for batch in views().validation() if batch.is_reference]

    positions = np.concatenate([batch.positions for batch in references])
    assert positions.tolist() == list(range(NUM_TRAIN))
    assert len(images(references[0])) == references[0].num_images


def test_images_without_labels_have_no_references() -> None:
    batches = list(views(is_labelled=False).validation())

    assert not any(batch.is_reference for batch in batches)
    assert all(batch.targets is None for batch in batches)


def test_validation_is_the_same_every_time() -> None:
    for one, other in zip(views().validation(), views().validation(), strict=True):
        assert torch.equal(images(one), images(other))


@pytest.mark.parametrize("batch_size", [2, 5, 10, 64])
def test_no_validation_image_is_compared_with_nothing(batch_size: int) -> None:
    sizes = [
        batch.num_images
        for batch in views(batch_size=batch_size).validation()
        if not batch.is_reference
    ]

    assert sum(sizes) == NUM_VALIDATION
    assert min(sizes) > 1

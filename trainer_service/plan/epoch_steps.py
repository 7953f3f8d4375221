"""How many steps an epoch has, which depends on the batch norms that train in it. Pure."""

from collections.abc import Iterator

from catalog_service.errors import InvalidRequest
from catalog_service.models.freeze_plan import FreezePlan, batch_norms
from catalog_service.models.layout import StateLayout, is_inside
from trainer_service.plan.refusal import refused


def training_batch_norms(layout: StateLayout, freeze: FreezePlan) -> tuple[str, ...]:
    """Return the module paths whose running statistics move with every step."""
    still = set(freeze.frozen_norms)
    return tuple(
        path
        for path in batch_norms(layout)
        if path not in still and any(is_inside(path, root) for root in freeze.train_modules)
    )


def num_steps_per_epoch(
    num_images: int,
    batch_size: int,
    layout: StateLayout,
    *freezes: FreezePlan,
    pairs: bool = False,
    num_ranks: int = 1,
) -> int:
    """Return how many batches an epoch has; the same in all phases. Where an image needs company,
    a last batch that leaves one alone is no batch.

    Args:
        freezes: of every phase.
        pairs: whether an image is two views, which are compared with those of other images.
        num_ranks: devices that share out every batch.

    Raises:
        InvalidRequest: every batch is a single image and a batch norm trains, or it has nothing to
            be compared with; or there are more devices than images for them.
    """
    needs_two = pairs or any(training_batch_norms(layout, freeze) for freeze in freezes)
    smallest = min(num_images, batch_size)
    if num_ranks > 1:
        _check_ranks(num_ranks, smallest, needs_two)
    elif smallest == 1 and needs_two:
        raise _single_images(num_images, batch_size, pairs)
    num_full, rest = divmod(num_images, batch_size)
    is_lonely = 0 < rest < 2 * num_ranks
    return num_full + (rest > 0) - (is_lonely and num_full > 0 and needs_two)


def _single_images(num_images: int, batch_size: int, pairs: bool) -> InvalidRequest:
    single = f"{batch_size} with {num_images} training images gives batches of one image"
    why = (
        "and SimCLR compares the images of a batch: use larger batches"
        if pairs
        else "whose statistics mean nothing: use larger batches, or norm FROZEN_STATISTICS"
    )
    return refused("batch_size", f"{single}, {why}")


def _check_ranks(num_ranks: int, smallest: int, needs_two: bool) -> None:
    """Raise where a device would have no image of a usual batch, or one that needs company."""
    needed = num_ranks * (2 if needs_two else 1)
    if smallest >= needed:
        return
    why = (
        f"{num_ranks} devices share batches of {smallest} images: each needs"
        f" {'two images, because batch norms train on them' if needs_two else 'one'}; use batches"
        f" of at least {needed} images, or fewer devices"
    )
    raise refused("run.num_devices", why)


def drops_last_images(
    num_images: int,
    batch_size: int,
    layout: StateLayout,
    *freezes: FreezePlan,
    pairs: bool = False,
    num_ranks: int = 1,
) -> bool:
    """Whether an epoch ends before its last batch, because an image of it would be alone."""
    steps = num_steps_per_epoch(
        num_images, batch_size, layout, *freezes, pairs=pairs, num_ranks=num_ranks
    )
    return steps * batch_size < num_images


def part_sizes(num_images: int, micro_batch_size: int) -> tuple[int, ...]:
    """Return how many images go through the model together: parts of one batch, as even as can be.

    Args:
        micro_batch_size: the most; 0 means all at once.
    """
    num_parts = -(-num_images // (micro_batch_size or num_images))
    size, larger = divmod(num_images, num_parts)
    return (size + 1,) * larger + (size,) * (num_parts - larger)


def batch_sizes(num_images: int, batch_size: int, num_steps: int) -> Iterator[int]:
    """Yield the sizes of batches that an epoch of `num_steps` steps has, each size once."""
    rest = num_images - (num_steps - 1) * batch_size
    yield from {min(batch_size, num_images), min(batch_size, rest)}


def rank_sizes(num_images: int, num_ranks: int) -> frozenset[int]:
    """Return how many images of a batch a device has: some may have one more than others."""
    size, larger = divmod(num_images, num_ranks)
    return frozenset({size, size + 1} if larger else {size})

"""How many steps an epoch has, which depends on the batch norms that train in it. Pure."""

from collections.abc import Iterator

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
    num_images: int, batch_size: int, layout: StateLayout, *freezes: FreezePlan, pairs: bool = False
) -> int:
    """Return how many batches an epoch has; the same in all phases.

    Args:
        freezes: of every phase.
        pairs: whether an image is two views, which are compared with those of other images.

    Raises:
        InvalidRequest: every batch is a single image and a batch norm trains, or it has nothing to
            be compared with.
    """
    single = f"{batch_size} with {num_images} training images gives batches of one image"
    if min(num_images, batch_size) == 1 and pairs:
        why = "and SimCLR compares the images of a batch: use larger batches"
        raise refused("batch_size", f"{single}, {why}")
    needs_two = pairs or any(training_batch_norms(layout, freeze) for freeze in freezes)
    if min(num_images, batch_size) == 1 and needs_two:
        why = "whose statistics mean nothing: use larger batches, or norm FROZEN_STATISTICS"
        raise refused("batch_size", f"{single}, {why}")
    num_full, rest = divmod(num_images, batch_size)
    return num_full + (rest > 0) - (rest == 1 and num_full > 0 and needs_two)


def drops_last_image(
    num_images: int, batch_size: int, layout: StateLayout, *freezes: FreezePlan, pairs: bool = False
) -> bool:
    """Whether an epoch ends before its last batch, because that is one image and a norm trains."""
    steps = num_steps_per_epoch(num_images, batch_size, layout, *freezes, pairs=pairs)
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

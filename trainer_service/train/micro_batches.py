"""A batch in parts, when it does not go through the model at once: the same gradient, less memory.

The loss of a batch is a mean. The mean of the parts' means is another number wherever parts weigh
differently (a last one that is smaller, pixels that are ignored, weighted classes), so each part
counts by `Task.weight`.
"""

from collections.abc import Iterator
from dataclasses import dataclass, replace
from itertools import accumulate

import torch
from torch import Tensor, nn

from trainer_service.datasets.batch import Batch, Inputs, Targets
from trainer_service.plan.epoch_steps import part_sizes
from trainer_service.tasks.task import Learned, PassMetrics, Task
from trainer_service.train.contrastive import ContrastiveTask
from trainer_service.train.contrastive import accumulate as accumulate_contrast
from trainer_service.train.precision import Passes
from trainer_service.train.ranks import ALONE, Ranks


def parts_of(batch: Batch, size: int) -> Iterator[Batch]:
    """Yield the batch in parts of at most `size` images and equal length, give or take one: a rest
    of a single image would be nothing that a batch norm can train on.

    Args:
        size: 0 leaves the batch whole.
    """
    sizes = part_sizes(batch.num_images, size)
    if len(sizes) == 1:
        yield batch
        return
    for end, length in zip(accumulate(sizes), sizes, strict=True):
        here = slice(end - length, end)
        yield replace(
            batch,
            images=_images(batch.images, here),
            targets=_targets(batch.targets, here),
            positions=batch.positions[here],
        )


def _images(images: Inputs, here: slice) -> Inputs:
    if isinstance(images, tuple):
        return tuple(each[here] for each in images)
    return images[here]


def _targets(targets: Targets, here: slice) -> Targets:
    return None if targets is None else targets[here]


@dataclass(frozen=True, slots=True, kw_only=True)
class LearnedBatch:
    """What a batch gave whose gradient lies in the parameters."""

    loss: Tensor
    """Of the whole batch, without its graph."""
    last: Learned
    """Of its last part."""
    last_part: Batch
    share: float = 1.0
    """What the batch weighs of that of all ranks."""
    num_images: int = 0
    """Of all ranks."""


class Learning:
    """Computes the gradients of a batch, in parts if need be."""

    def __init__(
        self,
        task: Task,
        passes: Passes,
        *,
        contrastive: ContrastiveTask | None = None,
        ranks: Ranks = ALONE,
    ) -> None:
        """Take a task; the same again as `contrastive` where it compares images with others."""
        self._task = task
        self._passes = passes
        self._contrastive = contrastive
        self._ranks = ranks

    def learn(
        self, network: nn.Module, batch: Batch, size: int, metrics: PassMetrics
    ) -> LearnedBatch:
        """Leave the gradient of the batch's mean loss in the parameters, and count the batch.

        Args:
            size: images that go through the model together; 0 means all.
        """
        is_in_parts = 0 < size < batch.num_images or not self._ranks.is_alone
        if self._contrastive is not None and is_in_parts:
            # Every image is compared with all others: parts that know nothing of each other would
            # learn something else.
            whole = accumulate_contrast(
                network,
                self._contrastive,
                batch,
                size or batch.num_images,
                self._passes,
                self._ranks,
            )
            metrics.update(whole, batch)
            return LearnedBatch(loss=whole.loss, last=whole, last_part=batch)
        parts = list(parts_of(batch, size))
        if len(parts) == 1:
            return self._learn_part(network, batch, 1.0, metrics)
        total = self._task.weight(batch)
        shares = [self._task.weight(part) / total if total else 0.0 for part in parts]
        learned_parts = [
            self._learn_part(network, part, share, metrics)
            for part, share in zip(parts, shares, strict=True)
        ]
        loss = torch.stack([each.loss for each in learned_parts]).sum()
        return replace(learned_parts[-1], loss=loss)

    def _learn_part(
        self, network: nn.Module, part: Batch, share: float, metrics: PassMetrics
    ) -> LearnedBatch:
        with self._passes.forward():
            learned = self._task.learn(network, part)
        loss = learned.loss if share == 1.0 else learned.loss * share
        self._passes.backward(loss)
        counted = learned.detached()
        metrics.update(counted, part)
        return LearnedBatch(loss=loss.detach(), last=counted, last_part=part)

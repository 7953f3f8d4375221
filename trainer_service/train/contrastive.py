"""The gradient of a whole contrastive batch, computed in parts.

Every image is compared with all others, so adding up the gradients of parts that are compared
among themselves gives another gradient: it is not that of a larger batch. Here all projections
are computed first, without a graph; the loss of all of them says how each projection should move;
then every part is computed again, with a graph, and moved that way. It costs one more forward pass
and gives the gradient of the whole batch. Ranks do the same with each other's projections, and need
no second pass where theirs fit.

Batch norms see the statistics of the part, and count every image once.

Source: Gao et al. 2021, arXiv:2101.06983 (GradCache).
"""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Protocol

import numpy as np
import torch
from torch import Tensor, nn
from torch.nn.modules.batchnorm import _NormBase

from trainer_service.datasets.batch import Batch
from trainer_service.tasks.task import Learned, Task
from trainer_service.train.precision import Passes
from trainer_service.train.ranks import ALONE, Ranks

NUM_VIEWS = 2


class ContrastiveTask(Task, Protocol):
    """A task whose loss compares all projections of a batch."""

    def project(self, network: nn.Module, views: Tensor) -> Tensor:
        """Return [2B, D]."""
        ...

    def loss(self, projections: Tensor) -> Tensor:
        """Return a scalar."""
        ...

    def learned(self, loss: Tensor, projections: Tensor) -> Learned:
        """Return both as what a batch gave."""
        ...

    @property
    def projection(self) -> nn.Module:
        """Return what comes after the network."""
        ...


def accumulate(
    network: nn.Module,
    task: ContrastiveTask,
    batch: Batch,
    size: int,
    passes: Passes,
    ranks: Ranks = ALONE,
) -> Learned:
    """Add the gradient of the whole batch to the parameters'; return loss and projections.

    Args:
        batch: images are [2B, 3, H, W], all first views, then all second ones; of several ranks,
            this one's, whose gradient then is such that weighed by its images and added up it is
            that of the whole batch.
        size: images that go through the network together, each in both views.
    """
    views = batch.images
    assert isinstance(views, Tensor)
    parts = list(_parts(batch.num_images, size))
    if len(parts) > 1:
        return _accumulate_parts(network, task, views, parts, passes, ranks)
    with passes.forward():
        projections = task.project(network, views)
    loss, direction = _direction(task, projections, ranks)
    passes.backward((projections.float() * direction).sum())
    return task.learned(loss, projections.detach().float())


def _accumulate_parts(
    network: nn.Module,
    task: ContrastiveTask,
    views: Tensor,
    parts: list[Tensor],
    passes: Passes,
    ranks: Ranks,
) -> Learned:
    states: list[RandomState] = []
    projected: list[Tensor] = []
    with torch.no_grad(), _still_norms(network, task.projection):
        for part in parts:
            states.append(RandomState(views.device))
            with passes.forward():
                projected.append(task.project(network, views[part]).float())
    whole = _in_order(projected, parts)
    loss, direction = _direction(task, whole, ranks)
    for part, state in zip(parts, states, strict=True):
        state.restore()
        with passes.forward():
            projections = task.project(network, views[part])
        # Its gradient is the loss's, by the chain rule.
        passes.backward((projections.float() * direction[part]).sum())
    return task.learned(loss, whole)


def _direction(task: ContrastiveTask, projections: Tensor, ranks: Ranks) -> tuple[Tensor, Tensor]:
    """Return the loss of the projections of all ranks, and how this rank's should move, [2B, D]."""
    gathered = [ranks.gathered(views) for views in projections.detach().float().chunk(NUM_VIEWS)]
    leaf = torch.cat([rows for rows, _ in gathered]).requires_grad_()
    loss = task.loss(leaf)
    (directions,) = torch.autograd.grad(loss, leaf)
    own = [
        rows[here] for rows, (_, here) in zip(directions.chunk(NUM_VIEWS), gathered, strict=True)
    ]
    share = len(projections) / len(leaf)
    return loss.detach(), torch.cat(own) / share


class RandomState:
    """Where the random numbers were, so that dropout falls the same way a second time."""

    def __init__(self, device: torch.device) -> None:
        self._device = device
        self._of_cpu = torch.get_rng_state()
        self._of_cuda = torch.cuda.get_rng_state(device) if device.type == "cuda" else None

    def restore(self) -> None:
        """Go back."""
        torch.set_rng_state(self._of_cpu)
        if self._of_cuda is not None:
            torch.cuda.set_rng_state(self._of_cuda, self._device)


def _parts(num_images: int, size: int) -> Iterator[Tensor]:
    """Yield where both views of at most `size` images are, of equal numbers give or take one."""
    num_parts = -(-num_images // size)
    for positions in np.array_split(np.arange(num_images), num_parts):
        first = torch.from_numpy(positions)
        yield torch.cat([first + view * num_images for view in range(NUM_VIEWS)])


def _in_order(projected: list[Tensor], parts: list[Tensor]) -> Tensor:
    """Return [2B, D] in the order of the views."""
    together = torch.cat(projected)
    return together[torch.cat(parts).argsort().to(together.device)]


@contextmanager
def _still_norms(*roots: nn.Module) -> Iterator[None]:
    """Keep running statistics as they are: the images are counted in the other pass."""
    norms = [
        module
        for root in roots
        for module in root.modules()
        if isinstance(module, _NormBase) and module.training and module.running_mean is not None
    ]
    tracked = [(norm.running_mean, norm.running_var, norm.num_batches_tracked) for norm in norms]
    try:
        for norm in norms:
            # The batch's own statistics normalise, and there is nothing to move.
            norm.running_mean = norm.running_var = norm.num_batches_tracked = None
        yield
    finally:
        for norm, (mean, variance, count) in zip(norms, tracked, strict=True):
            norm.running_mean, norm.running_var, norm.num_batches_tracked = mean, variance, count

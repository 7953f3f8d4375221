"""Freezing, enforced: what the plan freezes cannot move, and a seal shows that it did not.

`requires_grad = False` is not enough. Batch norms in training mode move their statistics without
any gradient, dropout changes what a frozen part puts out, and an optimizer that once saw a gradient
moves a weight long after. So: everything is in evaluation mode but the plan's own modules, the
optimizer holds only what trains, and every frozen tensor and buffer is hashed at the start and at
every epoch.
"""

import hashlib
from collections.abc import Iterable, Iterator, Mapping

import torch
from torch import Tensor, nn

from catalog_service.errors import listed
from catalog_service.models.freeze_plan import FreezePlan, batch_norms
from catalog_service.models.layout import StateLayout
from trainer_service.errors import FrozenStateChanged, GradientMissing
from trainer_service.plan import training_batch_norms

NORM_STATISTICS = ("running_mean", "running_var", "num_batches_tracked")
"""Source: torch.nn.modules.batchnorm._NormBase."""


def freeze(model: nn.Module, layout: StateLayout, plan: FreezePlan) -> None:
    """Let exactly the plan's parameters train, and compute the frozen prefix without gradients."""
    trainable = set(plan.trainable)
    for name, parameter in model.named_parameters():
        parameter.requires_grad_(name in trainable)
        parameter.grad = None
    modules = dict(model.named_modules())
    for path in frozen_prefix(layout, plan):
        if path in modules:
            _without_gradients(modules[path])


def frozen_prefix(layout: StateLayout, plan: FreezePlan) -> tuple[str, ...]:
    """Return the modules of all stages before the first one that trains."""
    prefix: list[str] = []
    num_trainable = {row.name: row.num_trainable_parameters for row in plan.rows}
    for stage in layout.stages:
        if num_trainable[stage.name]:
            break
        prefix.extend(stage.modules)
    return tuple(prefix)


def enter_training(model: nn.Module, plan: FreezePlan) -> None:
    """Put exactly the plan's modules into training mode, everything else into evaluation mode."""
    model.eval()
    for path in plan.train_modules:
        model.get_submodule(path).train()
    for path in plan.frozen_norms:
        model.get_submodule(path).eval()


def enter_evaluation(model: nn.Module) -> None:
    """Put everything into evaluation mode."""
    model.eval()


def moving_tensors(layout: StateLayout, plan: FreezePlan) -> frozenset[str]:
    """Return what training may change: what trains, and the statistics of norms that train."""
    statistics = (
        f"{path}.{name}" for path in training_batch_norms(layout, plan) for name in NORM_STATISTICS
    )
    return frozenset(plan.trainable) | frozenset(statistics)


def require_gradients(model: nn.Module, plan: FreezePlan) -> None:
    """Raise GradientMissing if the first step left a trainable parameter without a gradient."""
    parameters = dict(model.named_parameters())
    if missing := [name for name in plan.trainable if parameters[name].grad is None]:
        raise GradientMissing(
            f"{len(missing)} parameters should train but got no gradient: {listed(missing)}"
        )


class Seal:
    """What every frozen tensor and buffer was when the seal was made."""

    def __init__(self, model: nn.Module, moving: frozenset[str]) -> None:
        self._moving = moving
        self._digests = self._read(model)

    @property
    def num_tensors(self) -> int:
        """Return how many tensors and buffers are sealed."""
        return len(self._digests)

    def check(self, model: nn.Module, *, when: str) -> None:
        """Raise FrozenStateChanged, with names, if a frozen tensor or buffer is not the same."""
        now = self._read(model)
        changed = [name for name, digest in self._digests.items() if now.get(name) != digest]
        if changed:
            raise FrozenStateChanged(
                f"{len(changed)} of {len(self._digests)} frozen tensors changed by {when}:"
                f" {listed(changed)}; the exported backbone would not be what the plan says"
            )

    def _read(self, model: nn.Module) -> Mapping[str, str]:
        return {
            name: tensor_digest(tensor)
            for name, tensor in _tensors(model)
            if name not in self._moving
        }


def tensor_digest(tensor: Tensor) -> str:
    """Return sha256 in hex over the elements in logical order, wherever they are in memory."""
    flat = tensor.detach().cpu().contiguous().reshape(-1).view(torch.uint8)
    return hashlib.sha256(flat.numpy().data).hexdigest()


@torch.no_grad()
def recalibrate(model: nn.Module, layout: StateLayout, batches: Iterable[Tensor]) -> None:
    """Set all running statistics to the mean over these batches; then they stand still.

    Args:
        batches: [B, 3, H, W] each, shuffled: batches of one class would hide the variance between
            classes.

    Source: Wu and Johnson 2021, arXiv:2105.07576, section 3 (PreciseBN).
    """
    norms = [model.get_submodule(path) for path in batch_norms(layout)]
    if not norms:
        return
    model.eval()
    momenta = [norm.momentum for norm in norms]
    for norm in norms:
        assert isinstance(norm, nn.modules.batchnorm._NormBase)
        norm.reset_running_stats()
        norm.momentum = None  # a cumulative average
        norm.train()
    for images in batches:
        model(images)
    for norm, momentum in zip(norms, momenta, strict=True):
        norm.momentum = momentum
    model.eval()


def _tensors(model: nn.Module) -> Iterator[tuple[str, Tensor]]:
    yield from model.named_parameters()
    yield from model.named_buffers()


def _without_gradients(module: nn.Module) -> None:
    """Nothing before this module trains, so nothing in it has to be remembered for a gradient."""
    object.__setattr__(module, "forward", torch.no_grad()(module.forward))

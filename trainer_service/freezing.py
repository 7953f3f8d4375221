"""Freezing, enforced: what the plan freezes cannot move, and a seal shows that it did not.

`requires_grad = False` is not enough. Batch norms in training mode move their statistics without
any gradient, dropout changes what a frozen part puts out, and an optimizer that once saw a gradient
moves a weight long after. So: everything is in evaluation mode but the plan's own modules, the
optimizer holds only what trains, and every frozen tensor and buffer is hashed at the start and at
every epoch.
"""

import hashlib
import time
from collections.abc import Callable, Iterable, Iterator, Mapping
from types import MappingProxyType

import torch
from torch import Tensor, nn

from catalog_service.errors import listed
from catalog_service.models.freeze_plan import FreezePlan, batch_norms
from catalog_service.models.layout import StateLayout
from trainer_service.datasets.batch import Inputs
from trainer_service.errors import FrozenStateChanged, GradientMissing
from trainer_service.plan import training_batch_norms

NORM_STATISTICS = ("running_mean", "running_var", "num_batches_tracked")
"""Source: torch.nn.modules.batchnorm._NormBase."""


def freeze(model: nn.Module, layout: StateLayout, plan: FreezePlan) -> None:
    """Let exactly the plan's parameters train, and compute the frozen prefix without gradients.

    Whatever was frozen before is not any more, unless the plan says so too.
    """
    trainable = set(plan.trainable)
    for module in model.modules():
        _with_gradients(module)
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


def require_gradients(parameters: Mapping[str, nn.Parameter], names: Iterable[str]) -> None:
    """Raise GradientMissing if the first step left one of the named without a gradient."""
    if missing := [name for name in names if parameters[name].grad is None]:
        raise GradientMissing(
            f"{len(missing)} parameters should train but got no gradient: {listed(missing)}"
        )


CHECK_SHARE = 0.02
"""Of the time, at most, goes into reading everything that is sealed, epoch by epoch."""


class Seal:
    """What every frozen tensor and buffer was when the seal was made.

    A full look reads every byte. Between two of them a glance tells what torch itself wrote to: it
    counts writes per tensor.
    """

    def __init__(
        self,
        model: nn.Module,
        moving: frozenset[str],
        *,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._clock = clock
        self._digests: Mapping[str, str] = {}
        self._take(model, moving)

    @property
    def num_tensors(self) -> int:
        """Return how many tensors and buffers are sealed."""
        return len(self._digests)

    @property
    def digests(self) -> Mapping[str, str]:
        """Return sha256 in hex by name, of every sealed tensor and buffer."""
        return MappingProxyType(dict(self._digests))

    def move_to(self, model: nn.Module, moving: frozenset[str]) -> None:
        """Seal what else stands still from here on, and no longer what moves.

        What stays sealed keeps its first digest: it is compared with what it was at the start.
        """
        first = self._digests
        self._take(model, moving)
        kept = {name: first[name] for name in self._digests if name in first}
        self._digests = {**self._digests, **kept}

    def glance(self, model: nn.Module, *, when: str) -> None:
        """Look at what was written to since the last full look, or at everything where that is due.

        Raises:
            FrozenStateChanged: with names.
        """
        if self._clock() - self._looked >= self._cost_s / CHECK_SHARE:
            self.check(model, when=when)
            return
        tensors = self._sealed(model)
        written = [
            name for name, tensor in tensors.items() if _stamp(tensor) != self._stamps.get(name)
        ]
        self._compare({name: tensor_digest(tensors[name]) for name in written}, written, when)

    def check(self, model: nn.Module, *, when: str) -> None:
        """Raise FrozenStateChanged, with names, if a frozen tensor or buffer is not the same."""
        self._compare(self._read(model), self._digests, when)

    def _compare(self, now: Mapping[str, str], names: Iterable[str], when: str) -> None:
        changed = [name for name in names if now.get(name) != self._digests[name]]
        if changed:
            raise FrozenStateChanged(
                f"{len(changed)} of {len(self._digests)} frozen tensors changed by {when}:"
                f" {listed(changed)}; the exported backbone would not be what the plan says"
            )

    def _take(self, model: nn.Module, moving: frozenset[str]) -> None:
        self._moving = moving
        self._digests = self._read(model)

    def _read(self, model: nn.Module) -> Mapping[str, str]:
        began = self._clock()
        tensors = self._sealed(model)
        digests = {name: tensor_digest(tensor) for name, tensor in tensors.items()}
        self._stamps = {name: _stamp(tensor) for name, tensor in tensors.items()}
        self._looked = self._clock()
        self._cost_s = self._looked - began
        return digests

    def _sealed(self, model: nn.Module) -> Mapping[str, Tensor]:
        return {name: each for name, each in _tensors(model) if name not in self._moving}


def _stamp(tensor: Tensor) -> tuple[int, int]:
    """Return where a tensor is and how often torch wrote to it."""
    return tensor.data_ptr(), tensor._version


def tensor_digest(tensor: Tensor) -> str:
    """Return sha256 in hex over the elements in logical order, wherever they are in memory."""
    flat = tensor.detach().cpu().contiguous().reshape(-1).view(torch.uint8)
    return hashlib.sha256(flat.numpy().data).hexdigest()


@torch.no_grad()
def recalibrate(model: nn.Module, layout: StateLayout, batches: Iterable[Inputs]) -> None:
    """Set all running statistics to the mean over these batches; then they stand still. A batch
    counts by its images: a last one of two would weigh as much as sixty-four.

    Args:
        batches: images as the model takes them, shuffled: batches of one class would hide the
            variance between classes.

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
        norm.train()
    num_images = 0
    for images in batches:
        num_images += len(images)
        for norm in norms:
            norm.momentum = len(images) / num_images  # type: ignore[assignment]
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


def _with_gradients(module: nn.Module) -> None:
    """Undo the above: the class's own `forward` counts again."""
    module.__dict__.pop("forward", None)

"""Shapes and multiply-adds of every module, from one forward on the meta device. Imports torch."""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

import torch
from torch import Tensor, nn
from torch.utils.flop_counter import FlopCounterMode

from catalog_service.models.description.drivers import Driver
from catalog_service.models.model_description import Shape

FLOPS_PER_MULTIPLY_ADD = 2
"""Source: torch.utils.flop_counter counts a multiplication and an addition as two."""


@dataclass(slots=True, kw_only=True)
class ModuleCalls:
    """What happened to one module: the first call's shapes, the work of all calls."""

    inputs: tuple[Shape, ...] = ()
    outputs: tuple[Shape, ...] = ()
    num_calls: int = 0
    num_flops: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class Trace:
    """One forward."""

    calls: Mapping[str, ModuleCalls]
    """Path -> its calls; a module that was not called has none."""

    num_multiply_adds: int
    largest_call: int
    """The most numbers that a module without called modules takes and gives at once."""

    def multiply_adds(self, path: str) -> int:
        """Return the multiply-adds of a module that was called."""
        return self.calls[path].num_flops // FLOPS_PER_MULTIPLY_ADD


def trace(model: nn.Module, driver: Driver, images: Tensor) -> Trace:
    """Return what a forward without gradients does; `model` is left as it was found.

    Args:
        model: on the meta device, in evaluation mode.
        images: [B, C, H, W] or [B, C, T, H, W] on the meta device.

    Raises:
        whatever the model raises at an image that it cannot take.
    """
    counter = FlopCounterMode(display=False)
    recorder = _Recorder(counter=counter)
    handles = [handle for at in model.named_modules() for handle in recorder.watch(*at)]
    try:
        with counter, torch.no_grad():
            driver.run(model, images)
    finally:
        for handle in handles:
            handle.remove()
    return Trace(
        calls=recorder.calls,
        num_multiply_adds=counter.get_total_flops() // FLOPS_PER_MULTIPLY_ADD,
        largest_call=recorder.largest_call,
    )


def tensors(values: object) -> Iterator[Tensor]:
    """Yield all tensors in `values`, however they are packed, in order."""
    if isinstance(values, Tensor):
        yield values
    inner: Iterable[object] = ()
    if isinstance(values, Mapping):
        inner = values.values()
    elif isinstance(values, list | tuple):
        inner = values
    for value in inner:
        yield from tensors(value)


def shapes(values: object) -> tuple[Shape, ...]:
    """Return the shapes of all tensors in `values`."""
    return tuple(tuple(tensor.shape) for tensor in tensors(values))


def num_held(values: object) -> int:
    """Return how many numbers all tensors in `values` hold; what shares memory counts once."""
    by_memory = {t.untyped_storage()._cdata: t.numel() for t in tensors(values)}
    return sum(by_memory.values())


@dataclass(slots=True, kw_only=True)
class _Recorder:
    """Hooks of one forward."""

    counter: FlopCounterMode
    calls: dict[str, ModuleCalls] = field(default_factory=dict)
    largest_call: int = 0
    _starts: list[int] = field(default_factory=list)
    _innermost: int = 0
    """How deep the last call that began was: it is innermost where it ends before another."""

    def watch(self, path: str, module: nn.Module) -> tuple[Any, Any]:
        """Hook one module; return the handles that take the hooks off."""

        def before(module: nn.Module, arguments: Any, named: Any) -> None:
            calls = self.calls.setdefault(path, ModuleCalls())
            if not calls.num_calls:
                calls.inputs = (*shapes(arguments), *shapes(named))
            self._starts.append(self.counter.get_total_flops())
            self._innermost = len(self._starts)

        def after(module: nn.Module, arguments: Any, named: Any, output: object) -> None:
            calls = self.calls[path]
            if len(self._starts) == self._innermost:
                held = num_held((arguments, named, output))
                self.largest_call = max(self.largest_call, held)
            calls.num_flops += self.counter.get_total_flops() - self._starts.pop()
            if not calls.num_calls:
                calls.outputs = shapes(output)
            calls.num_calls += 1

        return (
            module.register_forward_pre_hook(before, with_kwargs=True),
            module.register_forward_hook(after, with_kwargs=True),
        )

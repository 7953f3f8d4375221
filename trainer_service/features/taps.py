"""The frozen part alone: images in, what enters the living modules out. What lives is not run."""

from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import torch
from torch import Tensor, nn

from catalog_service.models.freeze_plan import FreezePlan
from trainer_service.features.boundary import Entry
from trainer_service.features.cut import Cut, Precision, as_it_was, enter_modes
from trainer_service.features.trees import leaves_of

Prefix = Callable[[Tensor], tuple[Tensor, ...]]
"""Images [B, C, H, W] -> a tensor [B, ...] for every slot of the cut."""


class _Enough(Exception):
    """Everything that was wanted is there."""


@contextmanager
def frozen_part(
    model: nn.Module,
    freeze: FreezePlan,
    cut: Cut,
    precision: Precision,
) -> Iterator[Prefix]:
    """Give the frozen part as a function; afterwards the model is as it was."""
    taps = _Taps(cut)
    modules = dict(model.named_modules())
    handles = [
        modules[path].register_forward_pre_hook(taps.before(path), with_kwargs=True)
        for path in {slot.entries[0].path for slot in cut.slots}
    ]

    def prefix(images: Tensor) -> tuple[Tensor, ...]:
        taps.start()
        try:
            with precision():
                model(images)
        except _Enough:
            return taps.found
        raise AssertionError("the model never asked for what it asked for before")

    try:
        with as_it_was(model, cut.live), torch.no_grad():
            enter_modes(model, freeze)
            yield prefix
    finally:
        for handle in handles:
            handle.remove()


class _Taps:
    """Takes what enters the slots of a cut."""

    def __init__(self, cut: Cut) -> None:
        self._cut = cut
        self._wanted = {slot.entries[0]: number for number, slot in enumerate(cut.slots)}
        self.start()

    def start(self) -> None:
        """Begin a forward."""
        self._calls: Counter[str] = Counter()
        self._found: dict[int, Tensor] = {}

    @property
    def found(self) -> tuple[Tensor, ...]:
        """Return [B, ...] per slot, images first."""
        return tuple(self._found[number] for number in range(len(self._cut.slots)))

    def before(self, path: str) -> Callable[[nn.Module, tuple[Any, ...], dict[str, Any]], None]:
        """Return the hook of one module."""

        def take(_: nn.Module, args: tuple[Any, ...], kwargs: dict[str, Any]) -> None:
            call = self._calls[path]
            self._calls[path] += 1
            for leaf, tensor in enumerate(leaves_of((args, kwargs))):
                number = self._wanted.get(Entry(path, call, leaf))
                if number is not None:
                    self._keep(number, tensor)

        return take

    def _keep(self, number: int, tensor: Tensor) -> None:
        image_dim = self._cut.slots[number].image_dim
        assert image_dim is not None
        is_last = len(self._found) == len(self._wanted) - 1
        # What runs until the last one is there may write into what it got.
        kept = tensor if is_last else tensor.clone()
        self._found[number] = kept.movedim(image_dim, 0)
        if len(self._found) == len(self._wanted):
            raise _Enough

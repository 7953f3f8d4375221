"""The part of a model that lives, as a network of its own that takes what the frozen part gives.

It is the model's own forward, run over a copy of the modules on the way to the living ones. Those
are shared, with their parameters; the frozen ones are gates that answer with shapes. So nothing has
to be known about any architecture; what it cannot do is found out by running it once.
"""

import copy
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from typing import Any

from torch import Tensor, nn

from trainer_service.features.boundary import Entry, Slot, holds_live, is_live
from trainer_service.features.gates import Computed, Feed, Gate, Shapes
from trainer_service.features.recording import Call, Recording
from trainer_service.features.trees import rebuilt


class Replay:
    """The forward of a suffix: kept tensors in, what the model gives out."""

    def __init__(self, network: nn.Module, feed: Feed, image: Tensor) -> None:
        self._forward = network.forward
        self._feed = feed
        self._image = image
        self._slots: tuple[Slot, ...] = ()
        self._constants: dict[Entry, Tensor] = {}
        self._last: Computed | None = None
        self.only_computed: Computed | None = None
        """By the last run: the one call that gave its output, if there was nothing else."""

    def use(self, slots: Iterable[Slot]) -> None:
        """Say what comes in: a tensor for every slot that is not constant, in order."""
        every = tuple(slots)
        self._slots = tuple(slot for slot in every if slot.image_dim is not None)
        self._constants = {
            entry: slot.constant
            for slot in every
            if slot.constant is not None
            for entry in slot.entries
        }

    def __call__(self, kept: Sequence[Tensor]) -> Any:
        """Return what the model would give for the images that these were made of.

        Args:
            kept: [B, ...] each, images first.
        """
        values = dict(self._constants)
        for slot, tensor in zip(self._slots, kept, strict=True):
            assert slot.image_dim is not None
            placed = tensor.movedim(0, slot.image_dim) if slot.image_dim else tensor
            values |= dict.fromkeys(slot.entries, placed)
        if self._last is not None:
            return _called_again(self._last, values)
        return self.run(len(kept[0]), values)

    def take_short_cut(self, last: Computed | None) -> None:
        """From now on call only this: nothing else of the forward is computed."""
        self._last = last

    def run(self, num_images: int, values: Mapping[Entry, Tensor]) -> Any:
        """Return the same, from values by where they enter."""
        self._feed.start(num_images, values)
        output = self._forward(self._image.expand(num_images, *self._image.shape[1:]))
        self.only_computed = self._only_computed(output)
        self._feed.computed = []
        return output

    def _only_computed(self, output: Any) -> Computed | None:
        """Return the one call that gave the output; None where there was more to it."""
        if len(self._feed.computed) != 1 or self._feed.computed[0].output is not output:
            return None
        [only] = self._feed.computed
        tensors = [leaf for leaf in only.leaves if isinstance(leaf, Tensor)]
        # Shapes of one number of images must not be kept.
        return replace(only, output=None) if all(each.is_meta for each in tensors) else None

    @property
    def taken(self) -> list[Entry]:
        """Return what the last forward asked for, in order."""
        return self._feed.taken


def _called_again(last: Computed, values: Mapping[Entry, Tensor]) -> Any:
    leaves = [
        values[Entry(last.path, last.call, number)] if isinstance(leaf, Tensor) else leaf
        for number, leaf in enumerate(last.leaves)
    ]
    args, kwargs = rebuilt(leaves, last.spec)
    return last.module(*args, **kwargs)


def suffix_of(
    model: nn.Module, live: frozenset[str], few: Recording, more: Recording, images: Tensor
) -> tuple[nn.Module, Replay]:
    """Return the network, and its forward, which still has to be told what comes in.

    Args:
        few: what was seen with some images, and `more` with one more.
        images: [B, C, H, W], such as the model takes.
    """
    feed = Feed()
    memo: dict[int, Any] = {}
    _place(model, "", memo, _Parts(live, few, more, feed))
    network: nn.Module = copy.deepcopy(model, memo)
    for path, module in network.named_modules():
        if not is_live(path, live):
            module.training = False
    replay = Replay(network, feed, images[:1].to("meta"))
    object.__setattr__(network, "forward", replay)
    return network, replay


class _Parts:
    """Which module is what."""

    def __init__(self, live: frozenset[str], few: Recording, more: Recording, feed: Feed) -> None:
        self.live = live
        self.feed = feed
        self.called = few.called | more.called
        self.shapes = _shapes(few, more)

    def gate(self, path: str, module: nn.Module) -> Gate:
        """Return what stands for a module."""
        return Gate(module, path, self.feed, None if is_live(path, self.live) else self.shapes)

    def is_gate(self, path: str) -> bool:
        """Whether a module is taken as a whole: it is called, and lives all or not at all."""
        if path not in self.called:
            return False
        return is_live(path, self.live) or not holds_live(path, self.live)


def _place(module: nn.Module, path: str, memo: dict[int, Any], parts: _Parts) -> None:
    """Note in a memo of deepcopy what stands for a module, or for what is directly in it."""
    if path and parts.is_gate(path):
        memo.setdefault(id(module), parts.gate(path, module))
        return
    own = (*module.parameters(recurse=False), *module.buffers(recurse=False))
    for tensor in own:
        memo[id(tensor)] = tensor if is_live(path, parts.live) else _without_numbers(tensor)
    for name, child in module.named_children():
        _place(child, f"{path}.{name}" if path else name, memo, parts)


def _without_numbers(tensor: Tensor) -> Tensor:
    empty = tensor.detach().to("meta")
    return nn.Parameter(empty, requires_grad=False) if isinstance(tensor, nn.Parameter) else empty


def _shapes(few: Recording, more: Recording) -> dict[Call, Shapes]:
    return {
        call: Shapes(few.given[call], more.given[call], few.num_images, more.num_images)
        for call in few.given.keys() & more.given.keys()
    }

"""Finding the cut: where a model can be taken apart so that both parts give what the whole gives.

Nothing is believed: the model runs on a few images in training mode and in evaluation mode, then
the suffix runs on what was seen to enter it, and both must give the same bits.
"""

from collections.abc import Callable, Iterator, Sequence
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass

import torch
from torch import Tensor, nn

from catalog_service.models.freeze_plan import FreezePlan
from trainer_service.features.boundary import (
    AllLives,
    Entry,
    NothingToKeep,
    Slot,
    enclosing,
    is_live,
    live_paths,
)
from trainer_service.features.recording import Recording, Seen, record
from trainer_service.features.suffix import Replay, suffix_of
from trainer_service.features.trees import leaves_of

Precision = Callable[[], AbstractContextManager[object]]
"""Makes what every forward runs in: autocast, or nothing."""

NUM_FEW, NUM_MORE = 2, 3
"""Images: two numbers, so that it shows which dimension counts them."""

PROBE_SEED = 0
"""Dropout must draw the same in both."""


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Cut:
    """A model, taken apart."""

    live: frozenset[str]
    network: nn.Module
    """What is left to run, with the model's own living modules under the model's paths."""
    slots: tuple[Slot, ...]
    """What enters it and differs from image to image, in the order in which the model makes it."""
    examples: tuple[Tensor, ...]
    """What entered each slot for a few images, images first; strides as the model made them."""


def find_cut(model: nn.Module, freeze: FreezePlan, images: Tensor, precision: Precision) -> Cut:
    """Return the model taken apart as far from the images as its forward allows.

    Args:
        images: at least NUM_MORE, such as the model takes.

    Raises:
        NothingToKeep: says why; AllLives, if no model could be taken apart under this plan.
    """
    live = live_paths(freeze)
    if not live or "" in live:
        raise AllLives("everything trains" if live else "nothing trains")
    while True:
        try:
            return _cut(model, freeze, live, images, precision)
        except AllLives:
            raise
        except NothingToKeep:
            if (wider := enclosing(live)) == live:
                raise
            live = wider


def enter_modes(network: nn.Module, freeze: FreezePlan) -> None:
    """Put exactly what the plan says into training mode."""
    network.eval()
    for path in freeze.train_modules:
        network.get_submodule(path).train()
    for path in freeze.frozen_norms:
        network.get_submodule(path).eval()


@contextmanager
def as_it_was(model: nn.Module, live: frozenset[str]) -> Iterator[None]:
    """Give back modes, running statistics and random numbers as they were."""
    modes = {module: module.training for module in model.modules()}
    buffers = [buffer for path, buffer in model.named_buffers() if is_live(path, live)]
    before = [buffer.clone() for buffer in buffers]
    devices = {tensor.device for tensor in model.parameters() if tensor.is_cuda}
    with torch.random.fork_rng(sorted(device.index or 0 for device in devices)):
        try:
            yield
        finally:
            for module, mode in modes.items():
                module.training = mode
            for buffer, value in zip(buffers, before, strict=True):
                buffer.copy_(value)


def _cut(
    model: nn.Module,
    freeze: FreezePlan,
    live: frozenset[str],
    images: Tensor,
    precision: Precision,
) -> Cut:
    probe = _Probe(model, freeze, live, precision)
    few = probe.seen(images[:NUM_FEW], is_training=True)
    more = probe.seen(images[:NUM_MORE], is_training=False)
    try:
        network, replay = suffix_of(model, live, few, more, images)
        entries = probe.replayed(network, replay, few, is_training=True)
        only = replay.only_computed
        others = probe.replayed(network, replay, more, is_training=False)
    except NothingToKeep:
        raise
    except Exception as error:  # whatever a forward does with tensors that have no numbers
        text = str(error).partition("\n")[0]
        raise NothingToKeep(f"its forward uses the frozen part's numbers: {text}") from error
    if set(entries) != set(others):
        raise NothingToKeep("other parts of it run in training than in evaluation")
    slots = _slots(entries, few, more)
    replay.use(slots)
    also = replay.only_computed
    if only and also and (only.path, only.call) == (also.path, also.call):
        replay.take_short_cut(only)
    varying = tuple(slot for slot in slots if slot.image_dim is not None)
    if not varying:
        raise NothingToKeep("nothing of the frozen part depends on the images")
    if any(torch.equal(few.taken[slot.entries[0]].value, images[:NUM_FEW]) for slot in varying):
        raise AllLives("what sees the images first trains")
    examples = tuple(_images_first(few.taken[slot.entries[0]].tensor, slot) for slot in varying)
    return Cut(live=live, network=network, slots=varying, examples=examples)


class _Probe:
    """Forwards that leave no trace."""

    def __init__(
        self,
        model: nn.Module,
        freeze: FreezePlan,
        live: frozenset[str],
        precision: Precision,
    ) -> None:
        self._model, self._freeze, self._live = model, freeze, live
        self._precision = precision
        self._device = next(model.parameters()).device

    def seen(self, images: Tensor, *, is_training: bool) -> Recording:
        """Return what was seen when the whole model ran."""
        with self._running(self._model, is_training):
            recording = record(self._model, self._live, images, self._model)
            recording.drawn = _random_state(self._device)
            return recording

    def replayed(
        self, network: nn.Module, replay: Replay, recording: Recording, *, is_training: bool
    ) -> list[Entry]:
        """Run the suffix on what was seen; return where tensors entered, in order.

        Raises:
            NothingToKeep: it does not give the same.
        """
        values = {entry: seen.value.clone() for entry, seen in recording.taken.items()}
        with self._running(network, is_training):
            output = replay.run(recording.num_images, values)
            drawn = _random_state(self._device)
        if not torch.equal(drawn, recording.drawn):
            raise NothingToKeep("the frozen part draws random numbers")
        if not _are_equal(output, recording.output):
            raise NothingToKeep("the rest of it does not give the same without the frozen part")
        return replay.taken

    @contextmanager
    def _running(self, network: nn.Module, is_training: bool) -> Iterator[None]:
        with as_it_was(self._model, self._live), torch.set_grad_enabled(is_training):
            if is_training:
                enter_modes(network, self._freeze)
            else:
                network.eval()
            torch.manual_seed(PROBE_SEED)
            with self._precision():
                yield


def _random_state(device: torch.device) -> Tensor:
    """Return what shows how many random numbers were drawn."""
    return torch.cuda.get_rng_state(device) if device.type == "cuda" else torch.get_rng_state()


def _are_equal(output: object, expected: object) -> bool:
    pairs = zip(leaves_of(output), leaves_of(expected), strict=True)
    return all(
        torch.equal(ours, theirs) if isinstance(ours, Tensor) else ours == theirs
        for ours, theirs in pairs
    )


def _slots(entries: Sequence[Entry], few: Recording, more: Recording) -> tuple[Slot, ...]:
    """Return a slot for each tensor, in the order in which the model makes them."""
    shared: list[list[Entry]] = []
    for entry in entries:
        seen = few.taken[entry]
        for group in shared:
            if _is_same(few.taken[group[0]], seen):
                group.append(entry)
                break
        else:
            shared.append([entry])
    return tuple(_slot(tuple(group), few, more) for group in shared)


def _is_same(first: Seen, second: Seen) -> bool:
    return first.tensor is second.tensor and torch.equal(first.value, second.value)


def _slot(entries: tuple[Entry, ...], few: Recording, more: Recording) -> Slot:
    small, large = few.taken[entries[0]].value, more.taken[entries[0]].value
    if small.shape == large.shape:
        if not torch.equal(small, large):
            raise NothingToKeep(f"what enters {entries[0].path!r} does not show its images")
        return Slot(entries=entries, image_dim=None, constant=small)
    pairs = zip(small.shape, large.shape, strict=True)
    differing = {dim: sizes for dim, sizes in enumerate(pairs) if sizes[0] != sizes[1]}
    if list(differing.values()) != [(NUM_FEW, NUM_MORE)]:
        raise NothingToKeep(f"what enters {entries[0].path!r} is not kept image by image")
    return Slot(entries=entries, image_dim=next(iter(differing)))


def _images_first(tensor: Tensor, slot: Slot) -> Tensor:
    assert slot.image_dim is not None
    return tensor.detach().movedim(slot.image_dim, 0)

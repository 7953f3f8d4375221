"""One forward of the whole model on a few images, watched: what every module took and gave."""

from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any

import torch
from torch import Tensor, nn

from trainer_service.features.boundary import Entry, is_live, modules_by_path
from trainer_service.features.trees import leaves_of, require_plain, with_leaves

Call = tuple[str, int]
"""A module's path, and which of its calls."""


@dataclass(frozen=True, slots=True)
class Shape:
    """A tensor without its numbers."""

    sizes: tuple[int, ...]
    dtype: torch.dtype


@dataclass(frozen=True, slots=True, kw_only=True)
class Seen:
    """A tensor that went into a module."""

    tensor: Tensor
    """Itself: the same one may go into others."""
    value: Tensor
    """A copy: what it was at that time; modules may write into what they get."""


@dataclass(slots=True, kw_only=True)
class Recording:
    """What was seen."""

    num_images: int
    given: dict[Call, Any] = field(default_factory=dict)
    """What modules gave, as trees of shapes; all modules outside the living ones."""
    taken: dict[Entry, Seen] = field(default_factory=dict)
    """What went into living modules, and into all others once a living one had run."""
    output: Any = None
    drawn: Tensor = field(default_factory=lambda: torch.empty(0))
    """The state of the random numbers afterwards."""

    @property
    def called(self) -> frozenset[str]:
        """Return the paths of modules that were called."""
        return frozenset(path for path, _ in self.given)


def record(
    model: nn.Module, live: frozenset[str], images: Tensor, run: Callable[[Tensor], Any]
) -> Recording:
    """Return what was seen while `run` sent images through the model.

    Raises:
        NothingToKeep: a frozen module gives something that cannot be looked into.
    """
    recording = Recording(num_images=len(images))
    with _watched(model, live, recording):
        recording.output = run(images)
    return recording


@contextmanager
def _watched(model: nn.Module, live: frozenset[str], recording: Recording) -> Iterator[None]:
    watch = _Watch(live, recording)
    handles = []
    for path, module in modules_by_path(model).items():
        handles.append(module.register_forward_pre_hook(watch.before(path), with_kwargs=True))
        handles.append(module.register_forward_hook(watch.after(path)))
    try:
        yield
    finally:
        for handle in handles:
            handle.remove()


class _Watch:
    """What is noted before and after each call."""

    def __init__(self, live: frozenset[str], recording: Recording) -> None:
        self._live = live
        self._recording = recording
        self._counts: Counter[str] = Counter()
        self._running: str | None = None
        """The living module that runs; what happens in it is its own affair."""
        self._has_lived = False

    def before(self, path: str) -> Callable[[nn.Module, tuple[Any, ...], dict[str, Any]], None]:
        def note(_: nn.Module, args: tuple[Any, ...], kwargs: dict[str, Any]) -> None:
            if self._running is not None:
                return
            if is_live(path, self._live):
                self._running, self._has_lived = path, True
            if self._has_lived:
                self._note_inputs(path, leaves_of((args, kwargs)))

        return note

    def after(self, path: str) -> Callable[[nn.Module, tuple[Any, ...], Any], None]:
        def note(_: nn.Module, __: tuple[Any, ...], given: Any) -> None:
            if self._running not in (None, path):
                return
            if self._running is None:
                require_plain(path, given)
            self._running = None
            call = (path, self._counts[path])
            self._recording.given[call] = with_leaves(given, _shape)
            self._counts[path] += 1

        return note

    def _note_inputs(self, path: str, leaves: list[Any]) -> None:
        for number, leaf in enumerate(leaves):
            if isinstance(leaf, Tensor):
                entry = Entry(path, self._counts[path], number)
                seen = Seen(tensor=leaf, value=leaf.detach().clone())
                self._recording.taken[entry] = seen


def _shape(leaf: Any) -> Any:
    return Shape(tuple(leaf.shape), leaf.dtype) if isinstance(leaf, Tensor) else leaf

"""Where the frozen part of a model ends: which modules live, and what enters them.

A module *lives* if something in it trains or is in training mode. What a frozen module puts out for
an image is always the same, so it is enough to know what enters the living ones.
"""

from collections.abc import Iterable
from dataclasses import dataclass

from torch import Tensor, nn

from catalog_service.models.freeze_plan import FreezePlan
from catalog_service.models.layout import is_inside


class NothingToKeep(Exception):
    """Why this model's frozen part cannot be kept, for people."""


class AllLives(NothingToKeep):
    """There is no frozen part before the first thing that trains."""


@dataclass(frozen=True, slots=True, order=True)
class Entry:
    """A tensor that goes into a module: the `leaf`-th of the module's `call`-th call."""

    path: str
    call: int
    leaf: int


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Slot:
    """A tensor of the frozen part that something living takes, perhaps several times."""

    entries: tuple[Entry, ...]
    """The first is where it is seen first."""
    image_dim: int | None
    """The dimension of the images; None where it is the same for all of them."""
    constant: Tensor | None = None
    """With no `image_dim`: its value."""


def live_paths(freeze: FreezePlan) -> frozenset[str]:
    """Return the outermost modules that train or are in training mode; `""` is the model itself."""
    owners = {name.rpartition(".")[0] for name in freeze.trainable}
    return outermost({*owners, *freeze.train_modules})


def outermost(paths: Iterable[str]) -> frozenset[str]:
    """Return the paths that lie in no other one."""
    every = frozenset(paths)
    return frozenset(
        path
        for path in every
        if not any(other != path and (not other or is_inside(path, other)) for other in every)
    )


def enclosing(paths: frozenset[str]) -> frozenset[str]:
    """Return the modules one level further out; those that lie in the model itself stay."""
    return outermost(path.rpartition(".")[0] or path for path in paths)


def is_live(path: str, live: frozenset[str]) -> bool:
    """Whether a module is one of `live` or lies in one."""
    return any(not root or is_inside(path, root) for root in live)


def holds_live(path: str, live: frozenset[str]) -> bool:
    """Whether one of `live` lies in a module."""
    return any(not path or is_inside(root, path) for root in live)


def modules_by_path(model: nn.Module) -> dict[str, nn.Module]:
    """Return every module but the model itself, by the first path that leads to it."""
    return {path: module for path, module in model.named_modules() if path}

"""The tensors inside what modules take and give: tuples, dicts, outputs of transformers.

torch's own trees know them all, the registered ones of other libraries too; torch has no public
name for them yet.
"""

from collections.abc import Callable
from typing import Any

import torch
from torch import Tensor
from torch.utils import _pytree

from trainer_service.features.boundary import NothingToKeep

TreeSpec = _pytree.TreeSpec
"""What makes a tree of leaves again."""

PLAIN = (bool, int, float, str, torch.dtype, torch.device, type(None))
"""What may stand beside tensors: it says nothing about the images but their number and size."""


def leaves_of(tree: object) -> list[Any]:
    """Return tensors and plain values, in order."""
    return _pytree.tree_leaves(tree)


def with_leaves(tree: Any, change: Callable[[Any], Any]) -> Any:
    """Return the same tree with every leaf changed."""
    return _pytree.tree_map(change, tree)


def flat(tree: Any) -> tuple[list[Any], TreeSpec]:
    """Return the leaves, and what makes a tree of them again."""
    return _pytree.tree_flatten(tree)


def rebuilt(leaves: list[Any], spec: TreeSpec) -> Any:
    """Return the tree that `flat` took apart."""
    return _pytree.tree_unflatten(leaves, spec)


def require_plain(path: str, tree: object) -> None:
    """Raise NothingToKeep where a module gives something that could hide tensors."""
    for leaf in leaves_of(tree):
        if not isinstance(leaf, (Tensor, *PLAIN)):
            raise NothingToKeep(f"{path!r} gives a {type(leaf).__name__}, which is not kept")

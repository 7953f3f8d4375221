"""Puts a state into a skeleton, strictly and without a second copy. Imports torch."""

from collections.abc import Iterator, Mapping
from itertools import chain
from pathlib import Path

import torch
from safetensors.torch import load_file
from torch import Tensor, nn

from catalog_service.errors import Precondition, listed
from catalog_service.models.dtypes import spelling_of
from catalog_service.models.layout import ShapeMismatch, StateLayout
from catalog_service.models.state_mismatch import StateMismatch, refuse_state

State = Mapping[str, Tensor]
"""Canonical name -> tensor."""


class SkeletonIncomplete(Precondition):
    """Something is still on meta: its forward would return noise, not an error."""

    reason = "SKELETON_INCOMPLETE"


def load_state(*paths: Path) -> dict[str, Tensor]:
    """Return the tensors of one or several safetensors files, on the CPU, mapped where possible.

    Raises:
        StateMismatch: a name is in two files.
    """
    state: dict[str, Tensor] = {}
    for path in paths:
        part = load_file(path)
        if twice := sorted(state.keys() & part.keys()):
            raise StateMismatch(f"{path.name} repeats {len(twice)} tensors ({listed(twice)})")
        state |= part
    return state


def attach(skeleton: nn.Module, state: State, layout: StateLayout) -> nn.Module:
    """Return `skeleton` holding the tensors of `state`, without a second copy in memory.

    Args:
        skeleton: built on the meta device; shapes only, no numbers. It is changed and returned.
        state: exactly the names, shapes and dtypes of `layout`.

    Raises:
        StateMismatch: a name is missing or unexpected, or a shape or dtype differs.
        SkeletonIncomplete: something is still on meta, such as a non-persistent buffer.

    Source: torch.nn.Module.load_state_dict with assign=True.
    """
    require_fitting(state, layout)
    _check_names(skeleton, layout)
    skeleton.load_state_dict(dict(state), strict=True, assign=True)
    left = [name for name, tensor in _tensors(skeleton) if tensor.is_meta]
    if left:
        raise SkeletonIncomplete(
            f"{len(left)} tensors are in no state and still have no numbers ({listed(left)})"
        )
    return skeleton


def require_fitting(state: State, layout: StateLayout) -> None:
    """Raise StateMismatch unless a state has exactly a layout's names, shapes and dtypes."""
    known = {tensor.name: tensor for tensor in layout.tensors}
    missing = [name for name in known if name not in state]
    unexpected = [name for name in state if name not in known]
    both = [(known[name], state[name]) for name in known if name in state]
    misshapen = [
        ShapeMismatch(name=info.name, source_shape=tuple(found.shape), layout_shape=info.shape)
        for info, found in both
        if tuple(found.shape) != info.shape
    ]
    mistyped = [
        f"{info.name}: {spelling_of(found.dtype)}, not {info.dtype}"
        for info, found in both
        if spelling_of(found.dtype) != info.dtype
    ]
    if missing or unexpected or misshapen or mistyped:
        refuse_state(
            "state does not fit its layout",
            missing=missing,
            unexpected=unexpected,
            misshapen=misshapen,
            mistyped=mistyped,
        )


def _check_names(skeleton: nn.Module, layout: StateLayout) -> None:
    own = {name: tuple(tensor.shape) for name, tensor in skeleton.state_dict().items()}
    known = {tensor.name: tensor.shape for tensor in layout.tensors}
    if own != known:
        refuse_state(
            "layout does not fit the skeleton",
            missing=[name for name in own if name not in known],
            unexpected=[name for name in known if name not in own],
            misshapen=[
                ShapeMismatch(name=name, source_shape=known[name], layout_shape=shape)
                for name, shape in own.items()
                if name in known and known[name] != shape
            ],
        )


def _tensors(module: nn.Module) -> Iterator[tuple[str, torch.Tensor]]:
    """Yield every parameter and buffer, also those that `state_dict` leaves out."""
    return chain(module.named_parameters(), module.named_buffers())

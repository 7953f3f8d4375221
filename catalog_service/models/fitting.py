"""Whether a state is a layout's, exactly. Imports torch."""

from collections.abc import Mapping

from torch import Tensor

from catalog_service.errors import Precondition
from catalog_service.models.dtypes import spelling_of
from catalog_service.models.layout import ShapeMismatch, StateLayout
from catalog_service.models.state_mismatch import refuse_state

State = Mapping[str, Tensor]
"""Canonical name -> tensor."""


class SkeletonIncomplete(Precondition):
    """Something is still on meta: its forward would return noise, not an error."""

    reason = "SKELETON_INCOMPLETE"


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

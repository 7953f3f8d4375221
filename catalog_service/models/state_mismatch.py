"""The one error for a state that does not fit a layout, with everything that does not. No torch."""

from collections.abc import Sequence
from typing import NoReturn

from catalog_service.errors import Precondition, listed
from catalog_service.models.layout import ShapeMismatch


class StateMismatch(Precondition):
    """A name is missing or unexpected, or a shape or dtype differs."""

    reason = "STATE_MISMATCH"


def refuse_state(
    what: str,
    *,
    missing: Sequence[str] = (),
    unexpected: Sequence[str] = (),
    misshapen: Sequence[ShapeMismatch] = (),
    mistyped: Sequence[str] = (),
    non_finite: Sequence[str] = (),
) -> NoReturn:
    """Raise `StateMismatch` naming all kinds.

    Args:
        what: `state of 'pets.safetensors' does not fit resnet50`.
        mistyped: `name: F32, not I64`.
        non_finite: tensors with NaN or infinity.
    """
    shapes = [
        f"{one.name}: file {list(one.source_shape)}, layout {list(one.layout_shape)}"
        for one in misshapen
    ]
    kinds = {
        "missing": missing,
        "misshapen": shapes,
        "unexpected": unexpected,
        "mistyped": mistyped,
        "non-finite": non_finite,
    }
    found = [f"{len(names)} {kind} ({listed(names)})" for kind, names in kinds.items() if names]
    counts = {f"num_{kind.replace('-', '_')}": str(len(names)) for kind, names in kinds.items()}
    raise StateMismatch(f"{what}: {', '.join(found)}", metadata=counts)

"""How other code calls an architecture's tensors: a table from our names to theirs. Pure.

Read with a layout in hand, a table says exactly which names a file must have, so that nothing is
guessed from a word and whatever is left over can be refused.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field

from catalog_service.models.layout import StateLayout

NUMBER, ENDING, REST = "N", "*", "**"
"""Parts of a path that stand for any number, for `weight` or `bias`, and for all that follows."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Place:
    """Where files of a scheme keep tensors of ours.

    Attributes:
        ours, theirs: paths with equally many wildcards, filled in order.
        part, num_parts: the part of a fused tensor, cut along its first dimension; from 0.
        is_reshaped: the same numbers in another shape.
        absent: why a file may lack it, and 0 may stand for it; empty: it may not.
    """

    ours: str
    theirs: str
    part: int = 0
    num_parts: int = 1
    is_reshaped: bool = False
    absent: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Scheme:
    """The names of one code base.

    Attributes:
        name: of the scheme, in reports.
        source: the code that has them.
        places: the first that fits a name of ours counts; without any the name is the same.
        mask_ending: what follows the name of a fused tensor in that of its mask.
        rotary_periods: name of the buffer, which our model computes.
        copies: name of a tensor that files hold twice -> ours.
        unused: module -> why no output depends on it.
        refused: modules that outputs do depend on and that ours does not have.
    """

    name: str
    source: str
    places: tuple[Place, ...]
    mask_ending: str = ""
    rotary_periods: str = ""
    copies: Mapping[str, str] = field(default_factory=dict)
    unused: Mapping[str, str] = field(default_factory=dict)
    refused: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Spot:
    """Where a file of a scheme has one tensor."""

    name: str
    """In the file."""

    place: Place


def spots(scheme: Scheme, layout: StateLayout) -> Mapping[str, Spot]:
    """Return where files of a scheme have each backbone tensor: our name -> spot."""
    return {tensor.name: _spot(scheme, tensor.name) for tensor in layout.of_role("backbone")}


def _spot(scheme: Scheme, name: str) -> Spot:
    for place in scheme.places:
        found = _wildcards(place.ours, name)
        if found is not None:
            return Spot(name=_filled(place.theirs, found), place=place)
    return Spot(name=name, place=Place(ours=name, theirs=name))


def _wildcards(pattern: str, name: str) -> list[str] | None:
    """Return what the wildcards of a pattern stand for in a name; None where it does not fit."""
    wanted, parts = pattern.split("."), name.split(".")
    if wanted[-1] == REST:
        length = len(wanted) - 1
        parts = [*parts[:length], ".".join(parts[length:])]
    if len(wanted) != len(parts):
        return None
    if not all(_fits(one, part) for one, part in zip(wanted, parts, strict=True)):
        return None
    return [part for one, part in zip(wanted, parts, strict=True) if one in (NUMBER, ENDING, REST)]


def _fits(wanted: str, part: str) -> bool:
    if wanted == NUMBER:
        return part.isdecimal()
    if wanted == ENDING:
        return part in ("weight", "bias")
    return part == wanted or (wanted == REST and bool(part))


def _filled(pattern: str, found: list[str]) -> str:
    values = iter(found)
    parts = [
        next(values) if part in (NUMBER, ENDING, REST) else part for part in pattern.split(".")
    ]
    return ".".join(parts)

"""How other code calls an architecture's tensors: a table from our names to theirs. Pure.

Read with a layout in hand, a table says exactly which names a file must have, so that nothing is
guessed from a word and whatever is left over can be refused.
"""

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from functools import cache

from catalog_service.models.layout import StateLayout

NUMBER, ENDING, REST = "N", "*", "**"
"""Parts of a path that stand for any number, for `weight` or `bias`, and for all that follows."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Place:
    """Where files of a scheme keep tensors of ours.

    Attributes:
        ours, theirs: paths with equally many wildcards, filled in order.
        part, num_parts: the part of a fused tensor, cut along its first dimension; from 0.
        pieces: names of the parts that ours is joined from, along its first dimension, in order;
            the first is `theirs`.
        is_reshaped: the same numbers in another shape.
        absent: why a file may lack it, and 0 may stand for it; empty: it may not.
    """

    ours: str
    theirs: str
    part: int = 0
    num_parts: int = 1
    pieces: tuple[str, ...] = ()
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
        unused: module, or path with wildcards -> why no output depends on it.
        refused: modules that outputs do depend on and that ours does not have.
        head: path of the layer whose outputs are the classes.
        differs: why the same numbers give other outputs there, so that such files are refused.
    """

    name: str
    source: str
    places: tuple[Place, ...]
    mask_ending: str = ""
    rotary_periods: str = ""
    copies: Mapping[str, str] = field(default_factory=dict)
    unused: Mapping[str, str] = field(default_factory=dict)
    refused: tuple[str, ...] = ()
    head: str = ""
    differs: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Spot:
    """Where a file of a scheme has one tensor."""

    names: tuple[str, ...]
    """In the file; several where ours is joined from them."""

    place: Place

    @property
    def name(self) -> str:
        """Return the only or first name."""
        return self.names[0]

    def file_shape(self, shape: tuple[int, ...]) -> tuple[int, ...] | None:
        """Return the shape that each of `names` has in a file, from ours; None: only the size."""
        if self.place.is_reshaped:
            return None
        if len(self.names) > 1:
            return (shape[0] // len(self.names), *shape[1:])
        return (shape[0] * self.place.num_parts, *shape[1:]) if self.place.num_parts > 1 else shape


def spots(scheme: Scheme, layout: StateLayout) -> Mapping[str, Spot]:
    """Return where files of a scheme have each backbone tensor: our name -> spot."""
    return {tensor.name: spot(scheme, tensor.name) for tensor in layout.of_role("backbone")}


def spot(scheme: Scheme, name: str) -> Spot:
    """Return where files of a scheme have the tensor that we call `name`."""
    for place in scheme.places:
        found = _pattern(place.ours).fullmatch(name)
        if found is not None:
            theirs = place.pieces or (place.theirs,)
            return Spot(names=tuple(_filled(one, found.groups()) for one in theirs), place=place)
    return Spot(names=(name,), place=Place(ours=name, theirs=name))


def is_at(path: str, name: str) -> bool:
    """Return whether a path with wildcards fits a name."""
    return _pattern(path).fullmatch(name) is not None


@cache
def _pattern(path: str) -> re.Pattern[str]:
    """Return what a path with wildcards matches, a group for each of them."""
    return re.compile(r"\.".join(map(_part_pattern, path.split("."))))


def _part_pattern(part: str) -> str:
    if part.endswith(_NUMBERED):
        return re.escape(part.removesuffix(NUMBER)) + _WILDCARDS[NUMBER]
    return _WILDCARDS.get(part, re.escape(part))


_NUMBERED = f"_{NUMBER}"
"""What ends with it ends with any number: `encoder_layer_N`. Only in names of ours."""

_WILDCARDS = {NUMBER: r"(\d+)", ENDING: "(weight|bias)", REST: "(.+)"}


def _filled(pattern: str, found: Iterable[str]) -> str:
    values = iter(found)
    return ".".join(next(values) if part in _WILDCARDS else part for part in pattern.split("."))

"""What is done to the tensors of a file before they are compared with a layout, as data. No torch.

Renaming needs no numbers and is done before; this is what does.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Self

from catalog_service.models.plain_json import JsonObject, from_plain, to_plain


@dataclass(frozen=True, slots=True, kw_only=True)
class Cut:
    """A tensor that is cut into equal parts along its first dimension."""

    source: str
    parts: tuple[str, ...]
    """Their names; "" is left out: its numbers must be 0, or be masked out."""

    mask: str = ""
    """A tensor of the same shape: 0 where a part is left out, 1 elsewhere; "": there is none."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Join:
    """A tensor that is joined from equal parts along the first dimension."""

    name: str
    parts: tuple[str, ...]
    """Their names, in order."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Rewrite:
    """Done in this order; the names are those after `cuts` and `joins`."""

    cuts: tuple[Cut, ...] = ()
    joins: tuple[Join, ...] = ()
    reshaped: tuple[str, ...] = ()
    """Have the layout's numbers in another shape."""

    copies: Mapping[str, str] = field(default_factory=dict)
    """A tensor that is left out -> the one that it must equal."""

    rotary_periods: str = ""
    """Left out, too: must be those that the model computes. "": there are none."""

    zeros: tuple[str, ...] = ()
    """Not in the file, whose writer leaves them out because they are 0 or never used."""

    @property
    def read_only(self) -> frozenset[str]:
        """Return the tensors that are looked at and then left out."""
        periods = [self.rotary_periods] if self.rotary_periods else []
        return frozenset([*(cut.mask for cut in self.cuts if cut.mask), *self.copies, *periods])

    def to_json(self) -> JsonObject:
        """Return the rewrite as plain JSON."""
        plain: JsonObject = to_plain(self)
        return plain

    @classmethod
    def from_json(cls, data: object) -> Self:
        """Return the rewrite that `to_json` wrote."""
        return from_plain(cls, data)


NO_REWRITE = Rewrite()

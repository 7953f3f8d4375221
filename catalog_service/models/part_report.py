"""What happened to one part of a state, and two of them joined to the report of a load. No torch.

A backbone's report is recorded once, under the names of its blob, and serves every model that is
built from that blob.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from typing import Self

from catalog_service.models.layout import (
    LoadReport,
    ShapeMismatch,
    StateLayout,
)
from catalog_service.models.plain_json import JsonObject, from_plain, to_plain

COUNTER = "num_batches_tracked"
"""Missing in old files. Source: version 2 of BatchNorm's `_load_from_state_dict`."""


@dataclass(frozen=True, slots=True, kw_only=True)
class PartReport:
    """The lists are as in `LoadReport`; `dropped` and `unexpected` are names of the source."""

    num_loaded: int = 0
    num_elements_loaded: int = 0
    num_filled: int = 0
    """Counters that old files do not have, set to 0."""

    num_elements_filled: int = 0
    missing: tuple[str, ...] = ()
    unexpected: tuple[str, ...] = ()
    misshapen: tuple[ShapeMismatch, ...] = ()
    dropped: tuple[str, ...] = ()
    initialised: tuple[str, ...] = ()
    casts: Mapping[str, int] = field(default_factory=dict)
    """`F16 -> F32` -> how many tensors."""

    rules: tuple[str, ...] = ()

    def renamed(self, rename: Callable[[str], str]) -> "PartReport":
        """Return the report with the model's names renamed; those of the source stay."""
        return replace(
            self,
            missing=tuple(map(rename, self.missing)),
            misshapen=tuple(replace(one, name=rename(one.name)) for one in self.misshapen),
            initialised=tuple(map(rename, self.initialised)),
        )

    def to_json(self) -> JsonObject:
        """Return the report as plain JSON."""
        plain: JsonObject = to_plain(self)
        return plain

    @classmethod
    def from_json(cls, data: object) -> Self:
        """Return the report that `to_json` wrote."""
        return from_plain(cls, data)


def joined(layout: StateLayout, backbone: PartReport, head: PartReport) -> LoadReport:
    """Return the report of a whole load, both parts under the layout's names.

    Counters that were filled with zeros count neither as loaded nor against the coverage.
    """
    num_backbone = sum(tensor.num_elements for tensor in layout.of_role("backbone"))
    initialised = {*backbone.initialised, *head.initialised}
    expected = max(1, num_backbone - backbone.num_elements_filled)
    return LoadReport(
        num_loaded=backbone.num_loaded + head.num_loaded,
        num_expected=len(layout.tensors),
        num_elements_loaded=backbone.num_elements_loaded + head.num_elements_loaded,
        num_elements_expected=sum(tensor.num_elements for tensor in layout.tensors),
        backbone_coverage=backbone.num_elements_loaded / expected,
        missing=(*backbone.missing, *head.missing),
        unexpected=(*backbone.unexpected, *head.unexpected),
        misshapen=(*backbone.misshapen, *head.misshapen),
        dropped=(*backbone.dropped, *head.dropped),
        initialised=tuple(t.name for t in layout.tensors if t.name in initialised),
        rules=_rules(backbone, head),
    )


def _rules(backbone: PartReport, head: PartReport) -> tuple[str, ...]:
    casts = {
        cast: backbone.casts.get(cast, 0) + head.casts.get(cast, 0)
        for cast in (*backbone.casts, *head.casts)
    }
    filled = backbone.num_filled + head.num_filled
    return (
        *(f"{cast}: {count} tensors" for cast, count in casts.items()),
        *([f"{COUNTER} filled with 0: {filled} counters"] if filled else []),
        *backbone.rules,
        *head.rules,
    )

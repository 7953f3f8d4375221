"""How the names and shapes of a backbone file meet those of a user's module. Pure: no torch."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

HEAD_NAMES = frozenset({"fc", "classifier", "head", "heads", "AuxLogits", "aux1", "aux2"})
"""Modules in which a part may be backbone and the rest head. Source: torchvision.models."""

COUNTER = "num_batches_tracked"
"""What files older than PyTorch 0.4.1 lack; only batch norms without momentum read it."""

MAX_LISTED = 5

Shapes = Mapping[str, tuple[int, ...]]
Mismatches = Mapping[str, tuple[tuple[int, ...], tuple[int, ...]]]


@dataclass(frozen=True, slots=True, kw_only=True)
class Fit:
    """How a file's names and shapes meet a module's; the fields are LoadReport's."""

    prefix: str
    fitting: tuple[str, ...]
    missing: tuple[str, ...]
    misshapen: Mismatches
    head: tuple[str, ...]
    uncovered: tuple[str, ...]
    counters: tuple[str, ...]


def fit_shapes(source: Shapes, places: Shapes) -> Fit:
    """Return where each tensor of `source` lands in `places`, and what is left on both sides."""
    prefix = _prefix(source, places)
    here = {key: places[prefix + key] for key in source if prefix + key in places}
    misshapen = {key: (source[key], place) for key, place in here.items() if place != source[key]}
    kept = [key for key in places if not (key.startswith(prefix) and key[len(prefix) :] in here)]
    counters = [key for key in kept if key.endswith(f".{COUNTER}")]
    uncovered = [key for key in kept if key not in counters and _is_backbone(key, prefix, here)]
    return Fit(
        prefix=prefix,
        fitting=tuple(key for key in here if key not in misshapen),
        missing=tuple(key for key in source if key not in here),
        misshapen=misshapen,
        head=tuple(key for key in kept if key not in counters and key not in uncovered),
        uncovered=tuple(uncovered),
        counters=tuple(counters),
    )


def _is_backbone(name: str, prefix: str, here: Shapes) -> bool:
    """Whether a tensor that the file lacks sits in a module that the file fills otherwise.

    A resnet18 file has a place for all of its tensors in a resnet34; what is left of layer1 is not
    a head.
    """
    if not name.startswith(prefix):
        return False
    top, dot, _ = name[len(prefix) :].partition(".")
    if not dot or top in HEAD_NAMES:
        return False
    return any(key.startswith(f"{top}.") for key in here)


def _prefix(source: Shapes, places: Shapes) -> str:
    """Return the prefix under which most of the file's tensors have a place of equal shape.

    No prefix wins a tie, then the shorter one.
    """
    found = {""}
    for name in source:
        found |= {key.removesuffix(name) for key in places if key.endswith(f".{name}")}

    def num_fitting(prefix: str) -> int:
        return sum(
            prefix + key in places and places[prefix + key] == shape
            for key, shape in source.items()
        )

    return max(sorted(found, key=lambda prefix: (len(prefix), prefix)), key=num_fitting)


def listed(names: Sequence[str]) -> str:
    """Return at most five names, and how many more there are."""
    if not names:
        return "none"
    more = f" and {len(names) - MAX_LISTED} more" if len(names) > MAX_LISTED else ""
    return ", ".join(names[:MAX_LISTED]) + more

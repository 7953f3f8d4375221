"""Which new classes are published ones, by their names. Pure, no torch."""

from collections import Counter
from collections.abc import Sequence


def same_classes(names: Sequence[str], published: Sequence[str]) -> tuple[tuple[int, int], ...]:
    """Return pairs of new class and published class that have the same name.

    Case, blanks around a name and `_` for a blank do not count: `Tabby_Cat` is `tabby cat`. A name
    that several published classes have (COCO's `N/A`) is nobody's.
    """
    known = [_plain(name) for name in published]
    counts = Counter(known)
    places = {name: place for place, name in enumerate(known) if counts[name] == 1}
    return tuple(
        (new, places[_plain(name)]) for new, name in enumerate(names) if _plain(name) in places
    )


def _plain(name: str) -> str:
    return " ".join(name.replace("_", " ").casefold().split())

"""Which of the images that the model has looked at are shown. Pure."""

import math
from collections.abc import Sequence
from dataclasses import dataclass

from trainer_service.sample_pictures.shown import Seen, Told

NUM_SHOWN = 8
NUM_WORST = 4
"""The others show what is usual: who sees the worst alone takes a good model for a bad one."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Candidate:
    """An image, and what would be told of it."""

    seen: Seen
    told: Told
    is_among_worst: bool = False


def chosen(candidates: Sequence[Candidate]) -> list[Candidate]:
    """Return those that are shown, the worst ones first, then the others in their own order. Where
    all are shown, none is chosen for being bad.
    """
    by_badness = sorted(candidates, key=_order)
    if len(candidates) <= NUM_SHOWN:
        return by_badness
    worst = by_badness[:NUM_WORST]
    others = [each for each in candidates if each not in worst][: NUM_SHOWN - NUM_WORST]
    marked = [Candidate(seen=each.seen, told=each.told, is_among_worst=True) for each in worst]
    return [*marked, *others]


def _order(candidate: Candidate) -> float:
    """Return what sorts the worst first; numbers that are none are worse than any."""
    badness = candidate.told.badness
    return -math.inf if math.isnan(badness) else -badness

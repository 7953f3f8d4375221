"""Which part of a split is one rank's. Pure: ranks share it out without a word to each other."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from itertools import islice
from typing import TypeVar

import numpy as np

from trainer_service.datasets.batch import Positions

Item = TypeVar("Item")


@dataclass(frozen=True, slots=True, kw_only=True)
class Part:
    """One rank's share of everything that several ranks do together."""

    rank: int = 0
    num_ranks: int = 1

    def of(self, batch: Positions) -> Positions:
        """Return this rank's images of a batch: neighbours, as many as the others have, give or
        take one. The first ranks have one more; the last ones have none of a very small batch.
        """
        return np.array_split(batch, self.num_ranks)[self.rank]

    def every(self, items: Iterable[Item]) -> Iterator[Item]:
        """Return this rank's items, taken in turns: whole ones, so that nobody sees otherwise than
        alone.
        """
        return islice(items, self.rank, None, self.num_ranks)


WHOLE = Part()
"""Everything: of a rank that is alone."""

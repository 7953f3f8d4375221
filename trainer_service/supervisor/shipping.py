"""From the spool into the store: every line once, in order, to the end."""

import asyncio
from collections.abc import Callable, Sequence

from trainer_service.errors import SpoolGap
from trainer_service.job_store import Hold, JobStore
from trainer_service.jobs import LastWord, SpoolLine
from trainer_service.supervisor.spool_tail import SpoolTail


class Shipping:
    """Stores what one attempt's worker says.

    Args:
        told: told of lines that are stored.
    """

    def __init__(
        self,
        store: JobStore,
        hold: Hold,
        tail: SpoolTail,
        told: Callable[[Sequence[SpoolLine]], None] = lambda _: None,
    ) -> None:
        self._told = told
        self._store = store
        self._hold = hold
        self._tail = tail
        self._unstored: list[SpoolLine] = []

    @property
    def last_word(self) -> LastWord | None:
        """What the worker said last; None until then."""
        return self._tail.last_word if not self._unstored else None

    async def ship(self) -> list[SpoolLine]:
        """Store what the worker said since the last time, and return it.

        Raises:
            SpoolGap: a line is no event, or one is missing.
            StoreUnavailable, StoreFull: not stored now; the next call tries again.
        """
        self._unstored = self._unstored or await asyncio.to_thread(self._tail.read)
        shipped = self._unstored
        if shipped:
            await asyncio.to_thread(self._store.append_lines, self._hold, shipped)
            self._told(shipped)
        self._unstored = []
        return shipped

    async def ship_the_rest(self) -> None:
        """Store everything that is there, up to a line that cannot be read."""
        try:
            while await self.ship():
                pass
        except SpoolGap:
            return  # the attempt is over: what was readable is stored

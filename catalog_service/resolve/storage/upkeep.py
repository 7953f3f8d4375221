"""Keeps the store within its budget, in the background, after every blob that comes."""

import logging
import threading
import time
from collections import deque
from collections.abc import Callable
from contextlib import suppress

from catalog_service.blobs.disk import CacheReadOnly
from catalog_service.errors import VertebraError
from catalog_service.resolve.storage.notes import Notes
from catalog_service.resolve.storage.prune import PruneOrder, Pruning

log = logging.getLogger(__name__)

RETRY_S = 60.0
"""What is leased now may go a little later: a store over its budget is looked at again."""


class Arrivals:
    """Blobs that came since they were last asked for. `note` is what a store calls."""

    def __init__(self, clock: Callable[[], float] = time.time) -> None:
        self._clock = clock
        self._blobs: deque[tuple[str, float]] = deque()
        self.news = threading.Event()

    def note(self, digest: str) -> None:
        """Take down that a blob came just now."""
        self._blobs.append((digest, self._clock()))
        self.news.set()

    def taken(self) -> list[tuple[str, float]]:
        """Return them with their times, each once."""
        self.news.clear()
        found = []
        with suppress(IndexError):
            while True:
                found.append(self._blobs.popleft())
        return found


class Upkeep:
    """One thread that notes when blobs came, and evicts.

    Args:
        arrivals: what the store tells.
        notes: of when blobs came.
        budget_bytes: what the store may hold; 0 is no limit.
    """

    def __init__(
        self, pruning: Pruning, arrivals: Arrivals, notes: Notes, *, budget_bytes: int
    ) -> None:
        self._pruning = pruning
        self._arrivals = arrivals
        self._notes = notes
        self._budget_bytes = budget_bytes
        self.evicted: Callable[[int], None] = lambda _size_bytes: None
        """Told of every blob that went."""
        self._is_over = threading.Event()
        self._thread = threading.Thread(target=self._run, name="upkeep", daemon=True)

    def start(self) -> None:
        """Begin; what dead processes left and what is over the budget is looked at first."""
        self._thread.start()

    def close(self) -> None:
        """End after the step under way; nobody has to wait for it, any step may be cut short."""
        self._is_over.set()
        self._arrivals.news.set()

    def once(self) -> bool:
        """Note what came and make room; return whether the store is within its budget now."""
        for digest, arrived in self._arrivals.taken():
            self._notes.arrived(digest, arrived)
        if not self._budget_bytes:
            return True
        pruned = self._pruning.prune(PruneOrder(target_bytes=self._budget_bytes))
        for entry in pruned.removed:
            log.info("evicted %s, %d bytes", entry.blob.digest, entry.blob.size_bytes)
            self.evicted(entry.blob.size_bytes)
        self._pruning.forget_gone()
        return pruned.total_bytes <= self._budget_bytes

    def _run(self) -> None:
        self._careful(self._pruning.finish)
        self._careful(self._pruning.forget_gone)
        while not self._is_over.is_set():
            is_within = self._careful(self.once)
            self._arrivals.news.wait(None if is_within else RETRY_S)

    def _careful(self, step: Callable[[], object]) -> bool:
        """Return whether nothing is left to do; a disk that refuses is told of, and kept trying."""
        try:
            return step() is not False
        except CacheReadOnly:
            return True
        except (OSError, VertebraError):
            log.exception("upkeep of the store failed; it is tried again")
            return False

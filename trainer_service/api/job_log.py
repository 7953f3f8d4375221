"""The newest events of one job that is being watched, serialised once for all of its readers."""

from collections import deque
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from itertools import islice

from trainer_service.api.bell import Bell
from trainer_service.api.event_bytes import SerialisedEvents, serialised

KEPT_BYTES = 256 << 10
"""Of events in memory, for each job that is watched; older ones are read from the store."""


class JobLog:
    """The end of a job's log. Whoever fills it calls `append`; readers wait for their bells.

    Args:
        last_seq: what was stored when it was made; it begins behind that.
    """

    def __init__(self, job_id: str, log_id: str, last_seq: int) -> None:
        self.job_id = job_id
        self.last_seq = last_seq
        self.is_final = False
        """No event follows `last_seq`."""
        self.error: Exception | None = None
        self._log_id = log_id
        self._elements: deque[bytes] = deque()
        self._num_bytes = 0
        self._bells: set[Bell] = set()
        self._joined: dict[int, SerialisedEvents] = {}

    @property
    def num_readers(self) -> int:
        """Return how many read here."""
        return len(self._bells)

    @contextmanager
    def bell(self) -> Iterator[Bell]:
        """Give a reader a bell that rings at every change, until it leaves."""
        bell = Bell()
        self._bells.add(bell)
        try:
            yield bell
        finally:
            self._bells.remove(bell)
            bell.silence()

    def append(self, elements: Sequence[bytes], *, is_final: bool) -> None:
        """Add what follows `last_seq`, and wake everybody if that is news."""
        if not elements and is_final == self.is_final:
            return
        self._elements.extend(elements)
        self._num_bytes += sum(map(len, elements))
        while self._num_bytes > KEPT_BYTES and len(self._elements) > 1:
            self._num_bytes -= len(self._elements.popleft())
        self.last_seq += len(elements)
        self.is_final = is_final
        self._joined.clear()
        self.wake()

    def fail(self, error: Exception) -> None:
        """Let every reader raise `error`."""
        self.error = error
        self.wake()

    def wake(self) -> None:
        """Ring all bells."""
        for bell in self._bells:
            bell.ring()

    def after(self, after_seq: int) -> SerialisedEvents | None:
        """Return as many events after a position as one message holds, None where they are not in
        memory. Readers at the same place get the same bytes.
        """
        known = self._joined.get(after_seq)
        if known is not None:
            return known
        at = after_seq - (self.last_seq - len(self._elements))
        if not 0 <= at < len(self._elements):
            return None
        events = serialised(self._log_id, after_seq, list(islice(self._elements, at, None)))
        self._joined[after_seq] = events
        return events

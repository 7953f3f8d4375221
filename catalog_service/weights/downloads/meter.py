"""How fast bytes arrive, and when to say so."""

import time
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass

TELL_EVERY_S = 0.2
WINDOW_S = 5.0
"""The rate is that of the last seconds."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Reading:
    """What a meter shows."""

    bytes_done: int
    bytes_per_s: float
    remaining_s: float | None


class Meter:
    """Reads at most five times a second.

    Args:
        bytes_done: what is here before it begins.
        bytes_total: 0 where it is not known.
        clock: seconds that only grow.
    """

    def __init__(
        self, bytes_done: int, bytes_total: int, *, clock: Callable[[], float] = time.monotonic
    ) -> None:
        self._total = bytes_total
        self._clock = clock
        self._seen = deque([(clock(), bytes_done)])
        self._told_at = self._seen[0][0]

    def moved(self, bytes_done: int) -> Reading | None:
        """Return a reading if it is time for one, and always for the last byte."""
        now = self._clock()
        is_last = bytes_done == self._total
        if now - self._told_at < TELL_EVERY_S and not is_last:
            return None
        self._told_at = now
        self._seen.append((now, bytes_done))
        while len(self._seen) > 2 and now - self._seen[1][0] >= WINDOW_S:
            self._seen.popleft()
        return self._reading(now, bytes_done)

    def _reading(self, now: float, bytes_done: int) -> Reading:
        began, before = self._seen[0]
        rate = (bytes_done - before) / (now - began) if now > began else 0.0
        left = self._total - bytes_done
        return Reading(
            bytes_done=bytes_done,
            bytes_per_s=rate,
            remaining_s=left / rate if self._total and rate else None,
        )

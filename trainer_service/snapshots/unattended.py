"""What a worker deletes of its own snapshots while nobody else is there to do it.

The supervisor keeps the disk from filling: it drops what is not among the last two, the best or
pinned. A worker goes on without one, for a night perhaps. What it saved meanwhile nobody knows of
yet, so nobody has pinned it, and the next supervisor would drop the same.
"""

import shutil
import time
from collections.abc import Callable
from pathlib import Path

from trainer_service.jobs import SnapshotRef

UNATTENDED_S = 120.0
"""A supervisor shows itself several times as often."""
NUM_LAST = 2


class Unattended:
    """Follows the snapshots of one attempt.

    Args:
        heartbeat: what the supervisor touches.
        clock: seconds that only grow.
    """

    def __init__(self, heartbeat: Path, *, clock: Callable[[], float] = time.monotonic) -> None:
        self._heartbeat = heartbeat
        self._clock = clock
        self._stamp: int | None = None
        self._seen_at = clock()
        self._taken: list[SnapshotRef] = []
        """Since the supervisor was there last."""

    def took(self, snapshot: SnapshotRef) -> None:
        """Note a snapshot; delete older ones where the supervisor is not there to do it."""
        self._look()
        self._taken.append(snapshot)
        if self._clock() - self._seen_at < UNATTENDED_S:
            return
        best = next((each for each in reversed(self._taken) if each.is_best), None)
        kept = [each for each in self._taken if each is best or each in self._taken[-NUM_LAST:]]
        for each in self._taken:
            if each not in kept:
                shutil.rmtree(each.path, ignore_errors=True)
        self._taken = kept

    def _look(self) -> None:
        try:
            stamp = self._heartbeat.stat().st_mtime_ns
        except OSError:
            return
        if stamp != self._stamp:
            self._stamp, self._seen_at = stamp, self._clock()
            self._taken = []

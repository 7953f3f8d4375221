"""When a blob was used last: its access time, which we set ourselves.

The modification time is the seal of a blob and stays. A kernel that notes accesses too only makes
the time newer; what is read by a check is no use, and `unused` puts the old time back.
"""

import os
import time
from collections.abc import Iterable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from catalog_service.blobs.disk import SEAL_NS

STEP_NS = 10**9
"""A use is noted at most once a second."""


def note_use(place: Path) -> None:
    """Note that a blob is used now; a store that cannot be written notes nothing.

    What was touched since it was sealed is left as it is: the next look hashes it.
    """
    with suppress(OSError):
        found = place.lstat()
        now_ns = time.time_ns()
        if found.st_mtime_ns == SEAL_NS and now_ns - found.st_atime_ns >= STEP_NS:
            os.utime(place, ns=(now_ns, SEAL_NS), follow_symlinks=False)


def last_used(found: os.stat_result) -> float:
    """Return when a blob was used last, in seconds since the epoch."""
    return found.st_atime_ns / 1e9


@contextmanager
def unused(place: Path) -> Iterator[None]:
    """Leave the time of the last use as it is, unless somebody else uses the blob meanwhile."""
    before = place.lstat()
    try:
        yield
    finally:
        with suppress(OSError):
            if place.lstat().st_ctime_ns == before.st_ctime_ns and before.st_mtime_ns == SEAL_NS:
                os.utime(place, ns=(before.st_atime_ns, SEAL_NS), follow_symlinks=False)


LONG_USE_S = 60.0
"""A use that lasts is noted this often."""


class LongUse:
    """A use of blobs that lasts, such as a stream to a slow reader. Call `goes_on` now and then."""

    def __init__(self, places: Iterable[Path]) -> None:
        self._places = tuple(places)
        self._noted_at = time.monotonic()

    def goes_on(self) -> None:
        """Note the use again where it was noted long ago."""
        now = time.monotonic()
        if now - self._noted_at >= LONG_USE_S:
            self._noted_at = now
            for place in self._places:
                note_use(place)

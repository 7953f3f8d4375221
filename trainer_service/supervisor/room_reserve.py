"""Room on the home's disk that is kept for the moment in which it is full: that a job is paused for
want of room has to be written down, too.
"""

import contextlib
import os
from pathlib import Path

RESERVE_FILE = "reserve"
RESERVE_BYTES = 8 << 20
"""More than the last transactions of all jobs of a host take."""


def keep_reserve(home: Path) -> None:
    """Take the room, where there is some and it is not taken already."""
    path = home / RESERVE_FILE
    if path.exists():
        return
    try:
        with path.open("wb") as file:
            os.posix_fallocate(file.fileno(), 0, RESERVE_BYTES)
    except OSError:
        use_reserve(home)  # half of it helps nobody


def use_reserve(home: Path) -> bool:
    """Give the room back; return whether there was any."""
    with contextlib.suppress(OSError):
        (home / RESERVE_FILE).unlink()
        return True
    return False

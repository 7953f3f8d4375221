"""How a worker shows that it moves where it has nothing to tell: it touches a file."""

import os
import time
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path

SHOWN_EVERY_S = 1.0
"""Touching costs a system call; the supervisor waits for minutes before it worries."""


class SignOfLife:
    """A file that is touched, at most once a second."""

    def __init__(self, path: Path, clock: Callable[[], float] = time.monotonic) -> None:
        self._path = path
        self._clock = clock
        self._next = clock()

    def show(self) -> None:
        """Touch the file if it is time; a full disk keeps nobody from working."""
        now = self._clock()
        if now < self._next:
            return
        self._next = now + SHOWN_EVERY_S
        with suppress(OSError):
            self._path.touch()
            os.utime(self._path)

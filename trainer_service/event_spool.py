"""The worker's end of the spool: events become lines of a file that only grows. The supervisor
reads them from there, so an event outlives both processes.
"""

import os
import time
from contextlib import suppress
from pathlib import Path
from types import TracebackType
from typing import Self

from trainer_service.jobs import (
    Cancelled,
    EpochMetrics,
    Failed,
    Finished,
    JobEvent,
    LastWord,
    Paused,
    Preempted,
    RolledBack,
    SnapshotTaken,
    SpoolLine,
    format_spool_line,
)

KEPT_THROUGH_POWER_LOSS = (
    EpochMetrics,
    RolledBack,
    SnapshotTaken,
    Finished,
    Failed,
    Cancelled,
    Paused,
    Preempted,
)
"""Events after which the disk is waited for. Waiting after every step would cost more than it."""

RESERVE_BYTES = 1 << 16
"""More than a last word takes."""


class EventSpool:
    """One attempt's events, in the order in which they happened.

    Some room beside it is taken at once, and given back for the last word: a worker that ends
    because the disk is full can say so on that very disk.

    Raises:
        FileExistsError: the attempt has a spool already; an attempt runs once.
        OSError: there is no room even for the reserve.
    """

    def __init__(self, path: Path) -> None:
        self._reserve = path.with_name(f"{path.name}.reserve")
        flags = os.O_WRONLY | os.O_APPEND | os.O_CREAT | os.O_EXCL
        self._file = os.fdopen(os.open(path, flags, 0o644), "wb", buffering=0)
        self._num_written = 0
        self._num_bytes = 0
        self._take_reserve()

    def _take_reserve(self) -> None:
        descriptor = os.open(self._reserve, os.O_WRONLY | os.O_CREAT, 0o644)
        try:
            os.posix_fallocate(descriptor, 0, RESERVE_BYTES)
        finally:
            os.close(descriptor)

    def write(self, event: JobEvent | LastWord) -> None:
        """Append one event; readers see it at once.

        Raises:
            OSError: it could not be written. The spool is as it was: a later event, such as the
                last word, follows the last whole one.
        """
        if isinstance(event, LastWord):
            self._give_back_reserve()
        line = SpoolLine(index=self._num_written, time=time.time(), event=event)
        rest = memoryview(format_spool_line(line))
        try:
            while rest:
                rest = rest[self._file.write(rest) :]
        except OSError:
            os.ftruncate(self._file.fileno(), self._num_bytes)
            raise
        self._num_bytes = os.fstat(self._file.fileno()).st_size
        self._num_written += 1
        if isinstance(event, KEPT_THROUGH_POWER_LOSS):
            os.fsync(self._file.fileno())

    def _give_back_reserve(self) -> None:
        with suppress(OSError):
            self._reserve.unlink()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self._file.close()
        self._give_back_reserve()

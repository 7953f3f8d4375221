"""Writes and hashes pieces in a thread of its own while the next ones arrive."""

from collections.abc import Callable
from queue import Queue
from threading import Thread
from types import TracebackType
from typing import Self

MAX_WAITING = 4
"""Pieces that wait: 4 MiB. A slow disk then slows the stream."""


class WriteBehind:
    """Calls `write` for every piece, in order; leaving the `with` waits until all are written.

    After a failure nothing more is written, and `put` or the end of the `with` raises it.
    """

    def __init__(self, write: Callable[[bytes], None]) -> None:
        self._write = write
        self._waiting: Queue[bytes | None] = Queue(MAX_WAITING)
        self._failure: BaseException | None = None
        self._thread = Thread(target=self._run, name="vertebra-write", daemon=True)

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._waiting.put(None)
        self._thread.join()
        if error is None:
            self._raise_failure()

    def put(self, data: bytes) -> None:
        """Have a piece written; waits while too many do."""
        self._raise_failure()
        self._waiting.put(data)

    def _raise_failure(self) -> None:
        if self._failure is not None:
            raise self._failure

    def _run(self) -> None:
        while (data := self._waiting.get()) is not None:
            if self._failure is None:
                try:
                    self._write(data)
                except BaseException as failure:
                    self._failure = failure

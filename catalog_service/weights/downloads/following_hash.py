"""The sha256 of a file that is still being written: a thread reads behind the writer.

Hashing so costs no wall time, and a file that is continued is hashed from its beginning while the
rest arrives.
"""

import hashlib
import os
import threading
from pathlib import Path
from types import TracebackType

PIECE_BYTES = 1 << 20


class FollowingHash:
    """Hashes the file at `path` up to where `advance` says. Use it in `with`."""

    def __init__(self, path: Path) -> None:
        self._hash = hashlib.sha256()
        self._descriptor = os.open(path, os.O_RDONLY | os.O_NOFOLLOW | os.O_CLOEXEC)
        self._news = threading.Condition()
        self._limit = 0
        self._is_over = False
        self._error: OSError | None = None
        self._thread = threading.Thread(target=self._run, name="hash", daemon=True)
        self._thread.start()

    def __enter__(self) -> "FollowingHash":
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        with self._news:
            self._limit = -1 if kind is not None else self._limit
        self._end()
        os.close(self._descriptor)

    def advance(self, size_bytes: int) -> None:
        """Say that so many bytes are in the file now."""
        with self._news:
            self._limit = size_bytes
            self._news.notify()

    def digest(self) -> str:
        """Return 64 hex digits of all that was announced; waits for the thread.

        Raises:
            OSError: the file could not be read.
        """
        self._end()
        if self._error is not None:
            raise self._error
        return self._hash.hexdigest()

    def _end(self) -> None:
        with self._news:
            self._is_over = True
            self._news.notify()
        self._thread.join()

    def _run(self) -> None:
        try:
            self._follow()
        except OSError as error:
            self._error = error

    def _follow(self) -> None:
        buffer, done = memoryview(bytearray(PIECE_BYTES)), 0
        while (limit := self._next(done)) > done:
            num_bytes = os.preadv(self._descriptor, [buffer[: limit - done]], done)
            if not num_bytes:
                raise OSError("the file became shorter while it was hashed")
            self._hash.update(buffer[:num_bytes])
            done += num_bytes

    def _next(self, done: int) -> int:
        """Wait until there is more, or nothing will come; return the limit."""
        with self._news:
            while self._limit == done and not self._is_over:
                self._news.wait()
            return self._limit

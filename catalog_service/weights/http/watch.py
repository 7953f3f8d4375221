"""A deadline for one connection, also for a server that sends a byte now and then."""

import socket
import threading
from collections.abc import Callable
from contextlib import suppress
from types import TracebackType
from typing import Any


class Watch:
    """Shuts the connection when headers are not there by a deadline.

    Socket timeouts start anew with every byte, so a server that drips headers would never meet one.

    Args:
        after_s: until when the block must have ended.
    """

    def __init__(self, after_s: float) -> None:
        self.after_s = after_s
        self.has_fired = False
        self._timer = threading.Timer(after_s, self._fire)
        self._timer.daemon = True
        self._lock = threading.Lock()
        self._is_over = False
        self._connection: Any = None

    def noting(self, make: Callable[..., Any]) -> Callable[..., Any]:
        """Return `make`, but what it makes is watched."""

        def made(*args: Any, **options: Any) -> Any:
            self._connection = make(*args, **options)
            return self._connection

        return made

    def __enter__(self) -> "Watch":
        self._timer.start()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._timer.cancel()
        with self._lock:
            self._is_over = True

    def _fire(self) -> None:
        with self._lock:
            if self._is_over:
                return
            self.has_fired = True
            sock = self._connection.sock if self._connection else None
            if sock is not None:
                with suppress(OSError):
                    sock.shutdown(socket.SHUT_RDWR)

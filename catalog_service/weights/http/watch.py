"""A deadline for one connection, also for a server that sends a byte now and then."""

import socket
import threading
from collections.abc import Callable
from contextlib import suppress
from types import TracebackType
from typing import Any

AGAIN_S = 0.5
"""A connection that was still being made at the deadline is shut this much later."""


class Watch:
    """Shuts the connection when headers are not there by a deadline.

    Socket timeouts start anew with every byte, so a server that drips headers would never meet one.
    Looking up a name cannot be ended from outside; its time counts all the same.

    Args:
        after_s: until when the block must have ended.
    """

    def __init__(self, after_s: float) -> None:
        self.after_s = after_s
        self.has_fired = False
        self._is_over = threading.Event()
        self._lock = threading.Lock()
        self._connection: Any = None

    def noting(self, make: Callable[..., Any]) -> Callable[..., Any]:
        """Return `make`, but what it makes is watched."""

        def made(*args: Any, **options: Any) -> Any:
            self._connection = make(*args, **options)
            return self._connection

        return made

    def __enter__(self) -> "Watch":
        threading.Thread(target=self._watch, name="http-watch", daemon=True).start()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        with self._lock:  # whoever leaves finds the connection as it will stay
            self._is_over.set()

    def _watch(self) -> None:
        pause_s = self.after_s
        while not self._is_over.wait(pause_s):
            with self._lock:
                if not self._is_over.is_set():
                    self.has_fired = True
                    self._shut()
            pause_s = AGAIN_S

    def _shut(self) -> None:
        """Shut below TLS: its own shutdown would pull the state away from under the reader."""
        sock = getattr(self._connection, "sock", None)
        below = getattr(sock, "socket", sock)  # TLS within TLS wraps a socket of its own
        if isinstance(below, socket.socket):
            with suppress(OSError):
                socket.socket.shutdown(below, socket.SHUT_RDWR)

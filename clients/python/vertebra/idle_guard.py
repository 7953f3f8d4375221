"""Cuts a stream on which nothing comes any more, though its connection looks alive.

Pings find dead connections, but a proxy answers them for a service that hangs. The services send
heartbeats every 15 s on silent streams, so a longer silence means that nobody is there.
"""

import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager


class IdleGuard:
    """Calls `cut` when one wait lasts longer than `idle_s`; time between waits does not count."""

    def __init__(self, cut: Callable[[], object], idle_s: float) -> None:
        self._cut = cut
        self._idle_s = idle_s
        self._waiting_since: float | None = None
        self._has_ended = threading.Event()

    @contextmanager
    def watching(self) -> Iterator[None]:
        """Watch while the block runs."""
        thread = threading.Thread(target=self._watch, name="vertebra-idle-guard", daemon=True)
        thread.start()
        try:
            yield
        finally:
            self._has_ended.set()

    def wait_begins(self) -> None:
        """Note that the next message is waited for from now on."""
        self._waiting_since = time.monotonic()

    def wait_ends(self) -> None:
        """Note that it came."""
        self._waiting_since = None

    def _watch(self) -> None:
        while not self._has_ended.wait(self._idle_s / 4):
            since = self._waiting_since
            if since is not None and time.monotonic() - since > self._idle_s:
                self._cut()
                return

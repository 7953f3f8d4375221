"""How a worker is told to stop: a signal sets the switch, long work looks at it between steps."""

import threading


class StopRequested(Exception):
    """Work ended early because it was asked to. Not a failure."""


class StopSwitch:
    """Set once, from a signal handler; looked at from anywhere."""

    def __init__(self) -> None:
        self._requested = threading.Event()

    def request(self) -> None:
        """Ask for a stop at the next step."""
        self._requested.set()

    def check(self) -> None:
        """Raise StopRequested if a stop was asked for."""
        if self._requested.is_set():
            raise StopRequested

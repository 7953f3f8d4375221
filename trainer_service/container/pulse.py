"""Whether the API answers its own probe, asked from inside.

A kubelet that asks would end the container, and the jobs with it. Who asks here ends the API alone.
"""

import http.client
import threading
import time
from dataclasses import dataclass
from urllib.parse import urlsplit


@dataclass(frozen=True, slots=True, kw_only=True)
class PulseTiming:
    """How often is asked, and for how long silence is borne."""

    every_s: float = 5.0
    answer_s: float = 5.0
    silence_s: float = 60.0
    """Without an answer for so long it hangs."""
    start_s: float = 300.0
    """The first answer after a start may take so long: a database may have to be waited for."""


class Pulse:
    """Asks in a thread of its own, for the one who asks may be kept waiting."""

    def __init__(self, url: str, timing: PulseTiming) -> None:
        self._url = url
        self._timing = timing
        self._patient_until = time.monotonic() + timing.start_s
        self._lock = threading.Lock()
        if url:
            threading.Thread(target=self._ask_always, daemon=True).start()

    def started(self) -> None:
        """A new process starts: what was heard of the old one does not count."""
        with self._lock:
            self._patient_until = time.monotonic() + self._timing.start_s

    def is_silent(self) -> bool:
        """Return whether the process had its time and does not answer."""
        with self._lock:
            return bool(self._url) and time.monotonic() > self._patient_until

    def _ask_always(self) -> None:
        while True:
            if answers(self._url, self._timing.answer_s):
                with self._lock:
                    self._patient_until = time.monotonic() + self._timing.silence_s
            time.sleep(self._timing.every_s)


def answers(url: str, timeout_s: float) -> bool:
    """Return whether a GET of `url` ends with 200 in time."""
    parts = urlsplit(url)
    connection = http.client.HTTPConnection(parts.hostname or "", parts.port, timeout=timeout_s)
    try:
        connection.request("GET", parts.path or "/")
        return connection.getresponse().status == http.client.OK
    except (OSError, http.client.HTTPException):
        return False
    finally:
        connection.close()

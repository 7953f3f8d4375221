"""The bytes of an answer as they come, and the ways in which they stop."""

import time
from collections.abc import Callable
from types import TracebackType

from urllib3 import BaseHTTPResponse
from urllib3 import exceptions as broken

from catalog_service.weights.http.answers import Extent, Linked
from catalog_service.weights.http.failures import Nonsense, Unreachable


class Pace:
    """Tells a slow server from a dripping one; time that the reader takes itself does not count.

    Args:
        window_s: of waiting, over which the average is taken.
    """

    def __init__(self, *, window_s: float, min_bytes_per_s: float) -> None:
        self._window_s = window_s
        self._min_bytes_per_s = min_bytes_per_s
        self._waited_s = 0.0
        self._num_bytes = 0

    def is_too_slow(self, waited_s: float, num_bytes: int) -> bool:
        """Return whether the window that this piece completes was below the rate."""
        self._waited_s += waited_s
        self._num_bytes += num_bytes
        if self._waited_s < self._window_s:
            return False
        slow = self._num_bytes < self._min_bytes_per_s * self._waited_s
        self._waited_s, self._num_bytes = 0.0, 0
        return slow


class Body:
    """Bytes of a file from one server, in order. Close it, or use it in a `with` block.

    Attributes:
        start: the first byte that comes; 0 also where another was asked for and refused.
        total_bytes: of the whole file, or None where the server does not say.
        etag: the validator to resume with, as sent; may be weak or empty.
        sha256: what the hub declares, 64 hex digits, or empty. Not verified.
        commit: of the hub's repository, or empty.
    """

    def __init__(
        self,
        response: BaseHTTPResponse,
        *,
        where: str,
        extent: Extent,
        linked: Linked,
        pace: Pace,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self.start = extent.start
        self.total_bytes = extent.total_bytes
        self.etag = response.headers.get("ETag", "")
        self.sha256 = linked.sha256
        self.commit = linked.commit
        self._response = response
        self._where = where
        self._position = extent.start
        self._pace = pace
        self._clock = clock

    def read(self, num_bytes: int) -> bytes:
        """Return what came next: at least one byte and at most `num_bytes`; none at the end.

        Raises:
            Unreachable: stage `stall` (nothing came, or too little), or `cut` (it ended early).
            Nonsense: the transfer itself is broken.
        """
        began = self._clock()
        try:
            data = self._response.read1(num_bytes) or b""
        except broken.ReadTimeoutError as error:
            raise self._stopped("sent nothing more", stage="stall") from error
        except (broken.ProtocolError, broken.SSLError) as error:
            raise self._stopped("cut the connection", stage="cut") from error
        except broken.HTTPError as error:
            raise Nonsense(f"{self._where} sends a broken body") from error
        self._position += len(data)
        if not data and self._is_early_end():
            raise self._stopped("ended", stage="cut")
        if self.total_bytes is not None and self._position > self.total_bytes:
            raise Nonsense(f"{self._where} sends more than its {self.total_bytes} bytes")
        if data and self._pace.is_too_slow(self._clock() - began, len(data)):
            raise self._stopped("drips", stage="stall")
        return data

    def close(self) -> None:
        """Drop the connection, whatever is still coming."""
        self._response.close()

    def __enter__(self) -> "Body":
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.close()

    def _is_early_end(self) -> bool:
        """Headers that were cut have no length: then nothing at all is no file either."""
        if self.total_bytes is None:
            return self._position == 0
        return self._position < self.total_bytes

    def _stopped(self, how: str, *, stage: str) -> Unreachable:
        total = "an unknown number" if self.total_bytes is None else str(self.total_bytes)
        return Unreachable(
            f"{self._where} {how} after {self._position} of {total} bytes", stage=stage
        )

"""How long is waited between attempts, and when they end."""

import random
import time
from collections.abc import Callable
from dataclasses import dataclass

from vertebra.client_errors import RpcFailed

MOST_TOKENS = 10.0
TOKENS_PER_ANSWER = 0.1


@dataclass(frozen=True, slots=True, kw_only=True)
class Pace:
    """How long to wait between attempts and when to give up; the clock can be replaced."""

    first_wait_s: float = 0.1
    longest_wait_s: float = 5.0
    patience_s: float = 120.0
    """Give up when a stream that had begun made no progress for this long."""
    first_patience_s: float = 2.0
    """Give up when nothing has ever answered for this long."""
    away_patience_s: float = 30.0
    """Give up when a service that had answered before is away for this long: it restarts."""
    steady_s: float = 5.0
    """A stream that held this long counts as progress, even when it was silent."""
    idle_s: float = 90.0
    """Cut a stream on which nothing came for this long: six heartbeats."""
    clock: Callable[[], float] = time.monotonic
    sleep: Callable[[float], None] = time.sleep


class Backoff:
    """Waits longer after every break; starts over only after progress."""

    def __init__(self, pace: Pace, *, has_answered: bool = False) -> None:
        self._pace = pace
        self._num_failures = 0
        self._since = pace.clock()
        self._opened = self._since
        away_s = pace.away_patience_s if has_answered else 0.0
        self._patience_s = max(pace.first_patience_s, away_s)

    def opened(self) -> None:
        """Note that a stream is opened now."""
        self._opened = self._pace.clock()

    def answered(self) -> None:
        """Note that a service is there: from now on a break is waited out."""
        self._patience_s = self._pace.patience_s

    def progressed(self) -> None:
        """Note that something new came."""
        self._num_failures = 0
        self._since = self._pace.clock()

    def wait(self, failure: RpcFailed, *, at_least_s: float) -> None:
        """Sleep before the next attempt, or raise `failure` when patience is spent."""
        now = self._pace.clock()
        if now - self._opened >= self._pace.steady_s:
            self.progressed()
        if now - self._since > self._patience_s:
            raise failure
        self._pace.sleep(max(at_least_s, wait_s(self._pace, self._num_failures)))
        self._num_failures += 1


class Throttle:
    """Lets calls to a service that refuses most of them fail at once. Source: gRFC A6."""

    def __init__(self) -> None:
        self._tokens = MOST_TOKENS

    def failed(self) -> None:
        """Note that a call found nobody who could answer it."""
        self._tokens = max(0.0, self._tokens - 1)

    def answered(self) -> None:
        """Note that one was answered."""
        self._tokens = min(MOST_TOKENS, self._tokens + TOKENS_PER_ANSWER)

    @property
    def is_on(self) -> bool:
        """Whether calls are not repeated now."""
        return self._tokens <= MOST_TOKENS / 2


def wait_s(pace: Pace, num_failures: int) -> float:
    """Return the wait after so many failures: doubling, bounded, spread by a fifth."""
    wait_s = min(pace.longest_wait_s, pace.first_wait_s * 2.0 ** min(num_failures, 16))
    return wait_s * random.uniform(0.8, 1.2)

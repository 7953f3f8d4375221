"""One computation for any number of callers that want the same thing at the same time."""

import threading
from collections.abc import Callable
from concurrent.futures import Future
from typing import Any, TypeVar

T = TypeVar("T")


class SingleFlight:
    """Joins callers by key. Nothing is kept after the last of them has its answer."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._flights: dict[str, Future[Any]] = {}

    def do(self, key: str, work: Callable[[], T], *, waiting: Callable[[], None]) -> T:
        """Return what `work` returns, from the one caller that runs it.

        Args:
            waiting: called by those who only wait.

        Raises:
            whatever `work` raises, to every caller.
        """
        with self._lock:
            flight = self._flights.get(key)
            is_leader = flight is None
            if flight is None:
                flight = self._flights[key] = Future()
        if not is_leader:
            waiting()
            followed: T = flight.result()
            return followed
        try:
            result = work()
        except BaseException as error:
            self._land(key)
            flight.set_exception(error)
            raise
        self._land(key)
        flight.set_result(result)
        return result

    def _land(self, key: str) -> None:
        with self._lock:
            del self._flights[key]

"""One computation for any number of callers that want the same thing at the same time."""

import threading
from collections.abc import Callable
from concurrent.futures import Future
from typing import Any, TypeVar

from catalog_service.weights.progress import Progress, Tell

T = TypeVar("T")


class SingleFlight:
    """Joins callers by key. Nothing is kept after the last of them has its answer."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._flights: dict[str, Future[Any]] = {}
        self._listeners: dict[str, list[Tell]] = {}

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

    def told(self, key: str, work: Callable[[Tell], T], tell: Tell, *, joined: str) -> T:
        """Return what `work` returns; every caller hears what the one that runs it reports.

        Args:
            work: takes whom to report to.
            tell: of this caller; called from the thread of the one that runs.
            joined: what a caller who only waits is told first.
        """
        with self._lock:
            listeners = self._listeners.setdefault(key, [])
            listeners.append(tell)

        def tell_all(progress: Progress) -> None:
            for listener in tuple(listeners):
                listener(progress)

        try:
            return self.do(
                key,
                lambda: work(tell_all),
                waiting=lambda: tell(Progress(step="waiting", text=joined)),
            )
        finally:
            with self._lock:
                listeners.remove(tell)
                if not listeners and self._listeners.get(key) is listeners:
                    del self._listeners[key]

    def _land(self, key: str) -> None:
        with self._lock:
            del self._flights[key]

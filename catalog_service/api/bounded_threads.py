"""Threads for calls that wait for something, and a limit of how many may wait at once."""

import asyncio
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import TypeVar

from catalog_service.errors import Exhausted

T = TypeVar("T")

RETRY_AFTER_S = 2.0


class BoundedThreads:
    """Runs plain functions for calls of the event loop.

    Args:
        what: for people, in the plural: `descriptions`.
        num_threads: functions that run at once; others wait.
        max_calls: running and waiting together; one more is refused. A call whose client leaves
            while it waits is not run.
    """

    def __init__(self, what: str, *, num_threads: int, max_calls: int) -> None:
        self._what = what
        self._max_calls = max_calls
        self._num_calls = 0
        self._threads = ThreadPoolExecutor(num_threads, thread_name_prefix=what)

    async def run(self, function: Callable[[], T]) -> T:
        """Return what `function` returns.

        Raises:
            Exhausted: as many calls as may be are under way.
        """
        if self._num_calls >= self._max_calls:
            raise Exhausted(
                f"{self._num_calls} {self._what} are under way; come back later",
                retry_after_s=RETRY_AFTER_S,
            )
        self._num_calls += 1
        try:
            return await asyncio.get_running_loop().run_in_executor(self._threads, function)
        finally:
            self._num_calls -= 1

    def close(self) -> None:
        """Take no more calls; what waits is not run."""
        self._threads.shutdown(wait=False, cancel_futures=True)

"""A limit for each of many short waits, with one timer for all of them."""

import asyncio
from types import TracebackType


class Patience:
    """Limits what is awaited inside `with patience:`, again and again, in the task that made it.

    `asyncio.timeout` does the same with a timer for each wait, which costs half as much as sending
    a small message. Call `stop` at the end.

    Raises:
        TimeoutError: at the end of a block that took longer.
    """

    def __init__(self, seconds: float) -> None:
        self._seconds = seconds
        self._loop = asyncio.get_running_loop()
        self._task = asyncio.current_task()
        self._until: float | None = None
        self._is_over = False
        self._timer = self._loop.call_later(seconds, self._look)

    def __enter__(self) -> None:
        self._until = self._loop.time() + self._seconds

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self._until = None
        if self._is_over and isinstance(error, asyncio.CancelledError):
            assert self._task is not None  # there is one wherever something is awaited
            if self._task.uncancel() == 0:  # else somebody else cancelled it, too
                raise TimeoutError from error

    def stop(self) -> None:
        """Stop the timer."""
        self._timer.cancel()

    def _look(self) -> None:
        now = self._loop.time()
        if self._until is not None and now >= self._until:
            self._is_over = True
            assert self._task is not None
            self._task.cancel()
            return
        # What is awaited by now began later: look again when its time is over.
        self._timer = self._loop.call_at(self._until or now + self._seconds, self._look)

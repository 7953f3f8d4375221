"""Waiting for a change or a time, whichever comes first, at next to no cost for each change."""

import asyncio


class Bell:
    """Wakes one reader. Look first, then wait: nothing rings in between without an await.

    The timer is set only when it would ring too late: a stream whose next bookmark moves with every
    message keeps one timer, not one for each message.
    """

    def __init__(self) -> None:
        self._loop = asyncio.get_running_loop()
        self._waiting: asyncio.Future[None] | None = None
        self._timer: asyncio.TimerHandle | None = None

    def ring(self) -> None:
        """Wake the reader if it waits."""
        if self._waiting is not None and not self._waiting.done():
            self._waiting.set_result(None)

    async def wait(self, until: float) -> None:
        """Return after the next ring, at `until` (the loop's clock) at the latest; or sooner."""
        if self._timer is None or self._timer.when() > until:
            self.silence()
            self._timer = self._loop.call_at(until, self._time_is_up)
        self._waiting = self._loop.create_future()
        await self._waiting

    def silence(self) -> None:
        """Stop the timer."""
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None

    def _time_is_up(self) -> None:
        self._timer = None
        self.ring()

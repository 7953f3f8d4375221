"""Why a stream ends before its work does: the server drains, or the caller's token expired."""

import asyncio
import math
import time
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager

from catalog_service.serving.principals import caller
from vertebra.model.v1.stream_pb2 import StreamEnd


class Ending:
    """What a stream looks at between two messages.

    Args:
        drained: the drain's event that this kind of stream ends at.
        over: set when either reason is there; wait for it beside the work.
    """

    def __init__(self, drained: asyncio.Event, over: asyncio.Event) -> None:
        self._drained = drained
        self.over = over

    @property
    def is_near(self) -> bool:
        """Whether the stream should end now."""
        return self._drained.is_set() or self.over.is_set()

    @property
    def reason(self) -> "StreamEnd.Reason":
        """Return why the stream ends now, other than being complete."""
        if self._drained.is_set():
            return StreamEnd.REASON_DRAINING
        return StreamEnd.REASON_AUTH_EXPIRED


def seconds_left(*, clock: Callable[[], float] = time.time) -> float:
    """Return how long who calls is known for; infinity where that does not expire."""
    expires_at = caller.get().expires_at
    return math.inf if expires_at is None else max(0.0, expires_at - clock())


@asynccontextmanager
async def ending(
    drained: asyncio.Event, *, clock: Callable[[], float] = time.time
) -> AsyncIterator[Ending]:
    """Yield the ending of the stream that is being served.

    A caller whose identity does not expire costs nothing more than the drain's own event.
    """
    left_s = seconds_left(clock=clock)
    if left_s == math.inf:
        yield Ending(drained, drained)
        return
    over = asyncio.Event()
    timer = asyncio.get_running_loop().call_later(left_s, over.set)
    drain = asyncio.ensure_future(drained.wait())
    drain.add_done_callback(lambda _: over.set())
    try:
        yield Ending(drained, over)
    finally:
        timer.cancel()
        drain.cancel()

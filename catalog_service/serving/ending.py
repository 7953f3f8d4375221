"""Why a stream ends before its work does: the server drains, or the caller may not go on."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from catalog_service.serving.stays import stay
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


@asynccontextmanager
async def ending(drained: asyncio.Event) -> AsyncIterator[Ending]:
    """Yield the ending of the stream that is being served.

    Where no caller's stay ends by itself it costs nothing more than the drain's own event.
    """
    here = stay.get()
    if here is None:
        yield Ending(drained, drained)
        return
    over = asyncio.Event()
    drain = asyncio.ensure_future(drained.wait())
    drain.add_done_callback(lambda _: over.set())
    try:
        with here.telling(over.set):
            yield Ending(drained, over)
    finally:
        drain.cancel()

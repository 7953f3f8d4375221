"""One call being served, and the layers around it.

A layer is an async context manager around the whole call: it sees the call arrive and end, whatever
kind of call it is. Layers are written once, not once for each of gRPC's four kinds of handler.
"""

import asyncio
from collections.abc import AsyncIterator, Sequence
from contextlib import AbstractAsyncContextManager, AsyncExitStack, suppress
from dataclasses import dataclass
from typing import Any, Protocol, TypeAlias

import grpc

from catalog_service.serving.limits import Pool
from catalog_service.serving.principals import EVERYBODY, Principal

LINGER_S = 1.0
LINGER_SILENCE_S = 0.2
"""How long a refused sender is listened to, in all and in silence."""

Context: TypeAlias = "grpc.aio.ServicerContext[Any, Any]"


@dataclass(slots=True, kw_only=True)
class Call:
    """One call. Layers note here what others report."""

    method: str
    """`/package.Service/Method`."""
    is_stream: bool
    pool: Pool
    metadata: dict[str, str | bytes]
    context: Context
    has_many_requests: bool = False
    """Whether the caller sends a stream."""
    request_id: str = "-"
    principal: Principal = EVERYBODY
    """Who calls, once the layer that finds out has been entered."""
    reason: str = ""
    """`ErrorInfo.reason` of a call that failed."""
    uploads: AsyncIterator[bytes] | None = None
    """The requests of a call whose caller sends many and gets one answer at the end."""
    code: str = "CANCELLED"
    """How it ended: the name of its status, once that is known."""
    stream_end: str = ""
    """What ended a stream, as its last message says: `completed`, `rotate`, ..."""
    ended_by: str = ""
    """What ended a stream, whether it said so or not; empty for calls that are none."""
    resumed_after: str = ""
    """What had ended the stream that this one goes on with, as its caller says."""
    num_sent_bytes: int = 0
    num_received_bytes: int = 0

    @property
    def name(self) -> str:
        """`package.Service/Method`: what logs and metrics say."""
        return self.method.removeprefix("/")

    async def linger(self) -> None:
        """Throw away what a refused caller still sends, for a moment.

        A client that is answered while it sends may lose the answer: grpc.aio 1.85 reports
        INTERNAL instead. Web servers linger for the same reason (nginx: `lingering_close`).
        """
        if self.uploads is None:
            return
        with suppress(Exception):
            async with asyncio.timeout(LINGER_S):
                while await self._next_upload() is not None:
                    pass

    async def _next_upload(self) -> bytes | None:
        assert self.uploads is not None
        async with asyncio.timeout(LINGER_SILENCE_S):
            return await anext(self.uploads, None)


class Layer(Protocol):
    """Something that is done around every call."""

    def around(self, call: Call) -> AbstractAsyncContextManager[None]:
        """Return what is entered before the call and left after it, with its exception if any."""
        ...


class Layers:
    """Layers around one another, the outermost first."""

    def __init__(self, layers: Sequence[Layer]) -> None:
        self._layers = tuple(layers)

    async def enter(self, call: Call, stack: AsyncExitStack) -> None:
        """Enter all layers; leaving the stack leaves them in the opposite order."""
        for layer in self._layers:
            await stack.enter_async_context(layer.around(call))

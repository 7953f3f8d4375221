"""Messages that a thread puts into a queue, as a stream with heartbeats, until its work ends."""

import asyncio
from collections.abc import AsyncGenerator, Callable
from typing import Any, TypeVar

Message = TypeVar("Message")


async def messages_of(
    work: "asyncio.Future[Any]",
    messages: "asyncio.Queue[Message]",
    *,
    until: asyncio.Event,
    silence_s: float,
    heartbeat: Callable[[], Message],
) -> AsyncGenerator[Message, None]:
    """Yield all messages of `work` until it is over, or `until` is set: then `work` goes on.

    Args:
        heartbeat: makes what is sent after each silence of `silence_s` seconds.
    """
    leaving = asyncio.ensure_future(until.wait())
    try:
        while not (work.done() and messages.empty()) and not leaving.done():
            message = asyncio.ensure_future(messages.get())
            waiting: set[asyncio.Future[Any]] = {message, leaving}
            if not work.done():
                waiting.add(work)
            done, _ = await asyncio.wait(
                waiting, timeout=silence_s, return_when=asyncio.FIRST_COMPLETED
            )
            if message in done:
                yield message.result()
                continue
            message.cancel()
            if not done:
                yield heartbeat()
    finally:
        leaving.cancel()

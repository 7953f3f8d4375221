"""Runs an async test in an event loop of its own, within a time that only a hang exceeds."""

import asyncio
import functools
from collections.abc import Awaitable, Callable
from typing import Any

HANG_S = 120.0


def in_loop(test: Callable[..., Awaitable[None]]) -> Callable[..., None]:
    """Return a test that pytest can call."""

    @functools.wraps(test)
    def run(**fixtures: Any) -> None:
        async def bounded() -> None:
            await asyncio.wait_for(test(**fixtures), HANG_S)

        asyncio.run(bounded())

    return run


async def until(question: Callable[[], bool]) -> None:
    """Return when the answer is yes."""
    while not question():  # noqa: ASYNC110  # the thing asked has no event
        await asyncio.sleep(0.005)

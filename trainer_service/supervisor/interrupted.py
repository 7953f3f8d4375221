"""How a step of a job's life ends early."""

import asyncio
from collections.abc import Awaitable, Callable, Coroutine
from typing import Any, TypeVar

from trainer_service.supervisor.held_states import until_next_look_s

Answer = TypeVar("Answer")


class Interrupted(Exception):
    """The job left the state that a step was working in: it was cancelled or paused."""


async def uninterrupted(
    work: Coroutine[Any, Any, Answer], may_go_on: Callable[[], Awaitable[bool]], poll_s: float
) -> Answer:
    """Return what `work` returns; it is given up, with Interrupted, once it may not go on."""
    task = asyncio.ensure_future(work)  # first: work that nobody awaits is complained about
    clock = asyncio.get_running_loop().time
    try:
        while not task.done():
            await asyncio.wait({task}, timeout=until_next_look_s(poll_s, clock()))
            if not task.done() and not await may_go_on():
                raise Interrupted
        return task.result()
    finally:
        task.cancel()

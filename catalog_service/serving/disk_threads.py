"""Runs disk work in threads of its own: neither the event loop nor other work waits for it."""

import asyncio
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from typing import TypeVar

T = TypeVar("T")

NUM_THREADS = 8
"""Steps at once; each takes about a millisecond when the page cache has the bytes."""


class DiskThreads:
    """A few threads for short disk steps."""

    def __init__(self, num_threads: int = NUM_THREADS) -> None:
        self._threads = ThreadPoolExecutor(num_threads, thread_name_prefix="disk")

    async def run(self, step: Callable[..., T], *arguments: object) -> T:
        """Return what `step` returns.

        A cancelled caller still waits until the step is over: it may then close what the step used.
        """
        loop = asyncio.get_running_loop()
        running = loop.run_in_executor(self._threads, step, *arguments)
        try:
            return await asyncio.shield(running)
        except asyncio.CancelledError:
            while not running.done():
                with suppress(asyncio.CancelledError):
                    await asyncio.wait({running})
            raise

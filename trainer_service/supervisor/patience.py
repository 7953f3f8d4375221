"""Asking again while the catalog does not answer, for as long as it is worth it."""

import asyncio
import logging
from collections.abc import Awaitable, Callable
from typing import TypeVar

from catalog_service.errors import Exhausted, Unavailable
from trainer_service.supervisor.rooms import Timing

Answer = TypeVar("Answer")

log = logging.getLogger(__name__)


async def patiently(ask: Callable[[], Awaitable[Answer]], timing: Timing) -> Answer:
    """Return what `ask` returns, asked again while the other side is absent or too busy.

    Raises:
        Unavailable, Exhausted: still so after `timing.patience_s`.
    """
    clock = asyncio.get_running_loop().time
    give_up_at = clock() + timing.patience_s
    wait_s = timing.first_wait_s
    while True:
        try:
            return await ask()
        except (Unavailable, Exhausted) as error:
            if clock() + wait_s > give_up_at:
                raise
            log.info("asking again in %.1f s: %s", wait_s, error)
        await asyncio.sleep(wait_s)
        wait_s = min(2 * wait_s, timing.longest_wait_s)

"""What a supervisor does again and again."""

import logging
from collections.abc import Awaitable, Callable

from trainer_service.errors import StoreUnavailable

log = logging.getLogger(__name__)


async def repeated(
    step: Callable[[], Awaitable[None]],
    wait: Callable[[], Awaitable[None]],
    trouble: Callable[[], None],
) -> None:
    """Do one thing again and again, whatever goes wrong.

    Args:
        trouble: told when the job store did not answer.
    """
    while True:
        try:
            await step()
        except StoreUnavailable as error:
            trouble()
            log.warning("asking the job store again: %s", error)
        except Exception:
            log.exception("a step of the supervisor failed; trying again")
        await wait()

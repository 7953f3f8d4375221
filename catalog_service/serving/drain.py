"""Shutting down in bounded time: who is told when, and how long everybody is waited for.

Phases only go forward: SERVING, DRAINING (health says no, long streams end themselves, calls are
still answered), CLOSING (new calls are refused, byte streams end with the offset to resume from).
"""

import asyncio
import logging
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass

log = logging.getLogger(__name__)

HURRY_S = 0.2
"""What a step still gets after a second signal."""


@dataclass(frozen=True, slots=True, kw_only=True)
class DrainTiming:
    """How long each step of a shutdown may take. The sum bounds the whole."""

    delay_s: float = 0.0
    """Keep answering after health says no: where endpoints are removed asynchronously, 10."""
    calls_s: float = 28.0
    """Wait for calls in flight."""
    answers_s: float = 1.0
    """Then for gRPC to send the last answers. Health watchers, that never end, cost all of it."""
    stop_s: float = 2.0
    """Then for calls that were told to end."""
    hooks_s: float = 10.0
    """Then for what the service itself has to close."""

    @property
    def total_s(self) -> float:
        """The bound of everything but the service's own hooks."""
        return self.delay_s + 1 + self.calls_s + self.answers_s + 1 + 2 * self.stop_s


class InFlight:
    """How many calls are inside, and a way to wait until none is."""

    def __init__(self) -> None:
        self.num_calls = 0
        self._none = asyncio.Event()
        self._none.set()

    def enter(self) -> None:
        """A call came in."""
        self.num_calls += 1
        self._none.clear()

    def leave(self) -> None:
        """A call ended."""
        self.num_calls -= 1
        if self.num_calls == 0:
            self._none.set()

    async def until_none(self) -> None:
        """Return when no call is inside."""
        await self._none.wait()


@dataclass(frozen=True, slots=True, kw_only=True)
class Step:
    """A part of a shutdown; it is given up after `timeout_s`."""

    name: str
    timeout_s: float
    action: Callable[[], Awaitable[object]]


class Drain:
    """The state of a shutdown, shared by the server, its streams and the signal handler."""

    def __init__(self) -> None:
        self.draining = asyncio.Event()
        """Set first. Long streams then end with DRAINING and their cursor."""
        self.closing = asyncio.Event()
        """Set when calls in flight had their time. Byte streams end with DRAINING and an offset."""
        self.at_once = asyncio.Event()
        """Set by a second signal: nothing is waited for any more."""

    def begin(self) -> None:
        """Start draining; nothing more happens the second time."""
        self.draining.set()

    def signalled(self) -> None:
        """React to SIGTERM or SIGINT: the first starts draining, the second ends all waiting."""
        if self.draining.is_set():
            self.closing.set()
            self.at_once.set()
        self.draining.set()

    async def run(self, steps: Sequence[Step]) -> None:
        """Run steps in order, each within its time; after a second signal each is cut short."""
        for step in steps:
            await self._run_step(step)

    async def _run_step(self, step: Step) -> None:
        action = asyncio.ensure_future(step.action())
        hurry = asyncio.ensure_future(self.at_once.wait())
        await asyncio.wait(
            {action, hurry}, timeout=step.timeout_s, return_when=asyncio.FIRST_COMPLETED
        )
        if self.at_once.is_set():
            await asyncio.wait({action}, timeout=HURRY_S)
        hurry.cancel()
        if not action.done():
            action.cancel()
            await asyncio.wait({action}, timeout=HURRY_S)
            log.warning("shutdown: %s not finished in time", step.name)
        elif not action.cancelled() and action.exception() is not None:
            log.error("shutdown: %s failed", step.name, exc_info=action.exception())

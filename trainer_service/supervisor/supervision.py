"""A supervisor within a service: when it starts, and what the service's end means for its jobs."""

import asyncio

from trainer_service.supervisor.supervisor import Supervisor


class Supervision:
    """Starts a supervisor and stops it; preempts its jobs in between where that is wanted.

    Args:
        draining: set when the service begins to end.
        preempts: whether running jobs are saved and queued then; else their workers go on.
    """

    def __init__(
        self, supervisor: Supervisor, draining: asyncio.Event, *, preempts: bool = False
    ) -> None:
        self._supervisor = supervisor
        self._draining = draining
        self._preempts = preempts
        self._leaving: asyncio.Task[None] | None = None

    async def start(self) -> None:
        """Start the supervisor.

        Raises:
            HomeInUse: another one works in this home.
        """
        await self._supervisor.start()
        if self._preempts:
            self._leaving = asyncio.create_task(self._leave())

    async def stop(self) -> None:
        """Stop the supervisor, after its jobs left, if they are to leave."""
        try:
            if self._leaving is not None and self._draining.is_set():
                await self._leaving
        finally:
            if self._leaving is not None:
                self._leaving.cancel()
            await self._supervisor.stop()

    async def _leave(self) -> None:
        """At once, while the service still answers: who ends a service rarely waits long."""
        await self._draining.wait()
        await self._supervisor.drain()

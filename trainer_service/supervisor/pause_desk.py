"""Between a job that is PAUSING and the worker that saves: one question, one answer, one deadline.

What was asked is in the attempt's folder and until when in the job store, so that another
supervisor goes on where this one was killed.
"""

import asyncio
import time
from collections.abc import Sequence

from catalog_service.blobs.disk import naming_disk_errors
from trainer_service.job_store import Hold, JobStore
from trainer_service.jobs import JobState, SnapshotFailed, SpoolLine
from trainer_service.supervisor.control_file import ControlFile

LEAST_S = 1.0
"""What a worker is given to save where the deadline is over when it is told."""


class PauseDesk:
    """Asks one worker to save and leave, and takes that back where it does not come to it."""

    def __init__(self, store: JobStore, hold: Hold, control: ControlFile) -> None:
        self._store = store
        self._hold = hold
        self._control = control
        self._deadline: float | None = None
        self._refusal: SnapshotFailed | None = None

    def told(self, lines: Sequence[SpoolLine]) -> None:
        """Note what the worker answers."""
        for line in lines:
            if isinstance(line.event, SnapshotFailed) and line.event.control_number:
                self._refusal = line.event

    async def heed(self, state: JobState) -> None:
        """Do what a RUNNING or PAUSING job needs now."""
        is_asked = self._control.newest.command == "pause"
        if state is JobState.RUNNING and is_asked:
            await self._withdraw()
        if state is JobState.PAUSING:
            await (self._wait() if is_asked else self._ask())

    async def _ask(self) -> None:
        self._deadline = await self._read_deadline()
        within_s = max(LEAST_S, self._deadline - time.time())
        try:
            await asyncio.to_thread(self._control.tell, "pause", within_s=within_s)
        except OSError as error:
            await self._move_on(f"could not pause: the worker cannot be told: {error}")

    async def _wait(self) -> None:
        asked, refusal = self._control.newest, self._refusal
        if self._deadline is None:
            self._deadline = await self._read_deadline()
        if refusal is not None and refusal.control_number == asked.number:
            await self._go_on(f"could not pause: {refusal.message}")
        elif time.time() > self._deadline:
            await self._go_on(f"could not pause: saving did not end within {asked.within_s:.0f} s")

    async def _go_on(self, reason: str) -> None:
        await self._withdraw()
        await self._move_on(reason)

    async def _move_on(self, reason: str) -> None:
        await asyncio.to_thread(self._store.move, self._hold, JobState.RUNNING, reason)

    async def _withdraw(self) -> None:
        self._deadline = None
        with naming_disk_errors("write", self._control.folder):
            await asyncio.to_thread(self._control.tell, "go_on")

    async def _read_deadline(self) -> float:
        job = await asyncio.to_thread(self._store.find_job, self._hold.job_id)
        return job.pause_deadline

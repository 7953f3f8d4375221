"""The last of an attempt: how it ended, where its job goes, and what others are told of it."""

import asyncio
import time
from dataclasses import replace
from pathlib import Path

from trainer_service.job_store import Hold, JobRecord, Outcome
from trainer_service.jobs import AttemptEnd, ExitClass
from trainer_service.supervisor.after_attempt import after_attempt
from trainer_service.supervisor.attempt_spans import AttemptSpans
from trainer_service.supervisor.endings import failed
from trainer_service.supervisor.exporting import discard_unfinished
from trainer_service.supervisor.rooms import Rooms, Timing


class AttemptClose:
    """Closes one attempt of which no process is left.

    Args:
        folder: of the attempt.
    """

    def __init__(
        self, hold: Hold, rooms: Rooms, timing: Timing, folder: Path, spans: AttemptSpans
    ) -> None:
        self._hold = hold
        self._rooms = rooms
        self._timing = timing
        self._folder = folder
        self._spans = spans

    async def end(self, job: JobRecord, end: AttemptEnd) -> None:
        """Move the job where the end of its attempt leads."""
        following = await after_attempt(job, end, self._rooms, self._timing)
        if following.failure is not None:
            await self.finish(failed(following.failure.reason, following.reason), end)
            return
        not_before = time.time() + following.wait_s if following.wait_s else 0.0
        await asyncio.to_thread(
            self._rooms.store.move,
            self._hold,
            following.to_state,
            following.reason,
            not_before=not_before,
            end=end,
        )
        self._rooms.metrics.attempt_ended(end.exit_class)
        await self._spans.over(end)

    async def finish(self, outcome: Outcome, end: AttemptEnd | None = None) -> None:
        """Move the job to a final state."""
        await asyncio.to_thread(discard_unfinished, self._folder)
        end = end or AttemptEnd(exit_class=ExitClass.REFUSED)
        await asyncio.to_thread(self._rooms.store.finish, self._hold, replace(outcome, end=end))
        self._rooms.metrics.attempt_ended(end.exit_class)
        self._rooms.metrics.job_ended(outcome.state)
        await self._spans.over(end, outcome.state)

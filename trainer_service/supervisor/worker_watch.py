"""One worker, followed to its end: what it says is stored, what it is asked is told, and what takes
too long ends.
"""

import asyncio
import logging
import time
from dataclasses import dataclass

from trainer_service.job_store import Hold, JobRecord
from trainer_service.jobs import (
    SPOOL_FILE,
    AttemptEnd,
    Command,
    JobState,
    LastWord,
    SnapshotTaken,
    SpoolLine,
)
from trainer_service.supervisor.attempt_spans import Ship, send_nothing
from trainer_service.supervisor.attempt_worker import AttemptWorker
from trainer_service.supervisor.control_file import ControlFile
from trainer_service.supervisor.endings import end_of, hung, over_time, sent_away
from trainer_service.supervisor.hang_watch import HangWatch
from trainer_service.supervisor.held_states import HeldStates, until_next_look_s
from trainer_service.supervisor.interrupted import Interrupted
from trainer_service.supervisor.pause_desk import PauseDesk
from trainer_service.supervisor.retention import forget_snapshots
from trainer_service.supervisor.rooms import Rooms, Timing
from trainer_service.supervisor.shipping import Shipping
from trainer_service.supervisor.spool_tail import SpoolTail

log = logging.getLogger(__name__)

UNDER_WAY = frozenset({JobState.RUNNING, JobState.PAUSING})


@dataclass(frozen=True, slots=True, kw_only=True)
class Sent:
    """A worker was told to save and go: what that is the end of, and when it is over at the
    latest.
    """

    end: AttemptEnd
    is_the_reason: bool
    """Whether `end` counts also where the worker itself says that it was preempted."""
    kill_at: float


class WorkerWatch:
    """Follows the worker of one attempt, whoever started it."""

    def __init__(
        self, hold: Hold, rooms: Rooms, timing: Timing, states: HeldStates, worker: AttemptWorker
    ) -> None:
        self._hold = hold
        self._rooms = rooms
        self._timing = timing
        self._worker = worker
        self._states = states
        self._folder = folder = rooms.attempt_folder(hold.job_id, hold.attempt)
        self._tail = SpoolTail(folder / SPOOL_FILE)
        self.shipping = Shipping(rooms.store, hold, self._tail, rooms.metrics.stored)
        self.num_unread_bytes = self._tail.num_unread_bytes
        self.control = ControlFile(folder)
        self._pauses = PauseDesk(rooms.store, hold, self.control)
        self._hang: HangWatch | None = None
        self._has_told = False
        self._sent: Sent | None = None
        self._decided: AttemptEnd | None = None
        self.ship_spans: Ship = send_nothing
        """Sends what the worker wrote down of its spans, now and then."""
        self.leave_within_s: float | None = None
        """Set by whoever wants the worker to save and go."""

    async def until_over(self, job: JobRecord) -> LastWord | AttemptEnd:
        """Return the worker's last word; where there is none, how the attempt ended. Processes
        of it may still be there.

        Raises:
            Interrupted: the job is neither RUNNING nor PAUSING.
            SpoolGap: what it says cannot be read.
        """
        await self._catch_up()
        while True:
            was_alive = (
                self._worker.is_alive()
            )  # before reading: a dead worker's words are all there
            lines = await self.shipping.ship()
            await self._note(lines)
            await self.ship_spans()
            if (word := self.shipping.last_word) is not None:
                return word
            if not was_alive and not lines and not await self._worker.is_elsewhere():
                return self.end_of(None)
            self._decided = self._decided or await self._heed(job)
            if self._decided is not None:
                return self._decided
            await asyncio.sleep(0 if lines else self._until_next_look_s())

    async def ship_the_rest(self) -> None:
        """Store what is left of what the worker said, up to a line that cannot be read."""
        await self._catch_up()
        await self.shipping.ship_the_rest()

    def end_of(self, word: LastWord | None) -> AttemptEnd:
        """Return how the attempt ended, now that its worker is gone."""
        if self._decided is not None:
            return self._decided
        if self._sent is not None and (word is None or self._sent.is_the_reason):
            return self._sent.end
        return end_of(word, self._worker, self._folder, self.control.newest.command)

    async def _catch_up(self) -> None:
        """Go on behind what is stored; the newest of that shows how fast the worker is."""
        if self._hang is not None:
            return
        attempt = await asyncio.to_thread(self._rooms.store.attempt, self._hold.job_id)
        assert attempt is not None and attempt.number == self._hold.attempt
        recent = await asyncio.to_thread(self._tail.skip, attempt.num_lines_stored)
        self._hang = HangWatch(self._timing, self._now())
        self._hang.told(recent, self._now())
        self._pauses.told(recent)
        self._has_told = bool(recent)

    async def _note(self, lines: list[SpoolLine]) -> None:
        assert self._hang is not None
        self._has_told = self._has_told or bool(lines)
        self._hang.told(lines, self._now())
        self._pauses.told(lines)
        if any(isinstance(line.event, SnapshotTaken) for line in lines):
            await asyncio.to_thread(forget_snapshots, self._hold, self._rooms)

    async def _heed(self, job: JobRecord) -> AttemptEnd | None:
        """Do what is asked of the worker; return how the attempt ends if it is to end now."""
        state = await self._states.of(self._hold.job_id)
        if state not in UNDER_WAY:
            raise Interrupted
        if self._sent is not None:
            return self._sent.end if self._now() >= self._sent.kill_at else None
        if self.leave_within_s is not None:
            within_s = self.leave_within_s
            await self._send(sent_away(within_s), within_s, is_the_reason=False)
        elif 0 < job.deadline < time.time():
            end = over_time(job.spec.run.time_limit_s)
            await self._send(end, self._timing.grace_s, is_the_reason=True)
        else:
            await self._pauses.heed(state)
            return await self._hanging(job, state)
        return None

    async def tell(self, command: Command, within_s: float = 0.0) -> None:
        """Tell the worker to end, and make it look. Where the disk has no room for that, the signal
        says enough: it goes, and what does not go is killed.
        """
        try:
            await asyncio.to_thread(self.control.tell, command, within_s=within_s)
        except OSError as error:
            log.warning("the worker in %s gets a signal only: %s", self._folder, error)
        await self._worker.nudge()

    async def _send(self, end: AttemptEnd, within_s: float, *, is_the_reason: bool) -> None:
        """Tell the worker to save and go."""
        await self.tell("preempt", within_s)
        kill_at = self._now() + within_s
        self._sent = Sent(end=end, is_the_reason=is_the_reason, kill_at=kill_at)

    async def _hanging(self, job: JobRecord, state: JobState) -> AttemptEnd | None:
        assert self._hang is not None
        if await asyncio.to_thread(self._worker.has_moved):
            self._hang.moved(self._now())
        is_waiting_for_room = job.spec.run.engine == "ray" and not self._has_told
        if state is JobState.PAUSING or is_waiting_for_room:
            self._hang.rest(self._now())  # a pause has a deadline, and a cluster may be full
        if not self._hang.is_hung(self._now()):
            return None
        silence_s = self._hang.silence_s(self._now())
        return hung(silence_s, await self._worker.stacks(), self._folder)

    def _until_next_look_s(self) -> float:
        return until_next_look_s(self._timing.poll_s, self._now())

    def _now(self) -> float:
        return asyncio.get_running_loop().time()

"""The queue and the slots: which jobs run now, and who looks after each of them."""

import asyncio
import contextlib
import fcntl
import logging
from io import TextIOWrapper
from pathlib import Path

from trainer_service.errors import HomeInUse
from trainer_service.jobs import JobState
from trainer_service.supervisor.job_run import JobRun
from trainer_service.supervisor.rooms import Rooms, Timing

log = logging.getLogger(__name__)


class Supervisor:
    """Looks after all jobs of this host. Stopping it leaves workers alone.

    Args:
        num_slots: how many jobs run at once.
    """

    def __init__(self, rooms: Rooms, *, num_slots: int = 1, timing: Timing | None = None) -> None:
        self._rooms = rooms
        self._num_slots = num_slots
        self._timing = timing or Timing()
        self._runs: dict[str, asyncio.Task[None]] = {}
        self._in_trouble_since: dict[str, float] = {}
        """By job: when handling it failed first, without having gone well for long since."""
        self._changed = asyncio.Event()
        self._loop: asyncio.Task[None] | None = None
        self._lock: TextIOWrapper | None = None

    async def start(self) -> None:
        """Adopt the workers that are there, and begin to give out slots.

        Raises:
            HomeInUse: another supervisor works in this home.
        """
        self._lock = _locked(self._rooms.home)
        loop = asyncio.get_running_loop()

        def wake(_job_id: str) -> None:
            if not loop.is_closed():
                loop.call_soon_threadsafe(self._changed.set)

        self._rooms.store.subscribe(wake)
        self._loop = asyncio.create_task(self._give_out_slots())

    async def stop(self) -> None:
        """Stop looking after jobs. Workers go on; the next supervisor adopts them."""
        tasks = [task for task in (self._loop, *self._runs.values()) if task is not None]
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
        if self._lock is not None:
            self._lock.close()

    async def _give_out_slots(self) -> None:
        while True:
            self._changed.clear()
            try:
                await self._take_jobs()
            except Exception:
                log.exception("could not read the queue; looking again")
            with contextlib.suppress(TimeoutError):
                # Not wait_for: in Python 3.11 it swallows a cancellation that meets the event.
                async with asyncio.timeout(self._timing.tick_s):
                    await self._changed.wait()

    async def _take_jobs(self) -> None:
        """Look after every job that needs it. Only waiting jobs need a free slot; those that run
        or are being cancelled do not wait.
        """
        for job_id, state in await asyncio.to_thread(self._rooms.store.unfinished):
            if job_id in self._runs:
                continue
            if state is JobState.QUEUED and len(self._runs) >= self._num_slots:
                continue
            self._runs[job_id] = asyncio.create_task(self._look_after(job_id))

    async def _look_after(self, job_id: str) -> None:
        run = JobRun(job_id, self._rooms, self._timing)
        began_at = asyncio.get_running_loop().time()
        try:
            if began_at - self._in_trouble_since.get(job_id, began_at) <= self._timing.trouble_s:
                await run.to_the_end()
            else:
                await run.give_up()
        except Exception:
            log.exception("could not handle job %s; trying again", job_id)
            self._note_trouble(job_id, began_at)
            await asyncio.sleep(self._timing.tick_s)
        finally:
            del self._runs[job_id]
            self._changed.set()

    def _note_trouble(self, job_id: str, began_at: float) -> None:
        now = asyncio.get_running_loop().time()
        if now - began_at > self._timing.trouble_s:  # it went well for long: another trouble
            self._in_trouble_since[job_id] = now
        self._in_trouble_since.setdefault(job_id, now)


def _locked(home: Path) -> TextIOWrapper:
    """Return the open lock file; the lock goes when it is closed, or when the process dies."""
    home.mkdir(parents=True, exist_ok=True)
    file = (home / "supervisor.lock").open("w")
    try:
        fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError as error:
        file.close()
        raise HomeInUse(
            f"another trainer works in {home}; stop it, or give this one its own home folder"
        ) from error
    return file

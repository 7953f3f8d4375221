"""The events of every job that is being watched, read and serialised once for all of its readers.

A job has one task that reads what is new when the job changed, and rings its readers' bells. Jobs
change in this process, which says so at once, or in another one, which is asked now and then.
"""

import asyncio
import logging
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager

from catalog_service.errors import VertebraError
from trainer_service.api.bell import Bell
from trainer_service.api.event_blocks import EventBlocks, read_elements
from trainer_service.api.event_bytes import SerialisedEvents, serialised
from trainer_service.api.job_log import JobLog
from trainer_service.api.readers import Readers
from trainer_service.job_store import JobStore

NEW_EVENTS = 500
"""Read at once, when a job changed."""
POLL_S = 0.1
"""How often other processes' changes are looked for, while somebody watches."""
PACE_S = 75e-6
"""From one round of messages to the next, for each reader: rounds get larger, not more, once they
take most of the process. A message costs about 60 us.
"""
LEAST_PACE_S = 0.005

log = logging.getLogger(__name__)


class EventFeed:
    """Events of all jobs, for any number of readers. Make it inside the event loop that uses it.

    Args:
        draining: set when the server shuts down; every reader is woken then.
    """

    def __init__(self, store: JobStore, draining: asyncio.Event, *, poll_s: float = POLL_S) -> None:
        self.draining = draining
        self.readers = Readers()
        self._store = store
        self._poll_s = poll_s
        self._loop = asyncio.get_running_loop()
        self._blocks = EventBlocks(store)
        self._followed: dict[str, _Followed] = {}
        self._poller: asyncio.Task[None] | None = None
        self._waker = asyncio.ensure_future(self._wake_all_when_draining())
        store.subscribe(self._job_changed)

    @asynccontextmanager
    async def reading(self, job_id: str, last_seq: int) -> AsyncIterator[tuple[JobLog, Bell]]:
        """Give the log of a job, kept up to date while somebody reads, and a bell for this reader.

        Args:
            last_seq: what the store says; the log may still be behind it.
        """
        followed = self._followed.get(job_id)
        if followed is None or followed.log.error is not None:
            followed = self._follow(job_id, last_seq)
        elif followed.log.last_seq < last_seq:
            followed.changed.set()
        with followed.log.bell() as bell:
            try:
                yield followed.log, bell
            finally:
                if followed.log.num_readers == 1:
                    self._unfollow(followed)

    async def after(self, job: JobLog, after_seq: int) -> SerialisedEvents | None:
        """Return the events after a position as one message, None where there is none yet.

        Raises:
            CursorCompacted: the next one is not kept any more.
        """
        newest = job.after(after_seq)
        if newest is not None or after_seq >= job.last_seq:
            return newest
        elements = await self._blocks.after(job.job_id, after_seq)
        return serialised(self._store.log_id, after_seq, elements) if elements else None

    async def elements(self, job_id: str, after_seq: int, limit: int) -> Sequence[bytes]:
        """Return up to `limit` events after a position, one by one."""
        return await asyncio.to_thread(read_elements, self._store, job_id, after_seq, limit)

    def _follow(self, job_id: str, last_seq: int) -> "_Followed":
        followed = _Followed(JobLog(job_id, self._store.log_id, last_seq))
        followed.task = asyncio.ensure_future(self._keep_up(followed))
        self._followed[job_id] = followed
        if self._poller is None:
            self._poller = asyncio.ensure_future(self._poll())
        return followed

    def _unfollow(self, followed: "_Followed") -> None:
        followed.task.cancel()
        if self._followed.get(followed.log.job_id) is followed:
            del self._followed[followed.log.job_id]
        if not self._followed and self._poller is not None:
            self._poller.cancel()
            self._poller = None

    async def _keep_up(self, followed: "_Followed") -> None:
        try:
            while True:
                followed.changed.clear()
                await self._catch_up(followed.log)
                pace_s = followed.log.num_readers * PACE_S
                if pace_s > LEAST_PACE_S:
                    await asyncio.sleep(pace_s)
                await followed.changed.wait()
        except Exception as error:
            followed.log.fail(error)

    async def _catch_up(self, job: JobLog) -> None:
        """Read until everything that is stored is in the log."""
        while True:
            elements, last_seq, is_final = await asyncio.to_thread(
                self._read_new, job.job_id, job.last_seq
            )
            is_whole = last_seq <= job.last_seq + len(elements)
            job.append(elements, is_final=is_final and is_whole)
            if is_whole:
                return

    def _read_new(self, job_id: str, after_seq: int) -> tuple[list[bytes], int, bool]:
        """Return new events, then where the log ends: it may have grown in between."""
        elements = read_elements(self._store, job_id, after_seq, NEW_EVENTS)
        return elements, *self._store.position(job_id)

    async def _poll(self) -> None:
        """Look for what other processes changed."""
        while True:
            await asyncio.sleep(self._poll_s)
            try:
                newest = await asyncio.to_thread(self._store.last_seqs, list(self._followed))
            except VertebraError as error:
                log.warning("could not look for new events: %s", error.message)
                continue
            for job_id, followed in self._followed.items():
                if newest.get(job_id) != followed.log.last_seq:
                    followed.changed.set()

    async def _wake_all_when_draining(self) -> None:
        await self.draining.wait()
        for followed in self._followed.values():
            followed.log.wake()

    def _job_changed(self, job_id: str) -> None:
        """Called on whatever thread changed the job."""
        if job_id in self._followed and not self._loop.is_closed():
            self._loop.call_soon_threadsafe(self._read_on, job_id)

    def _read_on(self, job_id: str) -> None:
        followed = self._followed.get(job_id)
        if followed is not None:
            followed.changed.set()


class _Followed:
    """A log and the task that fills it."""

    def __init__(self, log: JobLog) -> None:
        self.log = log
        self.changed = asyncio.Event()
        self.task: asyncio.Task[None]

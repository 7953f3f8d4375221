"""Wakes the readers of a job when it changed, and reads its new events once for all of them."""

import asyncio

from trainer_service.api.event_wire import event_message
from trainer_service.job_store import JobStore
from vertebra.trainer.v1.train_event_pb2 import TrainEvent


class EventFeed:
    """Events of all jobs, for any number of readers. Make it inside the event loop that uses it."""

    def __init__(self, store: JobStore) -> None:
        self._store = store
        self._loop = asyncio.get_running_loop()
        self._changes: dict[str, asyncio.Event] = {}
        self._reads: dict[tuple[str, int, int], asyncio.Task[list[TrainEvent]]] = {}
        store.subscribe(self._job_changed)

    def next_change(self, job_id: str) -> asyncio.Event:
        """Return what is set when the job changes next. Take it before reading: then nothing that
        happens between the two is missed.
        """
        return self._changes.setdefault(job_id, asyncio.Event())

    async def read(self, job_id: str, *, after_seq: int, limit: int) -> list[TrainEvent]:
        """Return up to `limit` events with larger seq. Readers at the same place share one read."""
        key = (job_id, after_seq, limit)
        task = self._reads.get(key)
        if task is None:
            task = asyncio.ensure_future(asyncio.to_thread(self._read, job_id, after_seq, limit))
            self._reads[key] = task
            task.add_done_callback(lambda done: self._forget(key, done))
        return await asyncio.shield(task)

    async def position(self, job_id: str) -> tuple[int, bool]:
        """Return the newest event's seq, and whether no event will follow it."""
        return await asyncio.to_thread(self._store.position, job_id)

    def _read(self, job_id: str, after_seq: int, limit: int) -> list[TrainEvent]:
        records = self._store.events(job_id, after_seq=after_seq, limit=limit)
        return [event_message(job_id, record) for record in records]

    def _forget(self, key: tuple[str, int, int], done: asyncio.Task[list[TrainEvent]]) -> None:
        if self._reads.get(key) is done:
            del self._reads[key]

    def _job_changed(self, job_id: str) -> None:
        """Called on whatever thread changed the job."""
        if not self._loop.is_closed():
            self._loop.call_soon_threadsafe(self._wake, job_id)

    def _wake(self, job_id: str) -> None:
        for key in [key for key in self._reads if key[0] == job_id]:
            del self._reads[key]  # began before the change: nobody may join it any more
        change = self._changes.pop(job_id, None)
        if change is not None:
            change.set()

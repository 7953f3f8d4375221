"""Stored events as bytes, in blocks that all readers who are behind share."""

import asyncio
from collections import OrderedDict
from collections.abc import Sequence

from trainer_service.api.event_bytes import element
from trainer_service.job_store import JobStore

BLOCK_EVENTS = 500
KEPT_BYTES = 8 << 20
"""Of blocks that are whole: they never change."""

Key = tuple[str, int]
"""A job's id, and the block's number."""


class EventBlocks:
    """Reads the log of any job; whoever reads the same block at the same time shares the work.

    Make it inside the event loop that uses it.
    """

    def __init__(self, store: JobStore, *, kept_bytes: int = KEPT_BYTES) -> None:
        self._store = store
        self._room = kept_bytes
        self._whole: OrderedDict[Key, Sequence[bytes]] = OrderedDict()
        self._num_bytes = 0
        self._reads: dict[tuple[Key, int], asyncio.Task[Sequence[bytes]]] = {}

    async def after(self, job_id: str, after_seq: int) -> Sequence[bytes]:
        """Return the events that follow, up to the end of their block; none at the log's end.

        Raises:
            CursorCompacted: the next one is not kept any more.
        """
        key = (job_id, after_seq // BLOCK_EVENTS)
        whole = self._whole.get(key)
        if whole is not None:
            self._whole.move_to_end(key)
            return whole[after_seq % BLOCK_EVENTS :]
        task = self._reads.get((key, after_seq))
        if task is None:
            task = asyncio.ensure_future(self._read(key, after_seq))
            self._reads[key, after_seq] = task
            task.add_done_callback(lambda _: self._reads.pop((key, after_seq)))
        return await asyncio.shield(task)

    async def _read(self, key: Key, after_seq: int) -> Sequence[bytes]:
        limit = BLOCK_EVENTS - after_seq % BLOCK_EVENTS
        elements = await asyncio.to_thread(read_elements, self._store, key[0], after_seq, limit)
        if len(elements) == BLOCK_EVENTS:
            self._keep(key, elements)
        return elements

    def _keep(self, key: Key, elements: Sequence[bytes]) -> None:
        self._whole[key] = elements
        self._num_bytes += sum(map(len, elements))
        while self._num_bytes > self._room:
            _, oldest = self._whole.popitem(last=False)
            self._num_bytes -= sum(map(len, oldest))


def read_elements(store: JobStore, job_id: str, after_seq: int, limit: int) -> list[bytes]:
    """Return up to `limit` stored events after a position, serialised. Takes a while."""
    records = store.events(job_id, after_seq=after_seq, limit=limit)
    assert not records or records[0].seq == after_seq + 1, f"{job_id} has a gap after {after_seq}"
    return [element(job_id, record) for record in records]

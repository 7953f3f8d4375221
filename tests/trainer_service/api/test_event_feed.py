"""Readers at one place share a read, and none joins a read that began before the last change."""

import asyncio
import threading
import time
import uuid

import pytest

from tests.fakes.job_values import job_spec
from trainer_service.api.event_feed import EventFeed
from trainer_service.job_store import JobStore, NewJob
from trainer_service.jobs import JobMessage


class SlowStore(JobStore):
    """Reads events only when told to, and counts how often it was asked."""

    def __init__(self, url: str) -> None:
        super().__init__(url)
        self.may_answer = threading.Event()
        self.num_reads = 0

    def events(self, job_id, *, after_seq, limit):
        self.num_reads += 1
        found = super().events(job_id, after_seq=after_seq, limit=limit)
        self.may_answer.wait(10)
        return found


@pytest.fixture
def store(tmp_path):
    made = SlowStore(f"sqlite:///{tmp_path / 'jobs.db'}")
    yield made
    made.close()


def create(store: JobStore) -> str:
    new = NewJob(spec=job_spec(), sent_spec="{}", request_id=str(uuid.uuid4()), request_hash="h")
    return store.create_job(new).job.job_id


async def until(is_so) -> None:
    deadline = time.monotonic() + 10
    while not is_so():
        assert time.monotonic() < deadline, "it never came to be so"
        await asyncio.sleep(0.01)


def test_readers_at_one_place_share_one_read(store):
    job_id = create(store)

    async def scenario():
        feed = EventFeed(store)
        reads = [asyncio.ensure_future(feed.read(job_id, after_seq=0, limit=10)) for _ in range(50)]
        await until(lambda: store.num_reads)
        store.may_answer.set()
        return await asyncio.gather(*reads)

    answers = asyncio.run(scenario())

    assert store.num_reads == 1
    assert {tuple(event.seq for event in events) for events in answers} == {(1,)}


def test_a_reader_that_comes_after_a_change_sees_it(store):
    job_id = create(store)

    async def scenario():
        feed = EventFeed(store)
        early = asyncio.ensure_future(feed.read(job_id, after_seq=1, limit=10))
        await until(lambda: store.num_reads == 1)
        change = feed.next_change(job_id)
        await asyncio.to_thread(store.say, job_id, JobMessage(text="new"))
        async with asyncio.timeout(10):
            await change.wait()
        late = asyncio.ensure_future(feed.read(job_id, after_seq=1, limit=10))
        await until(lambda: store.num_reads == 2)
        store.may_answer.set()
        return await early, await late

    early, late = asyncio.run(scenario())

    assert early == []
    assert [event.seq for event in late] == [2]

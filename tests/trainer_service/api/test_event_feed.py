"""One task reads a job for all of its readers, wakes them once a change, and misses nothing."""

import asyncio
import threading
import time
import uuid

import pytest

from catalog_service.errors import Unavailable
from tests.fakes.job_values import job_spec
from trainer_service.api.event_bytes import messages_of
from trainer_service.api.event_feed import EventFeed
from trainer_service.errors import CursorCompacted, JobNotFound
from trainer_service.job_store import JobStore, NewJob
from trainer_service.jobs import JobMessage, JobState, SpoolLine
from vertebra.trainer.v1.train_job_service_pb2 import WatchTrainJobResponse


class CountingStore:
    """A store that counts what is read, and answers only when it may."""

    def __init__(self, store: JobStore) -> None:
        self._store = store
        self.log_id = store.log_id
        self.may_answer = threading.Event()
        self.may_answer.set()
        self.failure: Exception | None = None
        self.reads: list[int] = []

    def events(self, job_id, *, after_seq, limit):
        self.reads.append(after_seq)
        if self.failure is not None:
            raise self.failure
        found = self._store.events(job_id, after_seq=after_seq, limit=limit)
        self.may_answer.wait(60)
        return found

    def __getattr__(self, name):
        return getattr(self._store, name)


class Site:
    """A store, a job that begins, and a feed within the running loop."""

    def __init__(self, url: str) -> None:
        self.url = url
        self.store = JobStore(url)
        new = NewJob(spec=job_spec(), sent_spec="{}", request_id=str(uuid.uuid4()), request_hash="")
        self.job_id = self.store.create_job(new).job.job_id
        self.hold = self.store.claim(self.job_id, "host-1", 0.0).hold
        self.counting = CountingStore(self.store)

    def feed(self, **timing) -> EventFeed:
        return EventFeed(self.counting, asyncio.Event(), **timing)

    def say(self, number: int = 1) -> None:
        first = self.store.attempt(self.job_id).num_lines_stored
        lines = [
            SpoolLine(index=index, time=1.0, event=JobMessage(text="new"))
            for index in range(first, first + number)
        ]
        self.store.append_lines(self.hold, lines)

    @property
    def last_seq(self) -> int:
        return self.store.find_job(self.job_id).last_seq


@pytest.fixture
def site(tmp_path):
    made = Site(f"sqlite:///{tmp_path / 'jobs.db'}")
    yield made
    made.store.close()


async def until(is_so) -> None:
    deadline = time.monotonic() + 60
    while not is_so():
        assert time.monotonic() < deadline, "it never came to be so"
        await asyncio.sleep(0.01)


def seqs(events) -> list[int]:
    message = WatchTrainJobResponse.FromString(events.data)
    return [event.seq for event in message.events.events]


async def read_all(feed, log, after_seq, last_seq) -> list[int]:
    """Read as a watcher does, without waiting for a bell."""
    found = []
    while after_seq < last_seq:
        events = await feed.after(log, after_seq)
        if events is not None:
            found += seqs(events)
            after_seq = events.last_seq
    return found


def test_a_change_is_read_once_for_all_readers_and_is_the_same_bytes(site):
    async def scenario():
        feed, first = site.feed(poll_s=60), site.last_seq
        async with feed.reading(site.job_id, first) as (log, bell):
            await until(lambda: site.counting.reads)
            readers = [feed.reading(site.job_id, first) for _ in range(20)]
            for reader in readers:
                await reader.__aenter__()
            await asyncio.to_thread(site.say)
            await bell.wait(asyncio.get_running_loop().time() + 20)
            answers = [await feed.after(log, first) for _ in range(20)]
            for reader in readers:
                await reader.__aexit__(None, None, None)
        return first, answers

    first, answers = asyncio.run(scenario())

    assert site.counting.reads.count(first) == 2, "once at the start, once for the change"
    assert len({id(answer.data) for answer in answers}) == 1
    assert seqs(answers[0]) == [first + 1]


def test_a_change_while_a_read_is_under_way_is_read_after_it(site, counted):
    async def scenario():
        feed, first = site.feed(poll_s=60), site.last_seq
        site.counting.may_answer.clear()
        async with feed.reading(site.job_id, first) as (log, _):
            await until(lambda: site.counting.reads)
            await asyncio.to_thread(site.say)
            site.counting.may_answer.set()
            await until(lambda: log.last_seq == first + 1)

    asyncio.run(scenario())
    counted(late_reads=1)


def test_what_another_process_wrote_is_found(site):
    async def scenario():
        feed, first = site.feed(poll_s=0.02), site.last_seq
        other = JobStore(site.url)
        async with feed.reading(site.job_id, first) as (log, _):
            await until(lambda: site.counting.reads)
            await asyncio.to_thread(other.say, site.hold, JobMessage(text="from elsewhere"))
            await until(lambda: log.last_seq == first + 1)
        other.close()

    asyncio.run(scenario())


def test_readers_who_are_behind_share_the_reads_of_a_block(site):
    site.say(1200)

    async def scenario():
        feed, last = site.feed(), site.last_seq
        async with feed.reading(site.job_id, last) as (log, _):
            await until(lambda: site.counting.reads)
            answers = [await read_all(feed, log, after, last) for after in (0, 0, 7, 0)]
            return last, answers

    last, answers = asyncio.run(scenario())

    whole = list(range(1, last + 1))
    assert answers == [whole, whole, whole[7:], whole]
    assert site.counting.reads.count(0) == 1
    assert site.counting.reads.count(500) == 1


def test_a_log_that_nobody_reads_is_let_go(site):
    async def scenario():
        feed = site.feed(poll_s=0.02)
        async with feed.reading(site.job_id, site.last_seq):
            await until(lambda: site.counting.reads)
        num_reads = len(site.counting.reads)
        await asyncio.to_thread(site.say)
        await asyncio.sleep(0.2)
        return num_reads

    num_reads = asyncio.run(scenario())

    assert len(site.counting.reads) == num_reads


def test_a_store_that_does_not_answer_is_every_readers_error_and_not_the_next_ones(site):
    async def scenario():
        feed, first = site.feed(poll_s=60), site.last_seq
        async with feed.reading(site.job_id, first) as (log, bell):
            await until(lambda: site.counting.reads)
            site.counting.failure = Unavailable("no database")
            await asyncio.to_thread(site.say)
            await bell.wait(asyncio.get_running_loop().time() + 20)
            assert log.error is site.counting.failure
            site.counting.failure = None
            async with feed.reading(site.job_id, first) as (fresh, _):
                await until(lambda: fresh.last_seq == first + 1)

    asyncio.run(scenario())


def test_readers_of_a_deleted_job_learn_that_it_is_gone(site):
    async def scenario():
        feed, first = site.feed(poll_s=0.02), site.last_seq
        request = {"request_id": str(uuid.uuid4()), "request_hash": ""}
        async with feed.reading(site.job_id, first) as (log, _):
            await until(lambda: site.counting.reads)
            site.store.request_cancel(site.job_id, reason="", **request)
            site.store.move(site.hold, JobState.CANCELLED)
            site.store.delete_job(site.job_id, **request)
            await until(lambda: log.error is not None)
            return log.error

    assert isinstance(asyncio.run(scenario()), JobNotFound)


def test_a_reader_whose_next_event_is_not_kept_any_more_is_told(site, counted):
    site.say(600)
    site.store.compact(site.job_id, 50)

    async def scenario():
        feed = site.feed()
        async with feed.reading(site.job_id, site.last_seq) as (log, _):
            await feed.after(log, 5)

    with pytest.raises(CursorCompacted):
        asyncio.run(scenario())
    counted(refused_cursors=1)


def test_single_events_are_messages_again(site):
    async def scenario():
        return await site.feed().elements(site.job_id, 0, 2)

    elements = asyncio.run(scenario())

    assert [event.seq for event in messages_of(elements)] == [1, 2]

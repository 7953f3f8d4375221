"""The states of a host's jobs: one question for all who look at the same moment, and no answer from
before it was asked for.
"""

import asyncio
import threading

import pytest

from trainer_service.errors import JobNotFound, StoreUnavailable
from trainer_service.jobs import JobState
from trainer_service.supervisor.held_states import HeldStates, until_next_look_s

JOBS = [f"job-{number}" for number in range(20)]
R, C = JobState.RUNNING, JobState.CANCELLING


class FakeStore:
    """Answers when it may, and counts how often it was asked."""

    def __init__(self):
        self.now = dict.fromkeys(JOBS, R)
        self.questions = []
        self.error = None
        self.was_asked, self.may_answer = threading.Event(), threading.Event()
        self.may_answer.set()

    def states(self, job_ids):
        """Answer what was so when it was asked."""
        self.questions.append(set(job_ids))
        found = {job_id: self.now[job_id] for job_id in job_ids if job_id in self.now}
        self.was_asked.set()
        assert self.may_answer.wait(60)
        if self.error is not None:
            raise self.error
        return found


@pytest.fixture
def store():
    """Give one in which all jobs run."""
    return FakeStore()


def test_all_who_look_at_one_moment_share_a_question(store):
    states = HeldStates(store.states)

    async def look():
        return await asyncio.gather(*map(states.of, JOBS))

    assert asyncio.run(look()) == [R] * len(JOBS)
    assert store.questions == [set(JOBS)]


@pytest.mark.parametrize("now_s", [0.0, 0.01, 17.31, 86_400.099])
def test_whoever_looks_every_so_often_looks_at_the_same_moments(now_s):
    wait_s = until_next_look_s(0.1, now_s)

    assert 0 < wait_s <= 0.1
    assert (now_s + wait_s) / 0.1 == pytest.approx(round((now_s + wait_s) / 0.1))


def test_nobody_is_told_what_was_so_before_he_asked(store):
    """A cancellation is heeded by whoever looks after it, also while an older answer is waited
    for.
    """
    states = HeldStates(store.states)

    async def scenario():
        store.may_answer.clear()
        before = asyncio.create_task(states.of("job-3"))
        await asyncio.to_thread(store.was_asked.wait, 60)
        store.now["job-3"] = C
        later = [asyncio.create_task(states.of(job_id)) for job_id in JOBS]
        await asyncio.sleep(0)
        store.may_answer.set()
        return await before, await later[3]

    assert asyncio.run(scenario()) == (R, C)
    assert store.questions == [{"job-3"}, set(JOBS)]


def test_a_job_that_is_gone_is_said_to_be(store):
    states = HeldStates(store.states)
    del store.now["job-3"]

    async def look():
        return await asyncio.gather(*map(states.of, ["job-2", "job-3"]), return_exceptions=True)

    there, gone = asyncio.run(look())

    assert there is R
    assert isinstance(gone, JobNotFound) and "job-3" in gone.message


def test_a_store_that_was_away_is_asked_again(store):
    states = HeldStates(store.states)

    async def look():
        store.error = StoreUnavailable("away")
        with pytest.raises(StoreUnavailable):
            await states.of("job-3")
        store.error = None
        return await states.of("job-3")

    assert asyncio.run(look()) is R


def test_one_who_does_not_wait_for_the_answer_takes_it_from_nobody(store):
    states = HeldStates(store.states)

    async def look():
        impatient = asyncio.create_task(states.of("job-3"))
        patient = asyncio.create_task(states.of("job-4"))
        await asyncio.sleep(0)
        impatient.cancel()
        return await patient

    assert asyncio.run(look()) is R

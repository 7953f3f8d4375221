"""Who holds a job writes about it, and nobody else; what is written is whole or not at all."""

import pytest

from tests.fakes.job_values import step
from tests.fakes.stored_jobs import (
    EXPORT,
    HOST,
    all_events,
    cancel,
    lines,
    pause,
    queued_job,
    resume,
    running_job,
    started_again,
)
from trainer_service.errors import LeaseLost
from trainer_service.job_store import Hold, Outcome
from trainer_service.jobs import (
    AttemptEnd,
    AttemptEnded,
    ExitClass,
    Exported,
    JobFailure,
    JobMessage,
    JobState,
    StateChanged,
    TransitionRefused,
)

S = JobState
CRASH = AttemptEnd(exit_class=ExitClass.CRASHED, reason="WORKER_CRASHED", detail="signal 11")

WRITES = {
    "say": lambda store, hold: store.say(hold, JobMessage(text="hello")),
    "append_lines": lambda store, hold: store.append_lines(hold, lines(step(1))),
    "move": lambda store, hold: store.move(hold, S.QUEUED),
    "end_attempt": lambda store, hold: store.end_attempt(hold, CRASH),
    "finish": lambda store, hold: store.finish(hold, Outcome(state=S.FAILED, export=EXPORT)),
}


@pytest.mark.parametrize("name", WRITES)
def test_the_host_that_lost_a_job_writes_nothing(store, name):
    hold = running_job(store)
    store.move(hold, S.QUEUED)
    store.claim(hold.job_id, "host-b", 0.0)
    before = store.find_job(hold.job_id)

    with pytest.raises(LeaseLost, match="held by host 'host-b'"):
        WRITES[name](store, hold)
    assert store.find_job(hold.job_id) == before


@pytest.mark.parametrize("name", WRITES)
def test_an_attempt_that_is_over_writes_nothing(store, name):
    """The same host has the job again: what its dead worker said late is another attempt's."""
    hold = running_job(store)
    store.move(hold, S.QUEUED)
    started_again(store, hold.job_id)
    before = store.find_job(hold.job_id)

    with pytest.raises(LeaseLost, match="in attempt 2"):
        WRITES[name](store, hold)
    assert store.find_job(hold.job_id) == before


@pytest.mark.parametrize("to_state", [S.QUEUED, S.PAUSED, S.FAILED])
def test_a_hold_ends_with_the_state_that_needs_none(store, to_state):
    hold = running_job(store)

    store.move(hold, to_state)

    assert store.find_job(hold.job_id).owner == ""
    with pytest.raises(LeaseLost, match="held by nobody"):
        store.say(hold, JobMessage(text="still here"))


def test_a_deleted_job_is_nobodys(store):
    with pytest.raises(LeaseLost, match="is deleted"):
        store.say(Hold("ab" * 16, 1, HOST), JobMessage(text="hello"))


def test_a_retry_waits_for_its_time(store, clock):
    hold = running_job(store)

    store.move(hold, S.QUEUED, "crashed", not_before=clock.now + 10, end=CRASH)

    assert store.find_job(hold.job_id).not_before == clock.now + 10
    assert store.queue() == []
    with pytest.raises(TransitionRefused, match=r"10\.0 s"):
        store.claim(hold.job_id, HOST, 0.0)
    clock.now += 10
    assert [job.job_id for job in store.queue()] == [hold.job_id]
    assert store.claim(hold.job_id, HOST, 0.0).number == 2
    assert store.find_job(hold.job_id).not_before == 0


def test_an_attempts_end_and_what_follows_are_told_together(store, clock):
    hold = running_job(store)

    store.move(hold, S.QUEUED, "crashed", end=CRASH)

    attempt = store.attempt(hold.job_id)
    assert (attempt.end, attempt.end_time) == (CRASH, clock.now)
    assert all_events(store, hold.job_id)[-2:] == [
        AttemptEnded(number=1, exit_class=ExitClass.CRASHED, detail="signal 11"),
        StateChanged(from_state=S.RUNNING, to_state=S.QUEUED, reason="crashed"),
    ]


def test_an_attempt_ends_once(store):
    hold = running_job(store)
    store.end_attempt(hold, CRASH)

    store.end_attempt(hold, AttemptEnd(exit_class=ExitClass.HUNG))
    store.finish(hold, Outcome(state=S.FAILED, end=AttemptEnd(exit_class=ExitClass.HUNG)))

    assert store.attempt(hold.job_id).end == CRASH
    ends = [e for e in all_events(store, hold.job_id) if isinstance(e, AttemptEnded)]
    assert [end.exit_class for end in ends] == [ExitClass.CRASHED]


def test_ends_count_against_their_own_budget(store):
    hold = running_job(store)
    for exit_class in (
        ExitClass.CRASHED,
        ExitClass.PREEMPTED,
        ExitClass.HOST_LOST,
        ExitClass.HOST_OUT_OF_MEMORY,
        ExitClass.HUNG,
        ExitClass.PAUSED,
        ExitClass.REFUSED,
    ):
        store.move(hold, S.QUEUED, end=AttemptEnd(exit_class=exit_class))
        hold = started_again(store, hold.job_id)

    retries = store.retries(hold.job_id)

    assert (retries.num_failures, retries.num_preemptions) == (3, 2)
    store.move(hold, S.PAUSED)
    resume(store, hold.job_id)
    assert store.retries(hold.job_id).num_failures == 0


def test_an_export_and_the_final_state_come_together(store):
    hold = running_job(store)

    store.finish(hold, Outcome(state=S.SUCCEEDED, export=EXPORT))

    assert store.exports(hold.job_id) == [EXPORT]
    exported, ended = all_events(store, hold.job_id)[-2:]
    assert exported == Exported(export=EXPORT)
    assert ended.to_state is S.SUCCEEDED


def test_a_refused_end_leaves_no_trace(store):
    hold = running_job(store)
    cancel(store, hold.job_id)
    before = store.find_job(hold.job_id)

    with pytest.raises(TransitionRefused):
        store.finish(hold, Outcome(state=S.SUCCEEDED, export=EXPORT, end=CRASH))

    assert store.exports(hold.job_id) == []
    assert store.attempt(hold.job_id).end is None
    assert store.find_job(hold.job_id) == before


def test_a_job_that_exported_and_is_resumed_exports_again(store):
    """Registration failed after the export; the person frees the name, and resumes."""
    hold = running_job(store)
    store.finish(hold, Outcome(state=S.FAILED, export=EXPORT))
    resume(store, hold.job_id)

    store.finish(started_again(store, hold.job_id), Outcome(state=S.SUCCEEDED, export=EXPORT))

    assert [export.number for export in store.exports(hold.job_id)] == [1, 2]


def test_a_failure_reads_back(store):
    hold = running_job(store)
    failure = JobFailure(reason="DATA_INVALID", message="no cats")

    store.finish(hold, Outcome(state=S.FAILED, reason="no cats", failure=failure))

    job = store.find_job(hold.job_id)
    assert (job.failure, job.state_reason) == (failure, "no cats")
    assert job.end_time > 0


def test_a_worker_that_is_done_before_it_could_pause_succeeds(store):
    hold = running_job(store)
    pause(store, hold.job_id)

    store.finish(hold, Outcome(state=S.SUCCEEDED))

    assert store.find_job(hold.job_id).pause_deadline == 0


def test_the_first_start_is_the_start(store, clock):
    hold = running_job(store)
    first = store.find_job(hold.job_id).start_time
    clock.now += 100
    store.move(hold, S.QUEUED, end=CRASH)

    started_again(store, hold.job_id)

    assert store.find_job(hold.job_id).start_time == first


def test_one_hold_is_as_good_as_another_of_the_same_words(store):
    hold = store.claim(queued_job(store), HOST, 0.0).hold

    assert store.hold(hold.job_id) == hold == Hold(hold.job_id, 1, HOST)

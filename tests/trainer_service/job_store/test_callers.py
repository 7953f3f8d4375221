"""What callers ask for is done once, and only from where the table allows it."""

import threading
import uuid
from concurrent.futures import ThreadPoolExecutor

import pytest

from tests.fakes.job_values import job_spec
from tests.fakes.stored_jobs import (
    HOST,
    all_events,
    cancel,
    claimed_job,
    delete,
    ids_of,
    lines,
    new_job,
    pause,
    queued_job,
    resume,
    running_job,
    snapshot,
    spec_with,
    started_again,
)
from trainer_service.errors import (
    JobActive,
    JobCancelling,
    JobFinished,
    JobNotFound,
    JobPausing,
    JobRunning,
    RequestIdReused,
    SnapshotNotFound,
    TooManyJobsWait,
)
from trainer_service.job_store import JobStore, Outcome
from trainer_service.jobs import (
    AttemptEnd,
    ExitClass,
    JobFailure,
    JobState,
    StateChanged,
    TransitionRefused,
)

S = JobState


def test_a_created_job_reads_back_queued_with_its_first_event(store):
    created = store.create_job(new_job())

    job = store.find_job(created.job.job_id)

    assert not created.replayed
    assert job == created.job
    assert job.state is S.QUEUED
    assert job.spec == job_spec()
    assert job.sent_spec == '{"backbone": "resnet18"}'
    assert all_events(store, job.job_id) == [StateChanged(from_state=None, to_state=S.QUEUED)]


def test_the_same_request_gives_the_first_job(store):
    request = new_job()
    first = store.create_job(request)

    again = store.create_job(request)

    assert again.replayed
    assert again.job == first.job
    assert ids_of(store) == [first.job.job_id]
    assert store.recall_creation(request.request_id, request.request_hash) == first.job


def test_a_request_id_with_another_request_is_refused(store):
    request_id = str(uuid.uuid4())
    store.create_job(new_job(request_id=request_id))

    with pytest.raises(RequestIdReused, match="another request"):
        store.create_job(new_job(request_id=request_id, spec=job_spec(display_name="other")))
    assert len(ids_of(store)) == 1


def test_twenty_creations_at_once_with_one_id_make_one_job(store):
    request = new_job()
    together = threading.Barrier(20)

    def create(_):
        together.wait()
        return store.create_job(request)

    with ThreadPoolExecutor(20) as pool:
        answers = list(pool.map(create, range(20)))

    assert {answer.job.job_id for answer in answers} == {answers[0].job.job_id}
    assert [answer.replayed for answer in answers].count(False) == 1
    assert len(ids_of(store)) == 1


def test_stores_of_several_processes_make_one_job_of_one_request(store, url):
    """Each store has a writer of its own: only the database can tell that it is one request."""
    others = [JobStore(url) for _ in range(3)]
    request, together = new_job(), threading.Barrier(4)

    def create(one):
        together.wait()
        return one.create_job(request)

    with ThreadPoolExecutor(4) as pool:
        answers = list(pool.map(create, [store, *others]))
    for other in others:
        other.close()

    assert [answer.replayed for answer in answers].count(False) == 1
    assert len(ids_of(store)) == 1
    assert {other.log_id for other in others} == {store.log_id}


def test_a_full_queue_refuses_more(url):
    store = JobStore(url, max_waiting_jobs=1)
    queued_job(store)

    with pytest.raises(TooManyJobsWait):
        queued_job(store)
    store.close()


def test_a_full_queue_refuses_a_resume(url):
    store = JobStore(url, max_waiting_jobs=1)
    job_id = queued_job(store)
    pause(store, job_id)
    queued_job(store)

    with pytest.raises(TooManyJobsWait):
        resume(store, job_id)
    assert store.look(job_id).state is S.PAUSED
    store.close()


def test_a_callers_text_may_hold_any_character(store):
    """PostgreSQL has no NUL in a text."""
    job_id = queued_job(store, job_spec(display_name="a\0b"))

    job = cancel(store, job_id, reason="c\0d \N{SNOWMAN}")

    assert job.spec.display_name == "a\0b"
    assert job.state_reason == "c\N{REPLACEMENT CHARACTER}d \N{SNOWMAN}"


def test_a_running_job_is_cancelling_until_its_host_says_so(store):
    hold = running_job(store)

    assert cancel(store, hold.job_id).state is S.CANCELLING
    store.finish(hold, Outcome(state=S.CANCELLED))

    assert store.look(hold.job_id).state is S.CANCELLED


@pytest.mark.parametrize("is_paused", [False, True])
def test_cancelling_a_job_that_nobody_holds_ends_it_at_once(store, is_paused):
    job_id = queued_job(store)
    if is_paused:
        pause(store, job_id)

    job = cancel(store, job_id)

    assert job.state is S.CANCELLED
    assert job.end_time > 0
    assert [event.to_state for event in all_events(store, job_id)[-2:]] == [
        S.CANCELLING,
        S.CANCELLED,
    ]


def test_one_call_alone_is_told_that_it_ended_the_job(store):
    waiting, held = queued_job(store), running_job(store).job_id
    first = {"request_id": "1", "request_hash": "h", "reason": "enough"}
    other = {**first, "request_id": "2"}

    ended = [store.request_cancel(waiting, **asked).has_ended for asked in (first, other, first)]

    assert ended == [True, False, False]
    assert not store.request_cancel(held, **{**first, "request_id": "3"}).has_ended, "its host will"


def test_cancelling_twice_changes_nothing(store):
    hold = running_job(store)
    first = cancel(store, hold.job_id, reason="enough")

    second = cancel(store, hold.job_id, reason="really")

    assert second == first
    assert first.state_reason == "enough"


@pytest.mark.parametrize("state", [S.SUCCEEDED, S.FAILED])
def test_a_finished_job_cannot_be_cancelled_or_paused(store, state):
    hold = running_job(store)
    store.finish(hold, Outcome(state=state, failure=JobFailure(reason="R", message="m")))

    with pytest.raises(JobFinished, match=state.value):
        cancel(store, hold.job_id)
    with pytest.raises(JobFinished, match=r"succeeded|failed"):
        pause(store, hold.job_id)


def test_pausing_a_running_job_gives_saving_a_deadline(store, clock):
    hold = running_job(store)

    job = pause(store, hold.job_id, within_s=30.0)

    assert job.state is S.PAUSING
    assert job.pause_deadline == clock.now + 30.0
    assert store.look(hold.job_id).pause_deadline == clock.now + 30.0


def test_a_pause_that_ends_takes_its_deadline_along(store):
    hold = running_job(store)
    pause(store, hold.job_id)

    store.move(hold, S.RUNNING, "saving did not end within 60 s")

    assert store.find_job(hold.job_id).pause_deadline == 0
    assert store.find_job(hold.job_id).state_reason == "saving did not end within 60 s"


def test_a_job_that_waits_is_paused_at_once(store):
    job_id = queued_job(store)

    assert pause(store, job_id).state is S.PAUSED
    assert store.queue() == []


def test_pausing_twice_changes_nothing(store):
    hold = running_job(store)
    first = pause(store, hold.job_id, within_s=10)

    assert pause(store, hold.job_id, within_s=500) == first


def test_a_job_that_is_being_cancelled_cannot_be_paused_or_resumed(store):
    hold = running_job(store)
    cancel(store, hold.job_id)

    with pytest.raises(JobCancelling):
        pause(store, hold.job_id)
    with pytest.raises(JobCancelling):
        resume(store, hold.job_id)


def test_the_same_pause_again_gives_the_job_as_it_is_now(store):
    """A retried call must not pause a job that was resumed in between."""
    job_id = queued_job(store)
    asked = {"request_id": str(uuid.uuid4()), "request_hash": "h", "reason": "", "within_s": 1.0}
    store.request_pause(job_id, **asked)
    resume(store, job_id)

    again = store.request_pause(job_id, **asked)

    assert again.state is S.QUEUED


@pytest.mark.parametrize("state", [S.FAILED, S.CANCELLED])
def test_a_job_that_ended_badly_goes_on_with_whole_budgets(store, state):
    hold = running_job(store, spec_with(time_limit_s=50.0))
    crash = AttemptEnd(exit_class=ExitClass.CRASHED)
    failure = JobFailure(reason="WORKER_CRASHED", message="m")
    if state is S.CANCELLED:
        cancel(store, hold.job_id)
    store.finish(hold, Outcome(state=state, failure=failure, end=crash))
    assert store.retries(hold.job_id).num_failures == 1

    job = resume(store, hold.job_id)

    assert job.state is S.QUEUED
    assert (job.failure, job.end_time, job.deadline) == (None, 0.0, 0.0)
    assert store.retries(hold.job_id).num_failures == 0
    assert store.position(hold.job_id)[1] is False
    assert started_again(store, hold.job_id).attempt == 2


def test_a_pause_does_not_stop_the_clock_of_the_time_limit(store, clock):
    hold = running_job(store, spec_with(time_limit_s=50.0))
    pause(store, hold.job_id)
    store.move(hold, S.PAUSED)
    clock.now += 10

    job = resume(store, hold.job_id)

    assert job.deadline == clock.now + 40


def test_resuming_a_job_that_waits_or_runs_changes_nothing(store):
    job_id = queued_job(store)
    waiting = resume(store, job_id)
    hold = store.claim(job_id, HOST, 0.0).hold
    preparing = store.find_job(job_id)

    assert waiting.last_seq == 1
    assert resume(store, hold.job_id) == preparing


def test_a_job_that_succeeded_is_over(store):
    hold = running_job(store)
    store.finish(hold, Outcome(state=S.SUCCEEDED))

    with pytest.raises(JobFinished, match="succeeded"):
        resume(store, hold.job_id)


def test_a_job_that_is_being_paused_is_not_resumed(store):
    hold = running_job(store)
    pause(store, hold.job_id)

    with pytest.raises(JobPausing):
        resume(store, hold.job_id)


def test_a_running_job_does_not_change_its_snapshot(store):
    hold = running_job(store)
    store.append_lines(hold, lines(snapshot(1, 10)))

    with pytest.raises(JobRunning, match="1-10"):
        resume(store, hold.job_id, "1-10")


def test_a_snapshot_that_is_not_there_is_not_resumed_from(store):
    hold = running_job(store)
    store.append_lines(hold, lines(snapshot(1, 10)))
    pause(store, hold.job_id)
    store.move(hold, S.PAUSED)

    with pytest.raises(SnapshotNotFound, match="it has 1-10"):
        resume(store, hold.job_id, "1-11")
    assert store.look(hold.job_id).state is S.PAUSED


def test_a_deleted_job_leaves_nothing_but_a_note_for_its_hosts(store):
    hold = running_job(store, spec_with(labels={"team": "vision"}))
    store.append_lines(hold, lines(snapshot(1, 10)))
    cancel(store, hold.job_id)
    store.finish(hold, Outcome(state=S.CANCELLED))

    delete(store, hold.job_id)

    assert ids_of(store) == []
    assert store.snapshots(hold.job_id) == []
    assert store.deleted(HOST) == [hold.job_id]
    assert store.deleted("another") == []
    with pytest.raises(JobNotFound):
        store.find_job(hold.job_id)
    with pytest.raises(JobNotFound, match="is deleted"):
        store.position(hold.job_id)
    store.forget_deleted(hold.job_id, HOST)
    assert store.deleted(HOST) == []


def test_a_deletion_that_is_repeated_is_answered_the_same(store):
    job_id = queued_job(store)
    pause(store, job_id)
    asked = {"request_id": str(uuid.uuid4()), "request_hash": "h"}
    store.delete_job(job_id, **asked)

    store.delete_job(job_id, **asked)

    with pytest.raises(JobNotFound):
        delete(store, job_id)


def test_a_creation_whose_job_is_deleted_makes_no_second_one(store):
    request = new_job()
    job_id = store.create_job(request).job.job_id
    cancel(store, job_id)
    delete(store, job_id)

    with pytest.raises(JobNotFound, match="is deleted"):
        store.create_job(request)
    assert ids_of(store) == []


def test_a_job_that_waits_or_runs_is_not_deleted(store):
    waiting, running = queued_job(store), claimed_job(store).job_id

    for job_id in (waiting, running):
        with pytest.raises(JobActive, match="cancel it first"):
            delete(store, job_id)


def test_a_job_that_ends_in_a_moment_is_not_to_be_cancelled_again(store):
    job_id = running_job(store).job_id
    cancel(store, job_id)

    with pytest.raises(JobActive, match="is cancelling: it ends in a moment"):
        delete(store, job_id)


def test_listeners_hear_of_every_change(store):
    heard: list[str] = []
    store.subscribe(heard.append)

    hold = running_job(store)
    cancel(store, hold.job_id)
    store.finish(hold, Outcome(state=S.CANCELLED))
    delete(store, hold.job_id)

    assert heard == [hold.job_id] * 7


def test_nothing_of_a_refused_request_is_remembered(store):
    hold = running_job(store)
    asked = {"request_id": str(uuid.uuid4()), "request_hash": "h", "reason": ""}
    pause(store, hold.job_id)
    with pytest.raises(JobPausing):
        store.request_resume(hold.job_id, **asked)
    store.move(hold, S.PAUSED)

    assert store.request_resume(hold.job_id, **asked).state is S.QUEUED


def test_one_request_id_for_two_jobs_at_once_is_refused_once(store, url):
    """Each is another process's: both find the id unused, and one finds it taken when it writes."""
    jobs = [queued_job(store) for _ in range(6)]
    stores = [JobStore(url) for _ in jobs]
    request_id, together = str(uuid.uuid4()), threading.Barrier(len(jobs))

    def cancel_one(number):
        asked = {"request_id": request_id, "request_hash": jobs[number], "reason": ""}
        together.wait()
        try:
            return stores[number].request_cancel(jobs[number], **asked).job.state
        except RequestIdReused:
            return None

    with ThreadPoolExecutor(len(jobs)) as pool:
        answers = list(pool.map(cancel_one, range(len(jobs))))
    for one in stores:
        one.close()

    assert sorted(answers, key=str) == [None] * 5 + [S.CANCELLED]


def test_what_is_over_for_good_takes_no_move(store):
    hold = running_job(store)
    store.finish(hold, Outcome(state=S.SUCCEEDED))

    with pytest.raises(TransitionRefused):
        store.claim(hold.job_id, HOST, 0.0)

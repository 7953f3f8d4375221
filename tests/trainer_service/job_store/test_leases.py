"""A job is one host's at a time, and another's only when the first was silent for long."""

import threading
from concurrent.futures import ThreadPoolExecutor

import pytest

from tests.fakes.job_values import step
from tests.fakes.stored_jobs import (
    HOST,
    all_events,
    cancel,
    claimed_job,
    lines,
    pause,
    queued_job,
    running_job,
    spec_with,
)
from trainer_service.errors import LeaseLost
from trainer_service.job_store import JobStore
from trainer_service.jobs import (
    AttemptEnded,
    ExitClass,
    JobState,
    StepMetrics,
    TransitionRefused,
)

S = JobState
LEASE_S = 30.0


def test_a_claim_begins_an_attempt(store, clock):
    job_id = queued_job(store, spec_with(num_devices=2))

    attempt = store.claim(job_id, HOST, LEASE_S, device_indices=(1, 3))

    assert (attempt.number, attempt.host, attempt.device_indices) == (1, HOST, (1, 3))
    assert (attempt.num_devices, attempt.start_time) == (2, clock.now)
    assert len(attempt.nonce) == 32
    assert store.attempts(job_id) == [attempt]
    assert store.look(job_id).state is S.PREPARING


def test_a_job_that_does_not_wait_is_not_claimed(store):
    attempt = claimed_job(store)

    with pytest.raises(TransitionRefused):
        store.claim(attempt.job_id, "host-b", LEASE_S)
    assert store.attempt(attempt.job_id) == attempt


def test_of_hosts_that_claim_at_once_each_job_has_one(store, url):
    """Each store has its own connection, as hosts do."""
    jobs = [queued_job(store) for _ in range(6)]
    others = [JobStore(url) for _ in range(3)]
    together = threading.Barrier(3)

    def claim_all(number):
        together.wait()
        won = []
        for job_id in jobs:
            try:
                won.append(others[number].claim(job_id, f"host-{number}", LEASE_S).job_id)
            except TransitionRefused:
                continue
        return won

    with ThreadPoolExecutor(3) as pool:
        won = [job_id for each in pool.map(claim_all, range(3)) for job_id in each]
    for other in others:
        other.close()

    assert sorted(won) == sorted(jobs)
    assert [len(store.attempts(job_id)) for job_id in jobs] == [1] * 6


def test_the_time_limit_begins_with_the_first_start(store, clock):
    job_id = queued_job(store, spec_with(time_limit_s=100.0))
    assert store.find_job(job_id).deadline == 0
    hold = store.claim(job_id, HOST, 0.0).hold
    clock.now += 60
    store.move(hold, S.QUEUED)

    store.claim(job_id, HOST, 0.0)

    assert store.find_job(job_id).deadline == clock.now + 40


def test_a_host_renews_what_is_still_its_own(store):
    mine, lost = running_job(store, lease_s=LEASE_S), running_job(store, lease_s=LEASE_S)
    store.move(lost, S.QUEUED)
    store.claim(lost.job_id, "host-b", LEASE_S)

    still = store.renew(HOST, LEASE_S, [mine.job_id, lost.job_id, "gone"])

    assert still == {mine.job_id}


def test_nothing_is_taken_before_its_time(store, clock):
    hold = running_job(store, lease_s=LEASE_S)
    clock.now += LEASE_S + 10

    assert store.take_over("host-b", lapsed_s=10) == []
    clock.now += 0.001
    assert store.take_over("host-b", lapsed_s=10) == [hold.job_id]


def test_a_renewed_lease_is_not_taken(store, clock):
    hold = running_job(store, lease_s=LEASE_S)
    clock.now += LEASE_S
    store.renew(HOST, LEASE_S, [hold.job_id])
    clock.now += 15

    assert store.take_over("host-b", lapsed_s=10) == []


def test_a_lease_without_an_end_never_lapses(store, clock):
    running_job(store, lease_s=0)
    clock.now += 1e9

    assert store.take_over("host-b", lapsed_s=0) == []


def test_a_host_takes_nothing_from_itself(store, clock):
    """It was asleep, and its workers may be there still: it adopts them."""
    running_job(store, lease_s=LEASE_S)
    clock.now += 1e6

    assert store.take_over(HOST, lapsed_s=10) == []


def lost_job(store, clock, spec=None, asked=None):
    """Return a job that another host took over."""
    hold = running_job(store, spec, lease_s=LEASE_S)
    if asked is not None:
        asked(store, hold.job_id)
    clock.now += 1000
    assert store.take_over("host-b", lapsed_s=LEASE_S) == [hold.job_id]
    return hold


def test_a_lost_hosts_job_waits_again_and_its_attempt_is_over(store, clock):
    hold = lost_job(store, clock)

    job = store.find_job(hold.job_id)
    assert (job.state, job.owner) == (S.QUEUED, "")
    assert store.attempt(hold.job_id).end.exit_class is ExitClass.HOST_LOST
    ended, queued = all_events(store, hold.job_id)[-2:]
    assert ended == AttemptEnded(
        number=1,
        exit_class=ExitClass.HOST_LOST,
        detail="host host-a was not heard of any more",
    )
    assert queued.to_state is S.QUEUED


def test_the_lost_host_comes_back_and_is_refused(store, clock):
    hold = lost_job(store, clock)
    store.claim(hold.job_id, "host-b", LEASE_S)

    assert store.renew(HOST, LEASE_S, [hold.job_id]) == set()
    assert store.adopt(HOST, LEASE_S) == []
    with pytest.raises(LeaseLost):
        store.append_lines(hold, lines(step(1)))


@pytest.mark.parametrize(("asked", "state"), [(cancel, S.CANCELLED), (pause, S.PAUSED)])
def test_what_a_lost_host_was_asked_for_is_done(store, clock, asked, state):
    hold = lost_job(store, clock, asked=asked)

    assert store.look(hold.job_id).state is state


def test_a_host_is_lost_within_its_budget(store, clock):
    hold = lost_job(store, clock, spec_with(max_preemptions=1))
    assert store.look(hold.job_id).state is S.QUEUED

    store.claim(hold.job_id, HOST, LEASE_S)
    clock.now += 1000
    store.take_over("host-b", lapsed_s=LEASE_S)

    job = store.find_job(hold.job_id)
    assert (job.state, job.failure.reason) == (S.FAILED, "HOST_LOST")


def test_of_hosts_that_take_over_at_once_one_does(store, url, clock):
    hold = running_job(store, lease_s=LEASE_S)
    clock.now += 1000
    others = [JobStore(url, clock=clock) for _ in range(4)]
    together = threading.Barrier(4)

    def take(number):
        together.wait()
        return others[number].take_over(f"host-{number}", lapsed_s=LEASE_S)

    with ThreadPoolExecutor(4) as pool:
        taken = [job_id for each in pool.map(take, range(4)) for job_id in each]
    for other in others:
        other.close()

    assert taken == [hold.job_id]


def test_a_host_that_starts_again_finds_what_it_held(store):
    mine = running_job(store, lease_s=LEASE_S)
    other = store.claim(queued_job(store), "host-b", LEASE_S).hold

    assert store.adopt(HOST, LEASE_S) == [mine]
    assert store.adopt("host-b", LEASE_S) == [other]


def test_leases_go_by_the_clock_that_all_hosts_share(postgres_url, monkeypatch):
    """A host whose own clock is an hour ahead takes nothing before its time."""
    store = JobStore(postgres_url)
    running_job(store, lease_s=600)
    monkeypatch.setattr("trainer_service.job_store.database.time.time", lambda: 4e9)

    assert store.take_over("host-b", lapsed_s=0) == []
    store.close()


def test_a_job_that_takes_its_hosts_down_before_its_first_step_waits_longer_each_time(store, clock):
    hold = running_job(store, lease_s=LEASE_S)
    for times in (1, 2):
        clock.now += 1000
        store.take_over("host-c", LEASE_S, backoff_s=lambda lost: 10.0 * lost)

        assert store.find_job(hold.job_id).not_before == clock.now + 10 * times
        clock.now += 100
        store.claim(hold.job_id, "host-b", LEASE_S)


def test_a_job_that_did_a_step_waits_for_nobody(store, clock):
    hold = running_job(store, lease_s=LEASE_S)
    store.append_lines(hold, lines(StepMetrics(epoch=1, step=1, values={"loss": 1.0})))
    clock.now += 1000

    store.take_over("host-b", LEASE_S, backoff_s=lambda lost: 10.0)

    assert store.find_job(hold.job_id).not_before == 0

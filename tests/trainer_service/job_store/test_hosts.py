"""The queue in order, the hosts that are heard of, and what is where."""

from dataclasses import replace

import pytest

from tests.fakes.stored_jobs import (
    HOST,
    all_events,
    cancel,
    claimed_job,
    pause,
    queued_job,
    resume,
    running_job,
    spec_with,
    started_again,
)
from trainer_service.job_store import CapacityNumbers, HostDevice, HostRecord, Placement
from trainer_service.jobs import JobFailure, JobState

FAILURE = JobFailure(reason="DEADLINE_EXCEEDED", message="its 10 s have passed")
HOST_RECORD = HostRecord(
    host_id=HOST,
    name="rack-1",
    devices=(HostDevice(kind="cuda", index=0, description="NVIDIA H200", handle="GPU-5c1f"),),
    engines=("process", "ray"),
)


def test_the_queue_is_by_priority_then_by_age(store, clock):
    wanted = []
    for priority in (0, 5, 0, -3, 5):
        wanted.append((-priority, clock.now, queued_job(store, spec_with(priority=priority))))
        clock.now += 1

    assert [job.job_id for job in store.queue()] == [job_id for *_, job_id in sorted(wanted)]


def test_a_resumed_job_keeps_its_place(store, clock):
    first = queued_job(store)
    clock.now += 1
    second = queued_job(store)
    pause(store, first)
    clock.now += 1

    resume(store, first)

    assert [job.job_id for job in store.queue()] == [first, second]
    assert store.queue()[0].queue_time == clock.now


def test_a_host_sees_what_it_can_run(store):
    small = queued_job(store)
    large = queued_job(store, spec_with(num_devices=8))
    elsewhere = queued_job(store, spec_with(num_devices=8, engine="ray"))

    assert {job.job_id for job in store.queue(max_devices=2)} == {small, elsewhere}
    assert {job.job_id for job in store.queue(engines=["process"])} == {small, large}
    assert len(store.queue(limit=2)) == 2


def test_a_host_is_told_of_until_it_says_goodbye(store, clock):
    store.heartbeat(HOST_RECORD)
    clock.now += 5
    store.heartbeat(replace(HOST_RECORD, is_draining=True))

    assert store.hosts() == [replace(HOST_RECORD, is_draining=True, seen_time=clock.now)]
    store.forget_host(HOST)
    assert store.hosts() == []


def test_capacity_counts_what_waits_and_what_is_held(store, clock):
    queued_job(store)
    oldest = clock.now
    clock.now += 7
    queued_job(store)
    running_job(store)
    cancel(store, running_job(store).job_id)
    pause(store, queued_job(store))

    assert store.capacity() == CapacityNumbers(
        num_queued=2, num_running=2, oldest_queued_time=oldest
    )


def test_an_empty_queue_has_no_oldest_job(store):
    assert store.capacity().oldest_queued_time == 0


def test_a_job_that_is_held_is_somewhere(store):
    attempt = store.claim(queued_job(store), HOST, 0.0, device_indices=(2, 3))
    queued_job(store)

    assert store.placements() == [
        Placement(
            job_id=attempt.job_id,
            state=JobState.PREPARING,
            host_id=HOST,
            device_indices=(2, 3),
        )
    ]


def test_a_job_that_moved_is_where_its_newest_attempt_is(store):
    hold = running_job(store)
    store.move(hold, JobState.QUEUED)
    store.claim(hold.job_id, "host-b", 0.0, device_indices=(1,))

    (place,) = store.placements()

    assert (place.host_id, place.device_indices) == ("host-b", (1,))


@pytest.mark.parametrize("is_paused", [False, True])
def test_a_job_that_waits_beyond_its_time_limit_is_overdue(store, clock, is_paused):
    hold = running_job(store, spec_with(time_limit_s=10.0))
    store.move(hold, JobState.PAUSED if is_paused else JobState.QUEUED)
    assert store.overdue() == []
    clock.now += 11

    assert store.overdue() == [hold.job_id]
    assert store.fail_waiting(hold.job_id, FAILURE)

    job = store.find_job(hold.job_id)
    assert (job.state, job.failure) == (JobState.FAILED, FAILURE)
    assert store.overdue() == []


def test_a_job_that_was_resumed_since_it_was_overdue_is_not_failed(store, clock):
    hold = running_job(store, spec_with(time_limit_s=10.0))
    store.move(hold, JobState.QUEUED)
    clock.now += 11
    assert store.overdue() == [hold.job_id]
    assert store.fail_waiting(hold.job_id, FAILURE)  # by another host
    resume(store, hold.job_id)

    assert not store.fail_waiting(hold.job_id, FAILURE)

    assert store.find_job(hold.job_id).state is JobState.QUEUED


def test_a_job_that_a_host_holds_is_the_hosts_to_fail(store, clock):
    hold = running_job(store, spec_with(time_limit_s=10.0))
    clock.now += 11
    before = all_events(store, hold.job_id)

    assert store.overdue() == []
    assert not store.fail_waiting(hold.job_id, FAILURE)
    assert all_events(store, hold.job_id) == before


def test_a_job_without_a_limit_is_never_overdue(store, clock):
    hold = running_job(store)
    store.move(hold, JobState.QUEUED)
    clock.now += 1e9

    assert store.overdue() == []
    assert started_again(store, hold.job_id).attempt == 2


def test_figures_leave_out_what_is_over_and_tell_what_waits_for_devices_alone(store, clock):
    over = queued_job(store)
    cancel(store, over)
    running_job(store)
    lost = claimed_job(store)
    store.move(lost.hold, JobState.QUEUED, "tried again", not_before=clock.now + 10)
    clock.now += 1
    since = clock.now
    queued_job(store)
    clock.now += 1
    queued_job(store)

    figures = store.figures()

    assert figures.num_in_state == {JobState.RUNNING: 1, JobState.QUEUED: 3}
    assert figures.oldest_ready_time == since

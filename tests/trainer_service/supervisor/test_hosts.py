"""A host gives its devices to jobs in order, keeps them over a restart, and leaves in order."""

import asyncio
import os
import subprocess
import sys
import time
from dataclasses import replace

from tests.fakes.supervisor_program import QUICK, this_host
from trainer_service.engines.process import NONCE_VARIABLE
from trainer_service.errors import StoreUnavailable
from trainer_service.job_store import HostRecord
from trainer_service.jobs import AttemptEnded, ExitClass, JobState, RunSpec, read_order
from trainer_service.supervisor import Supervisor
from trainer_service.supervisor.host_care import FORGOTTEN_AFTER_S

Q, R = JobState.QUEUED, JobState.RUNNING


def devices_of(bench, job_id, attempt=1) -> tuple[int, ...]:
    return read_order(bench.rooms.attempt_folder(job_id, attempt)).device_indices


def ends(bench, job_id) -> list[ExitClass]:
    return [e.event.exit_class for e in bench.events(job_id) if isinstance(e.event, AttemptEnded)]


def test_jobs_that_run_together_have_devices_of_their_own(bench):
    bench.worker_does(end="hang")
    jobs = [bench.create(), bench.create(RunSpec(num_devices=2))]

    async def scenario():
        async with bench.supervising(num_slots=3):
            for job_id in jobs:
                await bench.until_running(job_id)

    asyncio.run(scenario())

    assert [devices_of(bench, job_id) for job_id in jobs] == [(0,), (1, 2)]


def test_a_job_for_two_devices_waits_for_both_and_is_not_passed(bench):
    bench.worker_does(end="hang")
    first, both = bench.create(), bench.create(RunSpec(num_devices=2))
    later = bench.create()

    async def scenario():
        async with bench.supervising(num_slots=2):
            await bench.until_running(first)
            bench.worker_does()
            waiting = [bench.store.look(job_id).state for job_id in (both, later)]
            bench.cancel(first)
            await bench.until_final(later)
            return waiting

    assert asyncio.run(scenario()) == [Q, Q]
    assert devices_of(bench, both) == (0, 1)
    assert bench.store.find_job(both).end_time <= bench.store.find_job(later).start_time


def test_a_larger_priority_starts_first(bench):
    low, high = bench.create(RunSpec(priority=-1)), bench.create(RunSpec(priority=5))

    async def scenario():
        async with bench.supervising():
            await bench.until_final(low)

    asyncio.run(scenario())

    assert bench.store.find_job(high).end_time <= bench.store.find_job(low).start_time


def test_jobs_for_a_full_cluster_do_not_hide_those_behind_them(bench):
    """However many: the store returns the queue's first hundred."""
    bench.rooms = replace(bench.rooms, engines={**bench.rooms.engines, "ray": None})
    for _ in range(101):
        bench.create(RunSpec(engine="ray", priority=1))
    job_id = bench.create()
    host = replace(this_host(bench.rooms), engines=("process", "ray"))

    async def scenario():
        supervisor = Supervisor(bench.rooms, host, timing=QUICK)
        await supervisor.start()
        job = await bench.until_final(job_id)
        await supervisor.stop()
        return job

    assert asyncio.run(scenario()).state is JobState.SUCCEEDED


def test_an_adopted_job_keeps_its_devices(bench):
    bench.worker_does(end="hang")
    first, second = bench.create(), bench.create()

    async def scenario():
        async with bench.supervising(num_slots=2):
            await bench.until_running(second)
            bench.cancel(first)
            await bench.until_final(first)
        async with bench.supervising(num_slots=2):
            third = bench.create()
            await bench.until_running(third)
            return third

    third = asyncio.run(scenario())

    assert bench.store.look(second).state is R
    assert [devices_of(bench, job_id) for job_id in (second, third)] == [(1,), (0,)]


def test_a_host_says_what_it_has(bench):
    async def scenario():
        async with bench.supervising(num_slots=2):
            await bench.until(bench.store.hosts)

    asyncio.run(scenario())

    (host,) = bench.store.hosts()
    assert (host.host_id, len(host.devices), host.is_draining) == (bench.rooms.host_id, 2, False)
    assert host.seen_time > 0


def test_a_drained_host_has_its_jobs_saved_and_queued_and_goes_on_with_them_later(bench):
    bench.worker_does(steps=10_000)
    job_id = bench.create()

    async def scenario():
        async with bench.supervising() as supervisor:
            await bench.until_running(job_id)
            await supervisor.drain()
            left = bench.store.look(job_id).state, bench.processes(), bench.store.hosts()
        bench.worker_does(steps=bench.store.find_job(job_id).progress.step + 1)
        async with bench.supervising():
            await bench.until_final(job_id)
        return left

    state, processes, (host,) = asyncio.run(scenario())

    assert (state, processes, host.is_draining) == (Q, [], True)
    assert ends(bench, job_id) == [ExitClass.PREEMPTED, ExitClass.FINISHED]
    assert bench.steps(job_id) == list(range(1, bench.store.find_job(job_id).progress.step + 1))


def test_a_drained_host_starts_nothing(bench):
    async def scenario():
        async with bench.supervising() as supervisor:
            await supervisor.drain()
            job_id = bench.create()
            await asyncio.sleep(10 * QUICK.tick_s)
            return bench.states(job_id)

    assert asyncio.run(scenario()) == [Q]


def test_a_worker_whose_lease_ran_out_is_killed_though_the_store_is_away(bench, monkeypatch):
    """Another host may have the job by then. Where none took it, this one goes on with it."""
    bench.worker_does(steps=10_000, is_deaf=True)
    renew, is_away = bench.store.renew, []

    def renew_unless_away(*arguments):
        if is_away:
            raise StoreUnavailable("away")
        return renew(*arguments)

    monkeypatch.setattr(bench.store, "renew", renew_unless_away)
    rooms = replace(bench.rooms, host_timeout_s=2.0)
    job_id = bench.create()

    async def scenario():
        supervisor = Supervisor(rooms, this_host(rooms), timing=replace(QUICK, first_backoff_s=0))
        await supervisor.start()
        await bench.until_running(job_id)
        is_away.append(True)
        (worker,) = bench.processes()
        await bench.until(lambda: not worker.is_running())
        is_away.clear()
        bench.worker_does(steps=2)
        job = await bench.until_final(job_id)
        await supervisor.stop()
        return job

    assert asyncio.run(scenario()).state is JobState.SUCCEEDED


def test_a_worker_that_nobody_follows_is_killed(bench):
    """Its job went to another host while no supervisor ran here."""
    folder = bench.rooms.attempt_folder("gone", 1)
    command = [sys.executable, "-c", "import time; time.sleep(600)", str(folder)]
    stray = subprocess.Popen(command, env={**os.environ, NONCE_VARIABLE: "n1"})

    async def scenario():
        async with bench.supervising():
            await bench.until(lambda: stray.poll() is not None)

    try:
        asyncio.run(scenario())
    finally:
        stray.kill()
        stray.wait()


def test_a_time_limit_passes_in_the_queue_too(bench):
    bench.worker_does(end="crash")
    job_id = bench.create(RunSpec(time_limit_s=1.0))

    job = bench.run(job_id, timing=replace(QUICK, first_backoff_s=600.0))

    assert (job.state, job.failure.reason) == (JobState.FAILED, "DEADLINE_EXCEEDED")
    assert "1 s" in job.failure.message


def test_the_oldest_events_go_when_a_job_has_more_than_are_kept(bench):
    bench.worker_does(steps=200, pause_s=0.005)
    bench.rooms = replace(bench.rooms, events_kept=50)
    job_id = bench.create()

    async def scenario():
        async with bench.supervising():
            await bench.until(lambda: bench.store.find_job(job_id).first_seq > 1)
            return await bench.until_final(job_id)

    job = asyncio.run(scenario())

    assert job.state is JobState.SUCCEEDED
    assert job.last_seq - job.first_seq >= 50


def test_a_host_that_was_not_heard_of_for_long_is_forgotten(bench, monkeypatch):
    bench.store.heartbeat(HostRecord(host_id="long gone", name="old"))
    heard = bench.store.hosts

    def hosts():
        return [replace(host, seen_time=time.time() - FORGOTTEN_AFTER_S - 1) for host in heard()]

    monkeypatch.setattr(bench.store, "hosts", hosts)

    async def scenario():
        async with bench.supervising():
            await bench.until(lambda: [one.host_id for one in heard()] == [bench.rooms.host_id])

    asyncio.run(scenario())

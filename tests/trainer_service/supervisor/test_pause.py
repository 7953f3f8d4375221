"""PAUSED only with a saved snapshot; a save that fails leaves the job running and says why."""

import asyncio
import os
import signal

from tests.trainer_service.supervisor.test_adoption import start_program
from trainer_service.jobs import CONTROL_FILE, ExitClass, JobState, RolledBack
from trainer_service.supervisor import job_run
from trainer_service.supervisor.ordering import order_attempt

Q, P, R = JobState.QUEUED, JobState.PREPARING, JobState.RUNNING
PAUSING, PAUSED, DONE = JobState.PAUSING, JobState.PAUSED, JobState.SUCCEEDED


def has_steps(bench, job_id, count):
    return lambda: bench.store.find_job(job_id).progress.step >= count


def is_in(bench, job_id, state):
    return lambda: bench.store.look(job_id).state is state


async def pause_and_wait(bench, job_id, *, after_steps=3, then=PAUSED, **how):
    await bench.until(has_steps(bench, job_id, after_steps))
    bench.pause(job_id, **how)
    await bench.until(lambda: then in bench.states(job_id)[3:])


def test_a_pause_saves_frees_the_device_and_a_resume_goes_on_from_there(bench):
    bench.worker_does(steps=10_000, pause_s=0.02)
    job_id = bench.create()

    async def scenario():
        async with bench.supervising():
            await pause_and_wait(bench, job_id)
            left = bench.processes()
            bench.worker_does(steps=12, pause_s=0.0)
            bench.resume(job_id)
            await bench.until_final(job_id)
            return left

    assert asyncio.run(scenario()) == []

    assert bench.states(job_id) == [Q, P, R, PAUSING, PAUSED, Q, P, R, DONE]
    assert bench.ends(job_id) == [ExitClass.PAUSED, ExitClass.FINISHED]
    assert bench.reasons(job_id)[4] == "lunch"
    (rolled,) = [e.event for e in bench.events(job_id) if isinstance(e.event, RolledBack)]
    paused_at = rolled.to_step
    assert bench.saved(job_id)[0] == f"1-{paused_at}"
    assert rolled.num_lost_steps == 0
    assert bench.steps(job_id) == list(range(1, max(paused_at, 12) + 1))


def test_a_save_that_fails_leaves_the_job_running_and_says_why(bench):
    bench.worker_does(steps=10_000, pause_s=0.02, save="fails")
    job_id = bench.create()

    async def scenario():
        async with bench.supervising():
            await pause_and_wait(bench, job_id, then=R)
            seen = bench.store.find_job(job_id).progress.step
            await bench.until(has_steps(bench, job_id, seen + 5))

    asyncio.run(scenario())

    assert bench.states(job_id) == [Q, P, R, PAUSING, R]
    assert bench.reasons(job_id)[-1] == "could not pause: no room"


def test_after_a_pause_that_failed_another_one_may_succeed(bench):
    """The answer to the first question is none to the second."""
    bench.worker_does(steps=10_000, pause_s=0.02, save_fails_times=1)
    job_id = bench.create()

    async def scenario():
        async with bench.supervising():
            await pause_and_wait(bench, job_id, then=R)
            bench.pause(job_id)
            await bench.until(is_in(bench, job_id, PAUSED))

    asyncio.run(scenario())

    assert bench.states(job_id) == [Q, P, R, PAUSING, R, PAUSING, PAUSED]


def test_a_save_that_takes_longer_than_it_may_is_withdrawn(bench):
    bench.worker_does(steps=10_000, pause_s=0.02, is_deaf=True)
    job_id = bench.create()

    async def scenario():
        async with bench.supervising():
            await pause_and_wait(bench, job_id, then=R, within_s=1.0)

    asyncio.run(scenario())

    assert bench.states(job_id) == [Q, P, R, PAUSING, R]
    assert "saving did not end within 1 s" in bench.reasons(job_id)[-1]


def test_a_job_that_finishes_before_it_can_pause_has_succeeded(bench):
    bench.worker_does(steps=5, is_deaf=True, waits={"4": CONTROL_FILE})
    job_id = bench.create()

    async def scenario():
        async with bench.supervising():
            await pause_and_wait(bench, job_id, then=DONE)

    asyncio.run(scenario())

    assert bench.states(job_id) == [Q, P, R, PAUSING, DONE]
    assert len(bench.store.exports(job_id)) == 1


def test_a_worker_that_dies_while_it_saves_leaves_the_job_paused_at_its_last_snapshot(bench):
    bench.worker_does(steps=10_000, pause_s=0.02, snapshot_every=3, is_deaf=True)
    job_id = bench.create()

    async def scenario():
        async with bench.supervising():
            await bench.until(has_steps(bench, job_id, 4))
            bench.pause(job_id)
            await bench.until(is_in(bench, job_id, PAUSING))
            os.kill(bench.processes()[0].pid, signal.SIGKILL)
            await bench.until(is_in(bench, job_id, PAUSED))

    asyncio.run(scenario())

    assert bench.ends(job_id) == [ExitClass.CRASHED]
    job = bench.store.find_job(job_id)
    lost = job.progress.step - job.snapshot.step
    assert f"{lost} steps after the last snapshot will be done again" in job.state_reason


def test_a_job_that_prepares_is_paused_before_anything_runs(bench):
    bench.catalog.is_slow = True
    job_id = bench.create()

    async def scenario():
        async with bench.supervising():
            await bench.until(lambda: bench.catalog.prepared)
            bench.pause(job_id)
            await bench.until(is_in(bench, job_id, PAUSED))
            bench.catalog.is_slow = False
            bench.resume(job_id)
            await bench.until_final(job_id)

    asyncio.run(scenario())

    assert bench.states(job_id) == [Q, P, PAUSING, PAUSED, Q, P, R, DONE]


def test_a_job_is_paused_while_its_order_is_written(bench, monkeypatch):
    job_id = bench.create()

    def order_and_pause(*arguments):
        order_attempt(*arguments)
        bench.pause(job_id)

    monkeypatch.setattr(job_run, "order_attempt", order_and_pause)

    async def scenario():
        async with bench.supervising():
            await bench.until(lambda: bench.states(job_id)[3:])

    asyncio.run(scenario())

    assert bench.states(job_id) == [Q, P, PAUSING, PAUSED]


def test_a_pause_goes_on_where_the_supervisor_was_killed(bench):
    bench.worker_does(steps=10_000, pause_s=0.02, save_s=1.0)
    job_id = bench.create()
    program = start_program(bench)
    asyncio.run(bench.until_running(job_id))
    bench.pause(job_id)
    control = bench.rooms.attempt_folder(job_id, 1) / "control.json"
    asyncio.run(bench.until(control.exists))
    program.kill()
    program.wait()

    async def scenario():
        async with bench.supervising():
            await bench.until(is_in(bench, job_id, PAUSED))

    asyncio.run(scenario())

    assert bench.states(job_id) == [Q, P, R, PAUSING, PAUSED]
    assert len(bench.store.snapshots(job_id)) == 1, "it was asked twice"


def test_a_pausing_job_can_be_cancelled(bench):
    bench.worker_does(steps=10_000, pause_s=0.02, is_deaf=True)
    job_id = bench.create()

    async def scenario():
        async with bench.supervising():
            await bench.until(has_steps(bench, job_id, 3))
            bench.pause(job_id)
            await bench.until(is_in(bench, job_id, PAUSING))
            bench.cancel(job_id)
            await bench.until_final(job_id)

    asyncio.run(scenario())

    assert bench.states(job_id)[-3:] == [PAUSING, JobState.CANCELLING, JobState.CANCELLED]
    assert bench.processes() == []

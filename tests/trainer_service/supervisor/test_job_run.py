"""One attempt that was claimed, without the supervisor around it."""

import asyncio
from dataclasses import replace

import pytest

from tests.fakes.supervisor_program import QUICK
from trainer_service.errors import LeaseLost
from trainer_service.jobs import ExitClass, JobState, RunSpec, read_order
from trainer_service.supervisor.held_states import HeldStates
from trainer_service.supervisor.job_run import JobRun


def claimed(bench, timing=QUICK, lease_s=0.0, **run):
    """Return a job and who takes it to its end."""
    job_id = bench.create(run=RunSpec(**run))
    engine = bench.rooms.engines["process"]
    rooms = replace(bench.rooms, engines={"process": engine, "ray": engine})
    attempt = bench.store.claim(job_id, rooms.host_id, lease_s)
    states = HeldStates(rooms.store.states)
    return job_id, JobRun(attempt.hold, rooms, timing, states, device_indices=(3, 5))


@pytest.mark.parametrize(
    ("engine", "end"), [("ray", ExitClass.FINISHED), ("process", ExitClass.HUNG)]
)
def test_a_cluster_may_have_no_room_for_long_before_the_first_word(bench, engine, end):
    bench.worker_does(start_s=4.0)
    timing = replace(QUICK, hang_s=1.0, long_phase_s=1.0, hang_median_steps=1e6, stacks_s=0.0)
    job_id, run = claimed(bench, timing, engine=engine)

    asyncio.run(run.to_the_end())

    assert bench.ends(job_id) == [end]


def test_the_order_names_the_devices_that_the_attempt_was_given(bench):
    job_id, run = claimed(bench, num_devices=2)

    asyncio.run(run.to_the_end())

    order = read_order(bench.rooms.attempt_folder(job_id, 1))
    assert order.device_indices == (3, 5)
    assert order.snapshots_folder == str(bench.rooms.snapshots_folder(job_id))


@pytest.mark.parametrize("script", [{"steps": 10_000, "pause_s": 0.02}, {"end": "hang"}])
def test_a_job_that_another_host_took_is_left_to_it_without_a_process_or_a_word(bench, script):
    """Whether its worker speaks, so that a write is refused, or is silent."""
    bench.worker_does(**script)
    job_id, run = claimed(bench, lease_s=0.01)

    async def scenario():
        running = asyncio.create_task(run.to_the_end())
        await bench.until(lambda: bench.store.find_job(job_id).progress.step >= 3)
        bench.store.take_over("other-host", 0.0)
        seen = len(bench.events(job_id))
        try:
            await running
        except LeaseLost:
            await run.abandon()
        return seen

    seen = asyncio.run(scenario())

    assert bench.processes() == []
    assert len(bench.events(job_id)) == seen
    assert bench.ends(job_id) == [ExitClass.HOST_LOST]
    assert bench.store.look(job_id).state is JobState.QUEUED


def test_abandoning_a_job_that_never_had_an_order_does_nothing(bench):
    job_id, run = claimed(bench)

    asyncio.run(run.abandon())

    assert bench.states(job_id) == [JobState.QUEUED, JobState.PREPARING]

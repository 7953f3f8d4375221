"""An attempt that ends before its time is followed by another, from the last snapshot, within its
budget; what the first one told is all in the log by then.
"""

import asyncio
import os
import signal
import time
from dataclasses import replace

import pytest

from tests.fakes.supervisor_program import QUICK
from trainer_service.errors import StoreUnavailable
from trainer_service.jobs import (
    AttemptEnded,
    ExitClass,
    JobState,
    RolledBack,
    RunSpec,
    StateChanged,
    read_order,
)

Q, P, R = JobState.QUEUED, JobState.PREPARING, JobState.RUNNING
ACCURACY = "validation/accuracy"
PAUSED, DONE, FAILED = JobState.PAUSED, JobState.SUCCEEDED, JobState.FAILED


def test_a_crash_is_tried_again_from_the_last_snapshot(bench):
    bench.worker_does(steps=5, ends=["crash", "finished"], snapshot_every=2)
    job_id = bench.create()

    job = bench.run(job_id)

    assert job.state is DONE
    assert bench.states(job_id) == [Q, P, R, Q, P, R, DONE]
    assert bench.ends(job_id) == [ExitClass.CRASHED, ExitClass.FINISHED]
    assert bench.steps(job_id) == [1, 2, 3, 4, 5, 5]
    order = read_order(bench.rooms.attempt_folder(job_id, 2))
    assert [ref.snapshot_id for ref in order.resume_from] == ["1-4", "1-2"]
    assert order.last_told_step == 5


def test_what_a_dead_worker_told_is_stored_before_the_attempt_ends(bench):
    bench.worker_does(steps=2000, pause_s=0.0, ends=["crash", "finished"], snapshot_every=2000)
    job_id = bench.create()

    bench.run(job_id)

    kinds = [type(record.event) for record in bench.events(job_id)]
    ended, back = kinds.index(AttemptEnded), kinds.index(RolledBack)
    assert bench.steps(job_id) == list(range(1, 2001))
    assert kinds[ended + 1] is StateChanged
    assert ended < back


def test_a_first_attempt_without_a_snapshot_is_done_again_from_the_start(bench):
    bench.worker_does(ends=["crash", "finished"])
    job_id = bench.create()

    assert bench.run(job_id).state is DONE
    assert bench.steps(job_id) == [1, 2, 3, 1, 2, 3]


def test_a_job_that_crashes_again_and_again_fails_with_its_budget(bench):
    bench.worker_does(end="crash")
    job_id = bench.create(run=RunSpec(max_failures=1))

    job = bench.run(job_id)

    assert bench.ends(job_id) == [ExitClass.CRASHED] * 2
    assert job.failure.reason == "WORKER_CRASHED"
    assert "RuntimeError: the sky fell" in job.failure.message


def test_a_failed_job_that_is_resumed_has_its_whole_budget_again(bench):
    bench.worker_does(steps=4, ends=["crash", "crash", "crash", "finished"], snapshot_every=2)
    job_id = bench.create(run=RunSpec(max_failures=1))
    bench.run(job_id)

    bench.resume(job_id)
    job = bench.run(job_id)

    assert bench.ends(job_id) == [ExitClass.CRASHED] * 3 + [ExitClass.FINISHED]
    assert job.state is DONE


def test_a_resume_may_name_an_older_snapshot(bench):
    bench.worker_does(steps=6, ends=["crash", "finished"], snapshot_every=2)
    job_id = bench.create(run=RunSpec(max_failures=0))
    bench.run(job_id)

    bench.resume(job_id, "1-4")
    bench.run(job_id)

    assert bench.steps(job_id) == [1, 2, 3, 4, 5, 6, 5, 6]


def test_a_retry_waits(bench):
    bench.worker_does(ends=["crash", "finished"])
    job_id = bench.create()

    bench.run(job_id, timing=replace(QUICK, first_backoff_s=0.8))

    ended = next(e for e in bench.events(job_id) if isinstance(e.event, AttemptEnded))
    again = [e for e in bench.events(job_id) if getattr(e.event, "to_state", None) is P][1]
    assert again.time - ended.time >= 0.8


def test_a_worker_that_somebody_else_stops_has_saved_and_goes_on_at_once(bench):
    bench.worker_does(steps=10_000, pause_s=0.02)
    job_id = bench.create(run=RunSpec(max_failures=0))

    async def scenario():
        async with bench.supervising():
            await bench.until_running(job_id)
            os.kill(bench.processes()[0].pid, signal.SIGTERM)
            await bench.until(lambda: len(bench.states(job_id)) == 6)
            bench.worker_does(steps=1)
            bench.cancel(job_id)
            await bench.until_final(job_id)

    asyncio.run(scenario())

    assert bench.ends(job_id)[0] is ExitClass.PREEMPTED
    order = read_order(bench.rooms.attempt_folder(job_id, 2))
    assert order.resume_from[0].step == order.last_told_step


def test_a_host_that_stops_has_its_workers_save_and_the_job_wait(bench):
    bench.worker_does(steps=10_000, pause_s=0.02)
    job_id = bench.create()

    async def scenario():
        async with bench.supervising() as supervisor:
            await bench.until_running(job_id)
            await supervisor.drain()

    asyncio.run(scenario())

    assert bench.states(job_id) == [Q, P, R, Q]
    assert bench.ends(job_id) == [ExitClass.PREEMPTED]
    assert bench.processes() == []


def test_a_host_that_stops_gives_back_what_it_prepares(bench):
    bench.catalog.is_slow = True
    job_id = bench.create()

    async def scenario():
        async with bench.supervising() as supervisor:
            await bench.until(lambda: bench.catalog.prepared)
            await supervisor.drain()

    asyncio.run(scenario())

    assert bench.states(job_id) == [Q, P, Q]


def test_a_worker_that_does_not_leave_in_time_is_killed(bench):
    bench.rooms = replace(bench.rooms, grace_s=1.0)
    bench.worker_does(end="hang", is_deaf=True, ignore_sigterm=True)
    job_id = bench.create()

    async def scenario():
        async with bench.supervising() as supervisor:
            await bench.until_running(job_id)
            await supervisor.drain()

    asyncio.run(scenario())

    assert bench.states(job_id)[-1] is Q
    assert bench.ends(job_id) == [ExitClass.PREEMPTED]
    assert bench.processes() == []


def test_a_hang_ends_with_the_stacks_and_is_tried_again(bench):
    bench.worker_does(ends=["stuck", "finished"])
    job_id = bench.create(run=RunSpec(max_failures=100))  # a busy machine hangs, too

    bench.run(job_id, timing=replace(QUICK, hang_s=1.0))

    assert bench.ends(job_id)[0] is ExitClass.HUNG
    assert bench.ends(job_id)[-1] is ExitClass.FINISHED
    ended = next(e.event for e in bench.events(job_id) if isinstance(e.event, AttemptEnded))
    assert "stuck_here" in ended.detail
    assert "fake_worker.py:" in ended.detail
    assert "stuck_here" in (bench.rooms.attempt_folder(job_id, 1) / "log.txt").read_text()
    assert bench.processes() == []


@pytest.mark.full
@pytest.mark.parametrize(("end", "is_left_alone"), [("moving", True), ("stuck", False)])
def test_a_worker_that_moves_without_a_word_is_left_alone(bench, end, is_left_alone):
    """And one that does not would have been found out in that time."""
    bench.worker_does(end=end, pause_s=0.0)
    job_id = bench.create()
    timing = replace(QUICK, hang_s=8.0, hang_median_steps=0.0, stacks_s=0.0)

    async def scenario():
        async with bench.supervising(timing=timing):
            await bench.until(lambda: bench.store.find_job(job_id).metrics.get(ACCURACY))
            await bench.until(lambda: bench.ends(job_id) or is_left_alone)
            await asyncio.sleep(12.0 if is_left_alone else 0.0)

    asyncio.run(scenario())

    assert (bench.ends(job_id) == []) is is_left_alone


def test_a_time_limit_has_the_worker_save_and_fails_the_job(bench):
    bench.worker_does(steps=10_000, pause_s=0.02)
    job_id = bench.create(run=RunSpec(time_limit_s=1.0))

    job = bench.run(job_id, timing=replace(QUICK, grace_s=20.0))

    assert (job.state, job.failure.reason) == (FAILED, "DEADLINE_EXCEEDED")
    assert "1 s" in job.failure.message
    assert bench.ends(job_id) == [ExitClass.DEADLINE]
    assert (job.snapshot.step if job.snapshot else 0) == job.progress.step


def test_a_full_disk_pauses_the_job_and_keeps_everything(bench):
    bench.worker_does(steps=4, ends=["no_room", "finished"], snapshot_every=2)
    job_id = bench.create()

    async def scenario():
        async with bench.supervising():
            await bench.until(lambda: bench.store.look(job_id).state is PAUSED)
            reason = bench.store.find_job(job_id).state_reason
            bench.resume(job_id)
            await bench.until_final(job_id)
            return reason

    assert asyncio.run(scenario()) == "no room"

    assert bench.ends(job_id) == [ExitClass.DISK_FULL, ExitClass.FINISHED]
    assert bench.steps(job_id) == [1, 2, 3, 4]


def test_an_attempt_whose_order_cannot_be_written_pauses_the_job(bench, monkeypatch):
    def no_room(*_):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr("trainer_service.supervisor.ordering.write_order", no_room)
    job_id = bench.create()

    async def scenario():
        async with bench.supervising():
            await bench.until(lambda: bench.store.look(job_id).state is PAUSED)

    asyncio.run(scenario())

    assert bench.ends(job_id) == [ExitClass.DISK_FULL]
    assert "make room there" in bench.store.find_job(job_id).state_reason


@pytest.mark.parametrize(
    "step",
    [
        "append_lines",
        "finish",
        *(pytest.param(step, marks=pytest.mark.full) for step in ("claim", "begin", "pin_model")),
    ],
)
def test_a_store_that_is_away_for_a_while_costs_no_job(bench, monkeypatch, step):
    """PostgreSQL restarts take longer than any budget of troubles."""
    away_until = []
    method = getattr(bench.store, step)

    def when_it_is_back(*arguments, **named):
        if not away_until:
            away_until.append(time.monotonic() + 0.8)
        if time.monotonic() < away_until[0]:
            raise StoreUnavailable("the job store does not answer")
        return method(*arguments, **named)

    monkeypatch.setattr(bench.store, step, when_it_is_back)
    job_id = bench.create()

    job = bench.run(job_id)

    assert job.state is DONE
    assert bench.steps(job_id) == [1, 2, 3]
    assert bench.ends(job_id) == [ExitClass.FINISHED]

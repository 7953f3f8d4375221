"""A cancelled job is CANCELLED only when no process of it is left, in every state it can be in."""

import asyncio
import time
from dataclasses import replace

import pytest

from tests.fakes.supervisor_program import QUICK
from trainer_service.engines.process import WorkerProcess
from trainer_service.errors import CatalogUnavailable
from trainer_service.jobs import JobState

Q, P, R, C = JobState.QUEUED, JobState.PREPARING, JobState.RUNNING, JobState.CANCELLING
X = JobState.CANCELLED


def cancel_when(bench, job_id, is_time, *, timing=QUICK):
    """Return how long the job took from being cancelled to its end."""

    async def scenario():
        async with bench.supervising(timing=timing):
            await bench.until(is_time)
            bench.cancel(job_id)
            began = time.monotonic()
            await bench.until_final(job_id)
            return time.monotonic() - began

    return asyncio.run(scenario())


def test_a_waiting_job_is_cancelled_without_waiting_for_a_slot(bench):
    bench.worker_does(end="hang")
    running, waiting = bench.create(), bench.create()

    cancel_when(bench, waiting, lambda: bench.store.find_job(running).progress.step > 0)

    assert bench.states(waiting) == [Q, C, X]
    assert bench.store.look(running).state is R


def test_a_preparing_job_is_cancelled_while_the_catalog_is_silent(bench):
    bench.catalog.is_slow = True
    job_id = bench.create()

    cancel_when(bench, job_id, lambda: bench.catalog.prepared)

    assert bench.states(job_id) == [Q, P, C, X]


def test_a_running_job_stops_at_its_next_step_and_keeps_its_events(bench):
    bench.worker_does(steps=10_000, pause_s=0.02)
    job_id = bench.create()

    cancel_when(bench, job_id, lambda: bench.store.find_job(job_id).progress.step > 2)

    steps = bench.steps(job_id)
    assert bench.states(job_id) == [Q, P, R, C, X]
    assert steps == list(range(1, len(steps) + 1))
    assert bench.store.find_job(job_id).state_reason == "enough"
    assert bench.processes() == []


def test_a_worker_that_ignores_sigterm_is_killed_with_its_children_after_the_grace(bench):
    bench.worker_does(end="hang", ignore_sigterm=True, is_deaf=True, child=True)
    job_id = bench.create()
    grace_s = 1.0

    seconds = cancel_when(
        bench,
        job_id,
        lambda: bench.store.find_job(job_id).progress.step > 2,
        timing=replace(QUICK, grace_s=grace_s),
    )

    assert bench.states(job_id) == [Q, P, R, C, X]
    assert bench.processes() == []
    assert seconds >= grace_s, "it was killed before its grace was over"
    assert seconds < grace_s + 60.0


def test_children_of_a_worker_that_stops_are_gone_too(bench):
    bench.worker_does(end="hang", child=True)
    job_id = bench.create()

    cancel_when(bench, job_id, lambda: len(bench.processes()) == 2)

    assert bench.processes() == []


def test_a_job_that_waits_for_the_registry_can_be_cancelled(bench):
    bench.catalog.registration_failures = [CatalogUnavailable("gone")] * 1000
    job_id = bench.create(register_as="letters")

    cancel_when(
        bench,
        job_id,
        lambda: bench.catalog.num_registrations > 1,
        timing=replace(QUICK, patience_s=60.0),
    )

    assert bench.states(job_id) == [Q, P, R, C, X]
    assert bench.store.exports(job_id) == []


@pytest.mark.parametrize("is_started", [True, False])
def test_a_job_that_was_cancelled_while_no_supervisor_ran_is_cancelled_by_the_next(
    bench, is_started
):
    bench.worker_does(end="hang")
    job_id = bench.create()

    async def run_and_leave():
        async with bench.supervising():
            await bench.until_running(job_id)

    if is_started:
        asyncio.run(run_and_leave())
    bench.cancel(job_id)

    assert bench.run(job_id).state is X
    assert bench.processes() == []


def test_a_worker_that_cannot_be_killed_fails_its_job_instead_of_keeping_it_for_ever(
    bench, monkeypatch
):
    """It waits for a disk or a device that does not answer, and may hold its memory."""
    bench.worker_does(end="hang", ignore_sigterm=True, is_deaf=True)
    job_id = bench.create()
    monkeypatch.setattr(WorkerProcess, "kill", lambda _self: None)

    cancel_when(
        bench,
        job_id,
        lambda: bench.store.find_job(job_id).progress.step > 2,
        timing=replace(QUICK, grace_s=0.1, kill_s=0.3),
    )

    failure = bench.store.find_job(job_id).failure
    assert failure.reason == "WORKER_STUCK"
    assert str(bench.processes()[0].pid) in failure.message

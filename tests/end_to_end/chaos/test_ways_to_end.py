"""A real worker under a real supervisor: killed, paused, preempted, cancelled, hung, out of its
mind. Each end has its class, keeps what was saved and leaves no process.
"""

import asyncio
import os
import signal
import time
import uuid
from collections.abc import Awaitable, Callable
from dataclasses import replace
from pathlib import Path

import pytest

from tests.end_to_end.chaos.conftest import EVERY_STEP, processes_of
from tests.fakes.chaos_site import BRISK, ChaosSite
from tests.fakes.kill_points import Fault
from tests.fakes.mortal_job import MortalJob
from tests.fakes.mortal_worker import write_fault
from tests.fakes.nursery import Nursery
from trainer_service.jobs import (
    ExitClass,
    JobState,
    OptimizerSpec,
    RolledBack,
    SnapshotFailed,
    SnapshotTaken,
    WorkOrder,
    read_identity,
)
from trainer_service.snapshots.verifying import require_whole
from trainer_service.supervisor import Timing

FOR_HOURS = 100_000
"""Epochs."""
A_WHILE = 5
"""Epochs: long enough to be interrupted, short enough to be waited for."""


def supervised(
    site: ChaosSite, story: Callable[[], Awaitable[None]], timing: Timing = BRISK
) -> None:
    """Let a story happen under a supervisor; afterwards no process of the site is left."""

    async def run() -> None:
        async with site.supervising(timing):
            await story()
            await site.until_so(lambda: not processes_of(site))

    asyncio.run(run())


async def until_step(site: ChaosSite, job_id: str, step: int) -> None:
    """Wait until a step is stored."""
    await site.until_so(lambda: site.step(job_id) >= step)


def wait_at_step(site: ChaosSite, job_id: str, step: int, attempt: int = 1) -> None:
    """Let the worker of an attempt stop after its n-th step until somebody asks it to go."""
    wait = Fault(kind="wait", step="tell.step_metrics", number=step, when="after")
    write_fault(site.folder(job_id, attempt), wait)


def signal_worker(site: ChaosSite, job_id: str, number: signal.Signals) -> None:
    """Send a signal to the worker of the newest attempt, as somebody else on its host would."""
    identity = read_identity(site.folder(job_id, site.store.find_job(job_id).attempt))
    assert identity is not None
    os.kill(identity.pid, number)


def ends(site: ChaosSite, job_id: str) -> list[ExitClass | None]:
    """Return how the attempts of a job ended; None for one that runs."""
    return [each.end.exit_class if each.end else None for each in site.store.attempts(job_id)]


def of_kind(site: ChaosSite, job_id: str, kind: type) -> list:  # type: ignore[type-arg]
    """Return the stored events of one kind."""
    return [each.event for each in site.events(job_id) if isinstance(each.event, kind)]


def pause(site: ChaosSite, job_id: str, within_s: float = 60.0) -> None:
    """Ask a job to pause."""
    site.store.request_pause(
        job_id,
        request_id=str(uuid.uuid4()),
        request_hash="h",
        reason="lunch",
        within_s=within_s,
    )


def resume(site: ChaosSite, job_id: str) -> None:
    """Put a paused job back into the queue."""
    site.store.request_resume(job_id, request_id="resume", request_hash="h", reason="go on")


def cancel(site: ChaosSite, job_id: str) -> None:
    """Ask a job to stop."""
    site.store.request_cancel(job_id, request_id="cancel", request_hash="h", reason="enough")


@pytest.fixture(scope="module")
def expected_digest(
    tmp_path_factory: pytest.TempPathFactory, workers: Nursery, order: WorkOrder
) -> str:
    """Return what a job of a while gives that nobody interrupts."""
    longer = replace(order, spec=replace(order.spec, num_epochs=A_WHILE))
    job = MortalJob(tmp_path_factory.mktemp("unharmed"), longer, workers)
    finished = job.attempt().events[-1]
    digest: str = finished.exports[0].state_digest  # type: ignore[union-attr]
    return digest


def assert_same_end(site: ChaosSite, job_id: str, expected_digest: str) -> None:
    """The job ended as if nobody had touched it."""
    (export,) = site.store.exports(job_id)
    assert export.state_digest == expected_digest
    events = site.events(job_id)
    assert [each.seq for each in events] == list(range(1, len(events) + 1))


def test_a_job_whose_worker_is_killed_twice_ends_as_if_nobody_had(
    site: ChaosSite, expected_digest: str
) -> None:
    job_id = site.create(num_epochs=A_WHILE)
    wait_at_step(site, job_id, 2)
    wait_at_step(site, job_id, 4, attempt=2)

    async def story() -> None:
        for step in (2, 5):
            await until_step(site, job_id, step)
            signal_worker(site, job_id, signal.SIGKILL)
            number = site.store.find_job(job_id).attempt
            await site.until_so(lambda number=number: len(ends(site, job_id)) > number)
        await site.until_state(job_id, JobState.SUCCEEDED)

    supervised(site, story)

    assert ends(site, job_id) == [ExitClass.CRASHED, ExitClass.CRASHED, ExitClass.FINISHED]
    assert all(each.num_lost_steps <= 1 for each in of_kind(site, job_id, RolledBack))
    assert_same_end(site, job_id, expected_digest)


def test_a_paused_job_is_saved_whole_frees_its_device_and_goes_on(
    site: ChaosSite, expected_digest: str
) -> None:
    job_id = site.create(num_epochs=A_WHILE, run=replace(EVERY_STEP, snapshot_interval_s=3600.0))
    wait_at_step(site, job_id, 3)

    async def story() -> None:
        await until_step(site, job_id, 3)
        pause(site, job_id)
        await site.until_state(job_id, JobState.PAUSED)
        (saved,) = site.store.snapshots(job_id)
        require_whole(Path(saved.path), saved.digest)
        assert saved.step >= 3
        other = site.create()
        await site.until_state(other, JobState.SUCCEEDED)  # there is one device
        resume(site, job_id)
        await site.until_state(job_id, JobState.SUCCEEDED)

    supervised(site, story)

    assert ends(site, job_id) == [ExitClass.PAUSED, ExitClass.FINISHED]
    (begin,) = of_kind(site, job_id, RolledBack)
    assert begin.num_lost_steps == 0
    assert_same_end(site, job_id, expected_digest)


def test_a_pause_on_a_full_disk_fails_with_the_reason_and_the_job_runs_on(
    site: ChaosSite,
) -> None:
    job_id = site.create(num_epochs=FOR_HOURS, run=replace(EVERY_STEP, snapshot_interval_s=3600.0))
    write_fault(site.folder(job_id), Fault(kind="full", step="save.fsync", number=0))

    async def story() -> None:
        await until_step(site, job_id, 2)
        pause(site, job_id)
        await site.until_so(lambda: of_kind(site, job_id, SnapshotFailed))
        job = await site.until_state(job_id, JobState.RUNNING)
        assert "No space left on device" in job.state_reason
        await until_step(site, job_id, site.step(job_id) + 2)
        cancel(site, job_id)
        await site.until_state(job_id, JobState.CANCELLED)

    supervised(site, story)

    (failed,) = of_kind(site, job_id, SnapshotFailed)
    assert failed.reason == "DISK_FULL"
    assert not of_kind(site, job_id, SnapshotTaken)


def test_a_hung_worker_is_cancelled_all_the_same(site: ChaosSite) -> None:
    job_id = site.create(num_epochs=FOR_HOURS)
    hang = Fault(kind="hang", step="tell.step_metrics", number=2, when="after")
    write_fault(site.folder(job_id), hang)

    async def story() -> None:
        await until_step(site, job_id, 2)
        cancel(site, job_id)
        await site.until_state(job_id, JobState.CANCELLED)

    supervised(site, story, replace(BRISK, grace_s=1.0))

    assert ends(site, job_id) == [ExitClass.CANCELLED]


@pytest.mark.full
def test_a_worker_that_is_stopped_is_cancelled_within_a_minute(site: ChaosSite) -> None:
    """A stopped process hears nothing but the last signal."""
    job_id = site.create(num_epochs=FOR_HOURS)
    took_s = []

    async def story() -> None:
        await until_step(site, job_id, 2)
        signal_worker(site, job_id, signal.SIGSTOP)
        began = time.monotonic()
        cancel(site, job_id)
        await site.until_state(job_id, JobState.CANCELLED)
        took_s.append(time.monotonic() - began)

    supervised(site, story)

    assert took_s[0] < 60


def test_who_is_told_to_go_saves_if_a_save_fits_and_costs_no_failure(
    site: ChaosSite, expected_digest: str
) -> None:
    run = replace(EVERY_STEP, snapshot_interval_s=3600.0, max_failures=0)
    job_id = site.create(num_epochs=A_WHILE, run=run)
    wait_at_step(site, job_id, 3)

    async def story() -> None:
        await until_step(site, job_id, 3)
        signal_worker(site, job_id, signal.SIGTERM)
        await site.until_state(job_id, JobState.SUCCEEDED)

    supervised(site, story)

    assert ends(site, job_id) == [ExitClass.PREEMPTED, ExitClass.FINISHED]
    (begin,) = of_kind(site, job_id, RolledBack)
    assert begin.to_step >= 3
    assert begin.num_lost_steps == 0
    assert_same_end(site, job_id, expected_digest)


def test_who_is_told_to_go_does_not_begin_a_save_that_takes_too_long(site: ChaosSite) -> None:
    """The last one took a second, which is more than 60 % of the grace. It was one for a pause that
    did not end in time.
    """
    site.rooms = replace(site.rooms, grace_s=1.2)
    run = replace(EVERY_STEP, snapshot_interval_s=3600.0, max_failures=0)
    job_id = site.create(num_epochs=FOR_HOURS, run=run)
    slow = Fault(kind="slow", step="save.rename", number=0, seconds=1.0)
    write_fault(site.folder(job_id), slow)

    async def story() -> None:
        await until_step(site, job_id, 2)
        while not of_kind(site, job_id, SnapshotTaken):
            pause(site, job_id, within_s=0.9)
            await site.until_state(job_id, JobState.RUNNING)
            await until_step(site, job_id, site.step(job_id) + 1)
        (saved,) = (each.snapshot for each in of_kind(site, job_id, SnapshotTaken))
        assert saved.save_s >= 1.0
        await until_step(site, job_id, saved.step + 1)
        signal_worker(site, job_id, signal.SIGTERM)
        await site.until_so(lambda: len(ends(site, job_id)) == 2)
        await until_step(site, job_id, site.step(job_id) + 2)
        cancel(site, job_id)
        await site.until_state(job_id, JobState.CANCELLED)

    supervised(site, story)

    first = site.store.attempts(job_id)[0].end
    assert first is not None
    assert first.exit_class is ExitClass.PREEMPTED
    assert "too long for the time that was left" in first.detail
    (begin,) = of_kind(site, job_id, RolledBack)
    assert begin.num_lost_steps >= 1


def test_a_loss_that_is_no_number_is_refused_with_the_setting(site: ChaosSite) -> None:
    job_id = site.create(optimizer=OptimizerSpec(algorithm="sgd", lr=1e30))

    async def story() -> None:
        await site.until_state(job_id, JobState.FAILED)

    supervised(site, story)

    job = site.store.find_job(job_id)
    assert ends(site, job_id) == [ExitClass.REFUSED]
    assert job.failure is not None
    assert job.failure.reason == "LOSS_NOT_FINITE"
    assert "lower the learning rate (now 1e+30)" in job.failure.message


def test_a_hung_worker_is_told_with_its_stacks_and_tried_again(
    site: ChaosSite, expected_digest: str
) -> None:
    job_id = site.create(num_epochs=A_WHILE, run=replace(EVERY_STEP, max_failures=10))
    hang = Fault(kind="hang", step="tell.step_metrics", number=5, when="after")
    write_fault(site.folder(job_id), hang)
    impatient = replace(BRISK, hang_s=3.0, hang_median_steps=0.0, hang_longest_silences=0.0)

    async def story() -> None:
        await site.until_state(job_id, JobState.SUCCEEDED)

    supervised(site, story, impatient)

    first = site.store.attempts(job_id)[0].end
    assert first is not None
    assert first.exit_class is ExitClass.HUNG
    assert "kill_points.py" in first.detail and "hang" in first.detail
    assert_same_end(site, job_id, expected_digest)

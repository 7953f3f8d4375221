"""A job goes its way from QUEUED to its end, and what goes wrong ends it with words that help."""

import asyncio
from dataclasses import replace

import pytest

from catalog_service.blobs.disk import DiskFull
from catalog_service.errors import Precondition
from tests.fakes.job_values import train_plan
from tests.fakes.supervisor_program import QUICK
from trainer_service.errors import CatalogUnavailable, HomeInUse
from trainer_service.jobs import (
    ExitClass,
    Exported,
    JobState,
    ModelReady,
    RunSpec,
    StateChanged,
)
from trainer_service.supervisor.job_run import JobRun

Q, P, R = JobState.QUEUED, JobState.PREPARING, JobState.RUNNING
C = JobState.CANCELLING
ONCE = RunSpec(max_failures=0)


def test_a_job_runs_through_its_states_and_leaves_its_export(bench):
    job_id = bench.create()

    job = bench.run(job_id)

    assert bench.states(job_id) == [Q, P, R, JobState.SUCCEEDED]
    assert bench.steps(job_id) == [1, 2, 3]
    assert job.plan == train_plan()
    assert job.metrics["validation/accuracy"] == 0.75
    (export,) = bench.store.exports(job_id)
    assert [file.kind for file in export.files] == [
        "backbone_safetensors",
        "backbone_ckpt",
        "model_safetensors",
        "metadata",
    ]
    for file in export.files:
        assert bench.rooms.blobs.path(file.digest).read_text() == f"the bytes of {file.kind}"
        assert file.size_bytes > 0
    assert bench.processes() == []


def test_events_are_dense_and_in_the_order_in_which_things_happened(bench):
    job_id = bench.create()

    bench.run(job_id)

    events = bench.events(job_id)
    kinds = [type(event.event) for event in events]
    assert [event.seq for event in events] == list(range(1, len(events) + 1))
    assert kinds.index(ModelReady) < kinds.index(Exported)
    assert isinstance(events[-1].event, StateChanged)


def test_a_worker_gets_its_share_of_threads_and_may_write_bytecode(bench, monkeypatch):
    monkeypatch.setenv("PYTHONDONTWRITEBYTECODE", "1")
    job_id = bench.create()

    bench.run(job_id)

    log = bench.rooms.attempt_folder(job_id, 1) / "log.txt"
    assert log.read_text() == "threads 1 bytecode 0\n"


@pytest.mark.parametrize(
    ("end", "words"),
    [
        ("crash", ["exit code 3", "RuntimeError: the sky fell"]),
        ("torn", ["signal 9 (SIGKILL)", "memory"]),
        ("silent", ["exit code 0"]),
    ],
)
def test_a_worker_that_dies_fails_the_job_with_how_it_died(bench, end, words):
    bench.worker_does(end=end)
    job_id = bench.create(run=ONCE)

    job = bench.run(job_id)

    assert job.state is JobState.FAILED
    assert job.failure.reason == "WORKER_CRASHED"
    assert bench.ends(job_id) == [ExitClass.CRASHED]
    assert [word for word in words if word not in job.failure.message] == []
    assert "Traceback" not in job.failure.message
    assert bench.steps(job_id) == [1, 2, 3]


def test_a_workers_own_failure_is_the_jobs_failure(bench):
    bench.worker_does(end="failed")

    job = bench.run(bench.create())

    assert job.failure.reason == "DATA_INVALID"
    assert job.failure.message == job.state_reason == "cat/1.png is no image"


def test_a_damaged_spool_fails_the_job_and_stops_the_worker(bench):
    bench.worker_does(end="damaged")

    job = bench.run(bench.create(run=ONCE))

    assert job.failure.reason == "SPOOL_DAMAGED"
    assert bench.processes() == []


def test_a_worker_that_stays_after_its_last_word_is_killed(bench):
    bench.worker_does(end="finish_and_stay")

    job = bench.run(bench.create())

    assert job.state is JobState.SUCCEEDED
    assert bench.processes() == []


def test_children_that_outlive_the_worker_are_killed_without_a_grace(bench):
    bench.worker_does(child=True)

    job = bench.run(bench.create(), timing=replace(QUICK, grace_s=600.0))

    assert job.state is JobState.SUCCEEDED
    assert bench.processes() == []


def test_no_bytes_fail_the_job_with_the_catalogs_whole_message(bench):
    message = "no bytes for torchvision/X: store: absent; torch-hub cache: absent. Put x.pth there."
    bench.catalog.failures = [Precondition(message, reason="WEIGHTS_UNAVAILABLE")]
    job_id = bench.create()

    job = bench.run(job_id)

    assert bench.states(job_id) == [Q, P, JobState.FAILED]
    assert job.failure.reason == "WEIGHTS_UNAVAILABLE"
    assert job.failure.message == message


def test_an_absent_catalog_is_asked_again(bench):
    bench.catalog.failures = [CatalogUnavailable("gone"), CatalogUnavailable("gone")]

    job = bench.run(bench.create())

    assert job.state is JobState.SUCCEEDED
    assert len(bench.catalog.prepared) == 3


def test_an_absent_catalog_is_not_asked_for_ever(bench):
    bench.catalog.failures = [CatalogUnavailable("gone")] * 1000

    job = bench.run(bench.create())

    assert job.failure.reason == "CATALOG_UNAVAILABLE"


def test_jobs_wait_for_a_slot_in_the_order_they_came(bench):
    bench.worker_does(steps=20)
    first, second = bench.create(), bench.create()

    async def scenario():
        async with bench.supervising(num_slots=1):
            await bench.until_running(first)
            waiting = bench.store.look(second).state
            await bench.until_final(second)
            return waiting

    waiting = asyncio.run(scenario())

    assert waiting is Q
    assert bench.store.find_job(first).end_time <= bench.store.find_job(second).start_time


def test_two_slots_run_two_jobs_at_once(bench):
    bench.worker_does(end="hang")
    jobs = [bench.create(), bench.create()]

    async def scenario():
        async with bench.supervising(num_slots=2):
            for job_id in jobs:
                await bench.until_running(job_id)

    asyncio.run(scenario())

    assert [bench.store.look(job_id).state for job_id in jobs] == [R, R]


def test_a_job_that_is_back_at_once_is_followed_as_any_other(bench, monkeypatch):
    """It may be resumed before its last attempt is put away, and another device be free for it."""
    bench.worker_does(end="hang")
    abandon = JobRun.abandon
    job_id = bench.create()

    async def abandon_late(run):
        if bench.store.find_job(job_id).attempt == 1:
            bench.resume(job_id)
            await asyncio.sleep(1.0)
        await abandon(run)

    async def scenario():
        async with bench.supervising(num_slots=2):
            await bench.until_running(job_id)
            bench.pause(job_id)
            await bench.until(lambda: bench.store.find_job(job_id).attempt == 2)
            await bench.until(lambda: bench.store.look(job_id).state is R)
            await asyncio.sleep(1.5)  # what nobody follows is killed within this time

    monkeypatch.setattr(JobRun, "abandon", abandon_late)
    asyncio.run(scenario())

    assert bench.ends(job_id) == [ExitClass.PAUSED]
    assert len(bench.processes()) == 1


def test_a_job_that_cannot_be_handled_is_given_up_with_words(bench, monkeypatch):
    """A defect of ours must not leave a job waiting for ever."""

    def start(_folder, _nonce):
        raise OSError("no more processes")

    monkeypatch.setattr(bench.rooms.engines["process"], "start", start)

    job = bench.run(bench.create())

    assert job.failure.reason == "INTERNAL"
    assert "no more processes" not in job.failure.message


def test_a_moment_of_trouble_costs_no_job(bench, monkeypatch):
    """A database without room for a few seconds must not end a worker that has trained for days."""
    append, troubles = bench.store.append_lines, [OSError("no room")] * 6

    def append_when_there_is_room(*arguments):
        if troubles:
            raise troubles.pop()
        append(*arguments)

    monkeypatch.setattr(bench.store, "append_lines", append_when_there_is_room)
    job_id = bench.create()

    job = bench.run(job_id, timing=replace(QUICK, tick_s=0.02, trouble_s=20.0))

    assert job.state is JobState.SUCCEEDED
    assert bench.steps(job_id) == [1, 2, 3]


@pytest.mark.parametrize(
    ("end", "reason", "words"),
    [
        ("other_bytes", "DIGEST_MISMATCH", "sha256:"),
        ("half_an_export", "EXPORT_MISSING", "exported no model_safetensors, metadata"),
    ],
)
def test_what_is_not_the_whole_export_is_no_success(bench, end, reason, words):
    bench.worker_does(end=end)
    job_id = bench.create()

    job = bench.run(job_id)

    assert (job.state, job.failure.reason) == (JobState.FAILED, reason)
    assert words in job.failure.message
    assert bench.store.exports(job_id) == []


def test_half_an_export_does_not_stay_on_the_disk(bench):
    bench.worker_does(end="dies_exporting")
    job_id = bench.create(run=ONCE)

    job = bench.run(job_id)

    assert job.failure.reason == "WORKER_CRASHED"
    assert not list(bench.rooms.attempt_folder(job_id, 1).glob("export*"))


def test_a_finished_export_waits_for_room_in_the_store(bench, monkeypatch):
    """Hours of training are not thrown away for a minute without room."""
    adopt, refusals = bench.rooms.blobs.adopt_file, [DiskFull("no room"), DiskFull("no room")]

    def adopt_when_there_is_room(path, **named):
        if refusals:
            raise refusals.pop()
        return adopt(path, **named)

    monkeypatch.setattr(bench.rooms.blobs, "adopt_file", adopt_when_there_is_room)

    assert bench.run(bench.create()).state is JobState.SUCCEEDED


def test_a_second_supervisor_of_the_same_home_is_refused(bench):
    async def scenario():
        async with bench.supervising():
            with pytest.raises(HomeInUse):
                async with bench.supervising():
                    pass

    asyncio.run(scenario())

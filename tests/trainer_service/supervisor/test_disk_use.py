"""What a job leaves on the disk: few snapshots, nothing half-done, nothing once it is deleted."""

import asyncio
import uuid
from dataclasses import replace

import pytest

from catalog_service.blobs.blob_pins import pins_of
from trainer_service.jobs import JobState, RunSpec
from trainer_service.supervisor import deletion


def folders(bench, job_id):
    return {path.name for path in bench.rooms.snapshots_folder(job_id).iterdir()}


def rows(bench, job_id):
    return {one.snapshot_id for one in bench.store.snapshots(job_id)}


def test_the_last_two_snapshots_and_the_best_stay(bench):
    bench.worker_does(steps=12, end="crash", snapshot_every=2, best_step=4, pause_s=0.05)
    job_id = bench.create(run=RunSpec(max_failures=0))

    bench.run(job_id)

    assert rows(bench, job_id) == {"1-4", "1-10", "1-12"}
    assert folders(bench, job_id) == rows(bench, job_id)


def test_a_pinned_snapshot_stays(bench):
    bench.worker_does(steps=40, end="crash", snapshot_every=2, pause_s=0.05)
    job_id = bench.create(run=RunSpec(max_failures=0))

    async def scenario():
        async with bench.supervising():
            await bench.until(lambda: bench.store.snapshots(job_id))
            pinned = bench.store.snapshots(job_id)[0].snapshot_id
            bench.store.set_pin(job_id, pinned, True)
            await bench.until_final(job_id)
            return pinned

    pinned = asyncio.run(scenario())

    assert rows(bench, job_id) == {pinned, "1-38", "1-40"}
    assert folders(bench, job_id) == rows(bench, job_id)


def test_a_job_that_has_succeeded_gives_the_disk_back_but_for_what_is_pinned(bench):
    """It is never resumed. What is unpinned afterwards goes, too."""
    bench.worker_does(steps=40, snapshot_every=2, best_step=4, pause_s=0.05)
    job_id = bench.create()

    async def scenario():
        async with bench.supervising():
            await bench.until(lambda: bench.store.snapshots(job_id))
            pinned = bench.store.snapshots(job_id)[0].snapshot_id
            bench.store.set_pin(job_id, pinned, True)
            await bench.until_final(job_id)
            await bench.until(lambda: folders(bench, job_id) == {pinned})
            kept = rows(bench, job_id)
            bench.store.set_pin(job_id, pinned, False)
            await bench.until(lambda: not folders(bench, job_id))
            return pinned, kept

    pinned, kept = asyncio.run(scenario())

    assert kept == {pinned}
    assert rows(bench, job_id) == set()
    assert bench.store.find_job(job_id).state is JobState.SUCCEEDED


def test_an_attempt_that_has_not_saved_yet_loses_nothing_that_it_may_read(bench):
    bench.worker_does(steps=8, end="crash", snapshot_every=2, best_step=2, pause_s=0.05)
    job_id = bench.create(run=RunSpec(max_failures=0))
    bench.run(job_id)
    bench.worker_does(steps=7, end="hang")
    bench.resume(job_id, "1-2")

    async def scenario():
        async with bench.supervising():
            await bench.until(lambda: bench.store.find_job(job_id).progress.step == 7)

    asyncio.run(scenario())

    assert "1-2" in folders(bench, job_id)
    assert [ref.snapshot_id for ref in bench.store.resume_from(job_id)] == ["1-2"]


def test_what_dead_attempts_left_half_done_is_gone_before_the_next_begins(bench):
    bench.worker_does(steps=4, ends=["crash", "crash"], snapshot_every=2)
    job_id = bench.create(run=RunSpec(max_failures=1))
    left = bench.rooms.snapshots_folder(job_id)
    for name in (".staged-1-4", "1-3", ".staged-7-1", "7-1", "notes"):
        (left / name).mkdir(parents=True)

    bench.run(job_id)

    assert folders(bench, job_id) == {"1-2", "1-4", ".staged-7-1", "7-1", "notes"}


@pytest.mark.parametrize("has_artifacts", [True, pytest.param(False, marks=pytest.mark.full)])
def test_of_a_deleted_job_nothing_stays_but_what_others_pinned(bench, has_artifacts, tmp_path):
    if has_artifacts:
        bench.rooms = replace(bench.rooms, artifacts=tmp_path / "artifacts")
    bench.worker_does(steps=4, snapshot_every=2)
    job_id, other_id = bench.create(), bench.create()
    bench.run(job_id)
    bench.run(other_id)
    (export,) = bench.store.exports(job_id)

    async def scenario():
        async with bench.supervising():
            request_id = str(uuid.uuid4())
            bench.store.delete_job(job_id, request_id=request_id, request_hash="h")
            await bench.until(lambda: not bench.store.deleted(bench.rooms.host_id))

    asyncio.run(scenario())

    assert not (bench.home / "jobs" / job_id).exists()
    assert not bench.rooms.snapshots_folder(job_id).parent.exists()
    pinned = pins_of(bench.rooms.blobs.root).all()
    assert {pinned[file.digest] for file in export.files} == {(f"trainJobs/{other_id}",)}
    assert bench.rooms.attempt_folder(other_id, 1).exists()
    assert bench.store.find_job(other_id).state is JobState.SUCCEEDED


def test_what_cannot_be_deleted_keeps_no_other_job_from_it(bench, monkeypatch, caplog):
    stuck, other = sorted([bench.create(), bench.create()])
    bench.run(stuck)
    bench.run(other)
    for job_id in (stuck, other):
        bench.store.delete_job(job_id, request_id=str(uuid.uuid4()), request_hash="h")
    rmtree = deletion.shutil.rmtree

    def refuse(path, **how):
        if stuck in str(path):
            raise PermissionError(13, "Permission denied", str(path))
        rmtree(path, **how)

    monkeypatch.setattr(deletion.shutil, "rmtree", refuse)

    asyncio.run(deletion.remove_deleted(bench.rooms))

    assert bench.store.deleted(bench.rooms.host_id) == [stuck]
    assert f"files of deleted job {stuck} are still here" in caplog.text

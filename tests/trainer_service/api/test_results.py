"""Snapshots, curves and capacity through the API."""

from dataclasses import replace

import grpc
import pytest

from trainer_service.api.capacity_wire import capacity_message
from trainer_service.job_store import CapacityNumbers
from trainer_service.jobs import HostDevice, HostRecord
from vertebra.trainer.v1 import train_job_service_pb2 as pb
from vertebra.trainer.v1 import train_run_pb2

CODE = grpc.StatusCode
HOST = HostRecord(
    host_id="host-1",
    name="trainer-a",
    devices=(
        HostDevice(kind="cuda", index=0, description="NVIDIA H200", memory_bytes=150_000_000_000),
        HostDevice(kind="cuda", index=1, description="NVIDIA H200"),
    ),
    engines=("process", "ray"),
)


def snapshots(trainer, name, **page):
    return trainer.stub.ListSnapshots(pb.ListSnapshotsRequest(name=name, **page), timeout=60)


def pin(trainer, name, *, pinned=True):
    request = pb.PinSnapshotRequest(name=name, pinned=pinned)
    return trainer.stub.PinSnapshot(request, timeout=60).snapshot


def curves(trainer, name, **query):
    return trainer.stub.QueryMetrics(pb.QueryMetricsRequest(name=name, **query), timeout=60)


def capacity(trainer):
    return trainer.stub.GetCapacity(pb.GetCapacityRequest(), timeout=60).capacity


def test_snapshots_are_listed_newest_first_and_in_pages(trainer):
    job_id = trainer.running()
    for index, step in enumerate((2, 4, 6)):
        trainer.snapshot(job_id, step, index=index)

    first = snapshots(trainer, job_id, page_size=2)
    second = snapshots(trainer, job_id, page_size=2, page_token=first.next_page_token)

    names = [snapshot.name for snapshot in (*first.snapshots, *second.snapshots)]
    assert names == [f"trainJobs/{job_id}/snapshots/1-{step}" for step in (6, 4, 2)]
    assert not second.next_page_token


def test_a_pinned_snapshot_says_so_until_it_is_unpinned(trainer):
    job_id = trainer.running()
    trainer.snapshot(job_id, 2, index=0)
    name = f"trainJobs/{job_id}/snapshots/1-2"

    assert pin(trainer, name).is_pinned
    assert snapshots(trainer, job_id).snapshots[0].is_pinned
    assert not pin(trainer, name, pinned=False).is_pinned


@pytest.mark.parametrize("name", ["{job}/snapshots/1-3", "trainJobs/ffff/snapshots/1-2", "1-2", ""])
def test_a_snapshot_that_is_not_there_cannot_be_pinned(trainer, refused, name):
    job_id = trainer.running()
    trainer.snapshot(job_id, 2, index=0)

    failure = refused(lambda: pin(trainer, name.format(job=f"trainJobs/{job_id}")))

    assert (failure.code, failure.reason) == (CODE.NOT_FOUND, "SNAPSHOT_NOT_FOUND")


def test_curves_are_thinned_out_and_say_how_far_they_go(trainer):
    job_id = trainer.running()
    trainer.steps(job_id, 1, 100)

    whole = curves(trainer, job_id)
    thin = curves(trainer, job_id, max_points=10, series=["step/lo*"], min_step=11, max_step=60)

    (loss,) = [series for series in whole.series if series.name == "step/loss"]
    assert list(loss.steps) == list(range(1, 101))
    assert len(loss.steps) == len(loss.values) == len(loss.epochs) == loss.num_points
    (few,) = thin.series
    assert (few.name, len(few.steps), few.num_points) == ("step/loss", 10, 50)
    assert (few.steps[0], few.steps[-1]) == (11, 60)
    assert thin.last_seq == trainer.store.find_job(job_id).last_seq


@pytest.mark.parametrize(
    ("query", "field"),
    [
        ({"max_points": 10_001}, "max_points"),
        ({"max_points": -1}, "max_points"),
        ({"min_step": -1}, "min_step"),
        ({"max_step": -1}, "max_step"),
        ({"series": ["x" * 201]}, "series"),
        ({"series": ["x"] * 101}, "series"),
    ],
)
def test_a_query_that_no_answer_fits_is_refused(trainer, refused, query, field):
    job_id = trainer.running()

    failure = refused(lambda: curves(trainer, job_id, **query))

    assert failure.reason == "FIELD_INVALID"
    assert [one.field for one in failure.violations] == [field]


def test_a_site_without_hosts_and_jobs_has_no_capacity(trainer):
    assert capacity(trainer) == train_run_pb2.Capacity()


def test_capacity_says_who_has_which_device_and_what_waits(trainer):
    trainer.store.heartbeat(HOST)
    job_id = trainer.running()
    waiting = trainer.create().job

    found = capacity(trainer)

    (host,) = found.hosts
    assert (host.host_id, host.name) == ("host-1", "trainer-a")
    assert [device.job for device in host.devices] == [f"trainJobs/{job_id}", ""]
    assert host.devices[0].memory_bytes == 150_000_000_000
    assert list(host.engines) == [train_run_pb2.ENGINE_PROCESS, train_run_pb2.ENGINE_RAY]
    assert (found.num_devices, found.num_free_devices) == (2, 1)
    assert (found.num_running_jobs, found.num_queued_jobs) == (1, 1)
    assert found.oldest_queued_time.seconds == pytest.approx(waiting.create_time.seconds, abs=1)


def test_devices_of_a_host_that_leaves_are_not_free(trainer):
    trainer.store.heartbeat(replace(HOST, is_draining=True))

    found = capacity(trainer)

    assert found.hosts[0].is_draining
    assert (found.num_devices, found.num_free_devices) == (2, 0)


def test_a_host_that_is_silent_is_shown_and_not_counted():
    numbers = CapacityNumbers(num_queued=0, num_running=0, oldest_queued_time=0.0)
    host = replace(HOST, seen_time=1000.0)

    fresh, silent = (capacity_message([host], [], numbers, now) for now in (1030.0, 1070.0))

    assert (fresh.num_devices, fresh.num_free_devices) == (2, 2)
    assert (silent.num_devices, silent.num_free_devices) == (0, 0)
    assert len(silent.hosts) == 1


def test_a_job_for_more_devices_than_any_host_has_is_refused(trainer, refused):
    trainer.store.heartbeat(HOST)
    spec = trainer.spec()
    spec.run.num_devices = 3

    failure = refused(lambda: trainer.create(spec))

    assert [one.field for one in failure.violations] == ["spec.run.num_devices"]
    assert "the largest host has 2" in failure.message


def test_a_job_for_an_engine_that_is_not_there_is_refused(trainer, refused):
    spec = trainer.spec()
    spec.run.engine = train_run_pb2.ENGINE_RAY

    failure = refused(lambda: trainer.create(spec))

    assert [one.field for one in failure.violations] == ["spec.run.engine"]
    assert "VERTEBRA_TRAINER_RAY" in failure.message

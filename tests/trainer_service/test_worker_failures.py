"""What a worker says of an error that ends its work."""

from dataclasses import replace
from pathlib import Path

import pytest

from catalog_service.blobs.disk import DiskFull
from tests.fakes.job_values import job_model, job_spec
from trainer_service.errors import DataInvalid, LossNotFinite, OutOfMemory, SnapshotsUnreadable
from trainer_service.jobs import ExitClass, WorkOrder
from trainer_service.worker_failures import failure_of

ON_GPU = RuntimeError("CUDA out of memory. Tried to allocate 2 GiB")
ON_HOST = RuntimeError("DefaultCPUAllocator: can't allocate memory: you tried to allocate 9 bytes")


def work_order() -> WorkOrder:
    """Return an order for the CPU."""
    return WorkOrder(
        job_id="job1",
        attempt=1,
        nonce="nonce1",
        spec=job_spec(),
        model=job_model(),
        export_dir="/home/jobs/job1/attempt-1/export",
        num_threads=1,
    )


@pytest.mark.parametrize(
    ("device", "error", "expected"),
    [
        ("cpu", MemoryError(), ExitClass.HOST_OUT_OF_MEMORY),
        ("cpu", ON_HOST, ExitClass.HOST_OUT_OF_MEMORY),
        ("cpu", OutOfMemory("no batch fits"), ExitClass.HOST_OUT_OF_MEMORY),
        ("cuda", MemoryError(), ExitClass.HOST_OUT_OF_MEMORY),
        ("cuda", ON_HOST, ExitClass.HOST_OUT_OF_MEMORY),
        ("cuda", ON_GPU, ExitClass.DEVICE_OUT_OF_MEMORY),
        ("cuda", OutOfMemory("no batch fits"), ExitClass.DEVICE_OUT_OF_MEMORY),
    ],
)
def test_the_hosts_memory_and_a_gpus_are_told_apart(
    tmp_path: Path, device: str, error: Exception, expected: ExitClass
) -> None:
    order = replace(work_order(), device=device)

    failure = failure_of(error, order)

    assert failure.exit_class is expected
    assert failure.reason == expected.value.upper()


def test_memory_that_runs_out_is_said_with_a_remedy() -> None:
    order = replace(work_order(), device="cuda")

    failure = failure_of(ON_GPU, order)

    assert f"batches of {order.spec.batch_size} images" in failure.message
    assert "memory of the GPU: use smaller" in failure.message


def test_words_of_our_own_about_memory_are_kept() -> None:
    assert failure_of(OutOfMemory("no batch fits"), work_order()).message == "no batch fits"


@pytest.mark.parametrize(
    "error",
    [
        OSError(28, "No space left on device"),
        DiskFull("no room to store a blob"),
        RuntimeError("I/O error: No space left on device (os error 28)"),
    ],
)
def test_a_full_disk_is_no_failure_of_the_job(error: Exception) -> None:
    failure = failure_of(error, work_order())

    assert (failure.reason, failure.exit_class) == ("DISK_FULL", ExitClass.DISK_FULL)


@pytest.mark.parametrize("error", [DataInvalid("no images"), LossNotFinite("the loss is nan")])
def test_a_named_failure_is_not_tried_again(error: DataInvalid | LossNotFinite) -> None:
    failure = failure_of(error, work_order())

    assert failure.exit_class is ExitClass.REFUSED
    assert (failure.reason, failure.message) == (error.error_reason, error.message)


def test_a_failure_that_nobody_named_is_a_crash_and_its_words_stay_in_the_log() -> None:
    failure = failure_of(KeyError("secret path"), work_order())

    assert (failure.reason, failure.exit_class) == ("INTERNAL", ExitClass.CRASHED)
    assert "secret path" not in failure.message


def test_a_disk_that_does_not_answer_now_is_asked_again_by_the_next_attempt() -> None:
    failure = failure_of(SnapshotsUnreadable("no snapshot can be read now"), work_order())

    assert failure.exit_class is ExitClass.CRASHED
    assert (failure.reason, failure.message) == (
        "SNAPSHOTS_UNREADABLE",
        "no snapshot can be read now",
    )

"""The trainer as it runs in its container: process 1 of a process namespace of its own."""

import json
import signal
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import psutil
import pytest

from tests.end_to_end.conftest import draw_stripes
from tests.fakes.ports import free_port
from tests.fakes.process_namespace import IN_A_NAMESPACE, namespaces_can_be_made
from tests.services import Service, running_catalog, start_service
from trainer_service.job_store import JobStore
from trainer_service.jobs import JobState
from vertebra.trainer.v1 import train_job_pb2 as wire
from vertebra.trainer_client import TrainerClient

PATIENCE_S = 90
NUM_EPOCHS = 6


pytestmark = [
    pytest.mark.full,
    pytest.mark.skipif(
        not namespaces_can_be_made(), reason="process namespaces cannot be made here"
    ),
]


def until(is_so: Callable[[], object], what: str) -> None:
    """Wait for something that must happen."""
    deadline = time.monotonic() + PATIENCE_S
    while not is_so():
        assert time.monotonic() < deadline, f"{what}: not in {PATIENCE_S} s"
        time.sleep(0.02)


@contextmanager
def container(home: Path, catalog: Service, **variables: str) -> Iterator[Service]:
    """Yield the trainer below process 1; its `process` is the container as seen from outside."""
    admin = f"127.0.0.1:{free_port()}"
    init = [sys.executable, "-m", "trainer_service.container", "--live", f"http://{admin}/live"]
    service = start_service(
        "trainer_service",
        home,
        {
            "VERTEBRA_TRAINER_CATALOG": catalog.address,
            "VERTEBRA_TRAINER_LISTEN": f"127.0.0.1:{free_port()}",
            "VERTEBRA_TRAINER_ADMIN_LISTEN": admin,
            **variables,
        },
        under=[*IN_A_NAMESPACE, "--kill-child", *init, "--"],
    )
    try:
        yield service
    finally:
        service.process.kill()
        service.process.wait()


def first_process(trainer: Service) -> psutil.Process:
    """Return what is process 1 inside."""
    return psutil.Process(trainer.pid).children()[0]


def api(trainer: Service) -> psutil.Process | None:
    """Return the API process, if one runs: the child that was started as `-m trainer_service`."""
    for child in first_process(trainer).children():
        if child.cmdline()[-2:] == ["-m", "trainer_service"]:
            return child
    return None


def ready_pid(home: Path) -> int | None:
    """Return the pid, as seen inside, that last wrote that it serves."""
    try:
        return json.loads((home / "trainer_service.ready.json").read_text())["pid"]
    except FileNotFoundError:
        return None


def job(images: Path) -> dict:
    """Return a job that nobody will see the end of."""
    return {
        "model": {
            "backbone": "resnet18",
            "pretrained": False,
            "image_height_px": 32,
            "image_width_px": 32,
        },
        "dataset": {"image_folder": {"path": str(images)}, "validation_ratio": 0.25},
        "num_epochs": 1000,
        "batch_size": 2,
    }


def step_after(client: TrainerClient, name: str, seen: int) -> int:
    """Return the number of the first step beyond `seen`, as soon as it is known."""
    for event in client.watch(name):
        if event.WhichOneof("event") == "step_metrics" and event.step_metrics.step > seen:
            return event.step_metrics.step
    raise AssertionError(f"{name} ended before step {seen}")


def test_a_job_outlives_the_api_and_the_containers_end_is_in_order(tmp_path):
    """kill -9 of the API: the same attempt goes on and is adopted. Then SIGTERM to process 1, as an
    orchestrator sends it: the job saves and waits in the queue, and no process is left."""
    images, home = draw_stripes(tmp_path / "images"), tmp_path / "trainer"
    variables = {
        "VERTEBRA_TRAINER_DATA_ROOTS": str(images),
        "VERTEBRA_TRAINER_ON_STOP": "preempt",
    }
    with (
        running_catalog(tmp_path / "catalog") as catalog,
        container(home, catalog, **variables) as trainer,
        TrainerClient(trainer.address) as client,
    ):
        name = client.create(job(images)).name
        before = step_after(client, name, 0)
        inside, killed = ready_pid(home), api(trainer)
        assert killed is not None
        killed.kill()
        until(lambda: ready_pid(home) not in (None, inside), "another API")
        after = step_after(client, name, before)
        adopted = client.get(name)
        everything = first_process(trainer).children(recursive=True)
        zombies = [one for one in everything if one.status() == psutil.STATUS_ZOMBIE]

        first_process(trainer).send_signal(signal.SIGTERM)
        status = trainer.process.wait(timeout=PATIENCE_S)
        _, alive = psutil.wait_procs(everything, timeout=60)

    store = JobStore(f"sqlite:///{home / 'trainer.db'}")
    waiting = store.find_job(name)
    store.close()
    assert after > before
    assert adopted.state == wire.JobState.JOB_STATE_RUNNING
    assert adopted.attempt == 1
    assert zombies == []
    assert status == 0
    assert alive == []
    assert waiting.state is JobState.QUEUED
    assert waiting.snapshot is not None
    assert waiting.snapshot.step >= after

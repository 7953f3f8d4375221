"""A real Prometheus scrapes both services: panels show numbers, alerts fire when there is trouble.

Time runs thirty times as fast for its rules; what they count is real.
"""

import json
import os
import signal
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import suppress
from dataclasses import dataclass
from itertools import count
from pathlib import Path

import grpc
import psutil
import pytest

from tests.fakes.prometheus_server import (
    OBSERVABILITY,
    PrometheusServer,
    prometheus_program,
    running_prometheus,
    sooner,
)
from tests.services import Service, running_catalog, running_trainer
from vertebra.catalog_client import CatalogClient
from vertebra.client_errors import RpcFailed
from vertebra.trainer.v1 import train_job_service_pb2 as wire
from vertebra.trainer.v1.train_job_service_pb2_grpc import TrainJobServiceStub
from vertebra.trainer_client import TrainerClient

pytestmark = [
    pytest.mark.full,
    pytest.mark.timeout(900),
    pytest.mark.skipif(
        prometheus_program() is None, reason="prometheus of Debian's packages is not installed"
    ),
]

PATIENCE_S = 180
JOB = {
    "model": {
        "backbone": "squeezenet1_1",
        "pretrained": False,
        "image_height_px": 64,
        "image_width_px": 64,
    },
    "dataset": {"bundled_digits": {}, "data_ratio": 0.05},
    "num_epochs": 1000,
    "run": {"max_failures": 0},
}

NEED_TROUBLE = {
    "Refused over a limit",
    "Streams opened again, after what",
    "Weights, by where they were",
    "What locations answered",
    "Downloads",
}
"""Panels that are empty where all is well."""


@dataclass(frozen=True, slots=True, kw_only=True)
class World:
    """Both services, and who looks at them."""

    catalog: Service
    trainer: Service
    weights: CatalogClient
    jobs: TrainerClient
    prometheus: PrometheusServer
    home: Path


@pytest.fixture(scope="module")
def world(tmp_path_factory) -> Iterator[World]:
    """A mirror that does not answer, and no origin."""
    home = tmp_path_factory.mktemp("observed")
    nobody = {
        "VERTEBRA_CATALOG_OFFLINE": "0",
        "VERTEBRA_CATALOG_CACHE_BYTES": "1GB",
        "VERTEBRA_CATALOG_LOCATIONS": "store,http_mirrors",
        "VERTEBRA_CATALOG_HTTP_MIRRORS": "http://127.0.0.1:1",
    }
    with (
        running_catalog(home / "site", **nobody) as catalog,
        running_trainer(home / "site", catalog) as trainer,
        CatalogClient(catalog.address) as weights,
        TrainerClient(trainer.address) as jobs,
        running_prometheus(
            home,
            {"vertebra-catalog": catalog.admin_address, "vertebra-trainer": trainer.admin_address},
        ) as prometheus,
    ):
        yield World(
            catalog=catalog,
            trainer=trainer,
            weights=weights,
            jobs=jobs,
            prometheus=prometheus,
            home=home,
        )


def until(is_so: Callable[[], object], what: str) -> None:
    """Wait for something that must happen."""
    until_none(lambda: [] if is_so() else [what])


def until_none(left: Callable[[], list[str]]) -> None:
    """Wait until nothing is left."""
    deadline = time.monotonic() + PATIENCE_S
    while missing := left():
        assert time.monotonic() < deadline, f"{missing}: not in {PATIENCE_S} s"
        time.sleep(0.2)


def panels() -> Iterator[tuple[str, str, str]]:
    """Yield title, unit and expression of every target, for everything that is scraped."""
    for panel in json.loads((OBSERVABILITY / "dashboard.json").read_text())["panels"]:
        for target in panel.get("targets", ()):
            expression = target["expr"].replace("$job", ".*").replace("$instance", ".*")
            shorter = sooner(expression.replace("$__rate_interval", "1m"))
            yield panel["title"], panel["fieldConfig"]["defaults"]["unit"], shorter


def job_in_flight(world: World) -> str:
    """Return a job whose second epoch has begun."""
    job = world.jobs.create(JOB).name
    for event in world.jobs.watch(job):
        if event.HasField("epoch_metrics") and event.epoch_metrics.epoch > 1:
            return job
    raise AssertionError(f"{job} ended")


def be_used(world: World, seed: int) -> None:
    """What people do with both services; a series has a rate from its second number on."""
    list(world.weights.list_architectures())
    model = world.weights.build_model(
        {"backbone": "squeezenet1_1", "pretrained": False, "seed": seed}
    )
    for _ in world.weights.blobs.read(model.parts[0].blob.name):
        pass


def test_panels_have_numbers_of_a_running_job_and_nothing_is_alarmed(world):
    """Every panel that needs no trouble, each number one that its unit can have."""
    began = time.monotonic()
    for _ in range(2):
        world.jobs.wait(world.jobs.create({**JOB, "num_epochs": 1}).name)
    job_in_flight(world)
    seeds = count()

    def empty() -> list[str]:
        be_used(world, next(seeds))
        seconds = time.monotonic() - began
        return [
            title
            for title, _, expression in panels()
            if title not in NEED_TROUBLE and not world.prometheus.values(expression, seconds)
        ]

    until_none(empty)
    for title, unit, expression in panels():
        numbers = world.prometheus.values(expression, time.monotonic() - began)
        assert all(0 <= number < float("inf") for number in numbers), (title, numbers)
        if unit == "percentunit":
            assert max(numbers, default=0) <= 1, (title, numbers)
    assert max(world.prometheus.values('max(vertebra_trainer_jobs{state="running"})', 5)) == 1
    assert max(world.prometheus.values("sum(rate(vertebra_trainer_steps_total[5s]))", 60)) > 0
    assert world.prometheus.unhealthy_rules() == {}
    assert world.prometheus.summaries() == {}


def look_for_weights(world: World) -> None:
    """Five weights of which nobody has bytes."""
    for name in ("resnet18", "resnet34", "resnet50", "resnet101", "resnet152"):
        with suppress(RpcFailed):
            world.weights.ensure_weights(name)


def kill_workers(world: World) -> None:
    """Torch's workers of the catalog, as often as it starts them."""
    for number in range(5):
        spec = {"backbone": "squeezenet1_0", "pretrained": False, "seed": number}
        with suppress(RpcFailed):
            world.weights.build_model(spec)
        for child in psutil.Process(world.catalog.pid).children(recursive=True):
            with suppress(psutil.NoSuchProcess):
                child.kill()


def spoil_a_blob(world: World) -> None:
    """A byte that a disk forgot, found by who reads all of them."""
    blob = max((world.home / "site/blobs").rglob("*"), key=lambda path: path.stat().st_size)
    os.chmod(blob, 0o644)  # noqa: PTH101
    with blob.open("r+b") as file:
        file.seek(-1, os.SEEK_END)
        last = file.read(1)
        file.seek(-1, os.SEEK_END)
        file.write(bytes([last[0] ^ 1]))
    world.weights.storage.verify()


def kill_jobs(world: World) -> None:
    """Workers of five jobs, none of which may be tried again."""
    for job in world.jobs.list("state = running"):
        world.jobs.cancel(job.name)
    for _ in range(5):
        job = job_in_flight(world)
        (folder,) = (world.home / "site/jobs").glob(f"{job.rpartition('/')[2]}/attempt-1")
        os.kill(json.loads((folder / "worker.json").read_text())["pid"], signal.SIGKILL)
        world.jobs.wait(job)


def stop_the_loop(world: World) -> None:
    """The trainer stands still for three seconds."""
    os.kill(world.trainer.pid, signal.SIGSTOP)
    time.sleep(3)
    os.kill(world.trainer.pid, signal.SIGCONT)


@pytest.fixture
def cut_streams(world) -> Iterator[None]:
    """A watcher whose stream is cut again and again, and who says so."""
    has_ended = threading.Event()

    def watch() -> None:
        with grpc.insecure_channel(world.trainer.address) as channel:
            stub = TrainJobServiceStub(channel)
            while not has_ended.wait(0.5):
                stream = stub.WatchTrainJob(
                    wire.WatchTrainJobRequest(name="trainJobs/none"),
                    metadata=(("x-vertebra-resumed-after", "cut"),),
                )
                with suppress(grpc.RpcError):
                    next(stream)

    thread = threading.Thread(target=watch)
    thread.start()
    yield
    has_ended.set()
    thread.join()


TROUBLE = {
    "VertebraWeightsNowhere": look_for_weights,
    "VertebraOriginUnreachable": look_for_weights,
    "VertebraWorkersDie": kill_workers,
    "VertebraQuarantine": spoil_a_blob,
    "VertebraAttemptsCrash": kill_jobs,
    "VertebraJobsFail": kill_jobs,
    "VertebraLoopBlocked": stop_the_loop,
    "VertebraDown": lambda world: world.catalog.kill(),
}
"""What is done, in this order, and the alert that must follow."""


def test_trouble_is_alarmed(world, cut_streams):
    """Each alert fires after what it is for was really done."""
    done: set[Callable[[World], None]] = set()
    said: dict[str, str] = {}

    def says(alert: str) -> bool:
        said.update(world.prometheus.summaries())
        return alert in said

    for alert, make in TROUBLE.items():
        if make not in done:
            done.add(make)
            make(world)
        until(lambda alert=alert: says(alert), alert)
    until(lambda: says("VertebraStreamsAreCut"), "VertebraStreamsAreCut")

    assert "WatchTrainJob" in said["VertebraStreamsAreCut"]
    assert "http_mirrors is unreachable" in said["VertebraOriginUnreachable"]
    assert not [words for words in said.values() if "no value" in words]

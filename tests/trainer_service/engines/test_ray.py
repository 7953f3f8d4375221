"""One attempt on a Ray cluster: placed, run, told to go, lost; and nothing of it left."""

import os
import time
import uuid
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from tests.fakes.ray_cluster import CPUS_PER_NODE, RayCluster, ray_cluster
from tests.fakes.work_orders import write_tiny_order
from trainer_service.engines.process import WorkerProcess
from trainer_service.engines.ray import RayEngine
from trainer_service.jobs import (
    LOG_FILE,
    SPOOL_FILE,
    Control,
    ExitClass,
    Finished,
    parse_spool_line,
    read_end,
    read_identity,
    write_control,
    write_order,
)


@pytest.fixture(scope="module")
def cluster() -> Iterator[RayCluster]:
    """Return a cluster without a node that could run anything."""
    with ray_cluster() as cluster:
        yield cluster


@pytest.fixture
def engine(cluster: RayCluster) -> RayEngine:
    """Return an engine on it."""
    return engine_at(cluster.address)


def engine_at(address: str) -> RayEngine:
    return RayEngine(address, environment=dict(os.environ), num_threads=CPUS_PER_NODE)


@pytest.fixture
def nonce(engine: RayEngine) -> Iterator[str]:
    """Return a nonce of which nothing is left in the end."""
    nonce = uuid.uuid4().hex
    yield nonce
    engine.find(nonce, None).kill()


@pytest.fixture
def attempt(tmp_path: Path) -> Path:
    """Return an attempt's folder with an order of many epochs in it."""
    folder = tmp_path / "attempt-1"
    folder.mkdir()
    order = write_tiny_order(tmp_path, num_epochs=1)
    write_order(folder, replace(order, num_threads=CPUS_PER_NODE))
    return folder


def wait_until(is_so: Callable[[], bool], folder: Path, seconds: float = 240.0) -> None:
    give_up_at = time.monotonic() + seconds
    while not is_so():
        log = folder / LOG_FILE
        assert time.monotonic() < give_up_at, log.read_text() if log.exists() else "no log"
        time.sleep(0.1)


def is_gone(worker: WorkerProcess) -> Callable[[], bool]:
    return lambda: not worker.processes()


def longer(folder: Path, num_epochs: int) -> None:
    """Let the order be one that takes minutes."""
    from trainer_service.jobs import read_order

    order = read_order(folder)
    write_order(folder, replace(order, spec=replace(order.spec, num_epochs=num_epochs)))


def test_an_attempt_runs_where_there_is_room_and_leaves_nothing(
    cluster: RayCluster, attempt: Path, nonce: str
) -> None:
    """From outside of the cluster, as a trainer in a pod of its own does it."""
    worker = engine_at(cluster.client_address).start(attempt, nonce)
    wait_until(lambda: "waiting for 1 places" in (attempt / LOG_FILE).read_text(), attempt)
    assert not (attempt / SPOOL_FILE).exists()  # the cluster has no room yet
    node = cluster.add_node()

    wait_until(is_gone(worker), attempt)

    last = parse_spool_line((attempt / SPOOL_FILE).read_bytes().splitlines(keepends=True)[-1])
    assert isinstance(last.event, Finished)
    assert worker.exit_code == 0
    assert read_end(attempt) is None
    cluster.lose(node)


def test_a_lost_node_is_no_crash(
    cluster: RayCluster, engine: RayEngine, attempt: Path, nonce: str
) -> None:
    longer(attempt, 100_000)
    node = cluster.add_node()
    worker = engine.start(attempt, nonce)
    wait_until(lambda: read_identity(attempt) is not None, attempt)

    cluster.lose(node)
    wait_until(is_gone(worker), attempt)

    end = read_end(attempt)
    assert end is not None
    assert end.exit_class is ExitClass.HOST_LOST


def test_a_driver_is_found_again_and_all_dies_with_it(
    cluster: RayCluster, engine: RayEngine, attempt: Path, nonce: str
) -> None:
    longer(attempt, 100_000)
    node = cluster.add_node()
    started = engine.start(attempt, nonce)
    wait_until(lambda: read_identity(attempt) is not None, attempt)

    found = engine.find(nonce, read_identity(attempt))
    assert found.pid == started.pid
    assert len(found.processes()) > 1  # the rank is seen too
    os.kill(found.pid, 9)
    wait_until(is_gone(started), attempt)

    assert read_end(attempt) is None  # the driver could not say anything
    cluster.lose(node)


def test_an_attempt_that_waits_for_room_can_be_called_off(
    engine: RayEngine, attempt: Path, nonce: str
) -> None:
    worker = engine.start(attempt, nonce)
    wait_until(lambda: "waiting for 1 places" in (attempt / LOG_FILE).read_text(), attempt)

    write_control(attempt, Control(command="cancel", number=1))
    wait_until(is_gone(worker), attempt)

    assert not (attempt / SPOOL_FILE).exists()


def test_a_cluster_that_is_not_there_is_said(attempt: Path, nonce: str) -> None:
    engine = engine_at("127.0.0.1:1")

    worker = engine.start(attempt, nonce)
    wait_until(is_gone(worker), attempt)

    end = read_end(attempt)
    assert end is not None
    assert end.reason == "RAY_UNREACHABLE"

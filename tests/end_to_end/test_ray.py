"""A job on two nodes of a Ray cluster, one of which is lost: what was asked for comes out."""

import contextlib
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import psutil
import pytest

from tests.fakes.ray_cluster import RayCluster, ray_cluster
from tests.services import running_catalog, running_trainer
from vertebra.client_errors import RpcFailed
from vertebra.trainer.v1 import train_event_pb2 as events
from vertebra.trainer.v1 import train_job_pb2 as jobs
from vertebra.trainer.v1 import train_run_pb2 as runs
from vertebra.trainer_client import TrainerClient

SPEC: dict[str, Any] = {
    "model": {
        "backbone": "shufflenet_v2_x0_5",
        "image_height_px": 32,
        "image_width_px": 32,
        "classification": {"num_classes": 10},
        "pretrained": False,
    },
    "freeze": {"full": {}, "norm": "NORM_POLICY_FROZEN_STATISTICS"},
    "dataset": {"bundled_digits": {}, "data_ratio": 0.05},
    "num_epochs": 3,
    "batch_size": 8,
    "seed": 3,
}


@pytest.fixture(scope="module")
def cluster() -> Iterator[RayCluster]:
    """Return a cluster of a head and one node."""
    with ray_cluster(num_nodes=1) as cluster:
        yield cluster


@pytest.fixture(scope="module")
def trainer(cluster: RayCluster, tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """Return the address of a trainer that knows the cluster."""
    home: Path = tmp_path_factory.mktemp("ray")
    with (
        running_catalog(home / "catalog") as catalog,
        running_trainer(home / "trainer", catalog, VERTEBRA_TRAINER_RAY=cluster.address) as service,
    ):
        yield service.address


def losses(client: TrainerClient, job: jobs.TrainJob) -> list[float]:
    """Return the training loss of every epoch."""
    (curve,) = client.metrics(job.name, ["train/loss"]).series
    return list(curve.values)


def ranks_of(job_id: str) -> list[psutil.Process]:
    """Return the workers of a job, wherever Ray started them."""
    found = []
    for process in psutil.process_iter():
        with contextlib.suppress(psutil.Error):
            words = process.cmdline()
            if "trainer_service.worker" in words and any(job_id in word for word in words):
                found.append(process)
    return found


def lose_under(cluster: RayCluster, node: int, job_id: str) -> None:
    """Lose a node in the middle of a job that has a rank on it. The ranks stand still until one of
    them is gone, so that a machine on which nodes die slowly does not let the job end before.
    """
    ranks = ranks_of(job_id)
    assert len(ranks) == 2
    for rank in ranks:
        rank.suspend()
    cluster.lose(node)
    gone: list[psutil.Process] = []
    while not gone:
        gone, alive = psutil.wait_procs(ranks, timeout=1)
    for rank in alive:
        with contextlib.suppress(psutil.NoSuchProcess):  # the driver may have seen it before us
            rank.resume()


@pytest.mark.timeout(900)  # Ray starts some twenty processes, and again for a node
def test_a_lost_node_costs_what_was_done_since_the_last_snapshot(
    cluster: RayCluster, trainer: str
) -> None:
    """The other rank does not hang, the job goes on elsewhere, and its numbers are those of a run
    on one device that nothing happened to.
    """
    second = cluster.add_node()
    run = {"engine": "ENGINE_RAY", "num_devices": 2, "snapshot_interval": "1s"}
    with TrainerClient(trainer) as client:
        alone = client.create(SPEC)
        job = client.create({**SPEC, "run": run})
        seen: list[str] = []
        ends: list[events.AttemptEnded] = []
        for event in client.watch(job.name):
            kind = event.WhichOneof("event")
            if kind == "snapshot_taken" and "snapshot_taken" not in seen:
                lose_under(cluster, second, job.name.removeprefix("trainJobs/"))
                cluster.add_node()
            if kind == "attempt_ended":
                ends.append(event.attempt_ended)
            seen.append(str(kind))
        done = client.get(job.name)
        expected = losses(client, client.wait(alone.name))

        assert done.state == jobs.JOB_STATE_SUCCEEDED, done.state_reason
        assert ends[0].exit_class == runs.EXIT_CLASS_HOST_LOST
        assert [attempt.num_devices for attempt in done.attempts] == [2, 2]
        assert done.attempts[1].start_step > 0
        assert seen.count("rolled_back") == 1
        assert losses(client, done) == pytest.approx(expected, rel=1e-4)


def test_without_a_cluster_a_job_for_one_is_refused(tmp_path: Path) -> None:
    """At once, not in the queue."""
    with (
        running_catalog(tmp_path / "catalog") as catalog,
        running_trainer(tmp_path / "trainer", catalog) as service,
        TrainerClient(service.address) as client,
        pytest.raises(RpcFailed, match="ray") as refused,
    ):
        client.create({**SPEC, "run": {"engine": "ENGINE_RAY"}})

    assert refused.value.reason == "FIELD_INVALID"

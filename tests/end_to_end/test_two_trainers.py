"""Two real trainers with one database and one folder of artifacts: one queue, each job once."""

import shutil
import signal
import tempfile
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import pytest

from tests.end_to_end.conftest import draw_stripes
from tests.fakes.postgres_server import postgres_server, restart_postgres, server_folder
from tests.services import Service, running_catalog, running_trainer
from trainer_service.supervisor.strays import workers_of
from vertebra.trainer.v1 import train_job_pb2 as wire
from vertebra.trainer.v1 import train_run_pb2
from vertebra.trainer_client import TrainerClient

SUCCEEDED = wire.JobState.JOB_STATE_SUCCEEDED
NUM_JOBS = 20


@dataclass(frozen=True, slots=True, kw_only=True)
class Surroundings:
    """What two hosts share."""

    folder: Path
    catalog: Service
    database_url: str
    postgres_folder: Path
    images: Path

    @contextmanager
    def trainer(self, name: str, **settings: str) -> Iterator[Service]:
        """Start a trainer with a home of its own."""
        shared = {
            "VERTEBRA_TRAINER_DATABASE_URL": self.database_url,
            "VERTEBRA_TRAINER_ARTIFACTS": str(self.folder / "artifacts"),
            "VERTEBRA_TRAINER_BLOBS": str(self.folder / "blobs"),
            "VERTEBRA_TRAINER_DATA_ROOTS": str(self.images),
        }
        own = {f"VERTEBRA_TRAINER_{key}": value for key, value in settings.items()}
        with running_trainer(self.folder / name, self.catalog, **shared, **own) as service:
            yield service


@pytest.fixture
def shared(tmp_path) -> Iterator[Surroundings]:
    if server_folder() is None:
        pytest.skip("PostgreSQL's server is not installed")
    folder = Path(tempfile.mkdtemp(prefix="pg"))
    folder.chmod(0o755)
    with (
        postgres_server(folder) as url,
        running_catalog(tmp_path / "catalog") as catalog,
    ):
        yield Surroundings(
            folder=tmp_path,
            catalog=catalog,
            database_url=url,
            postgres_folder=folder,
            images=draw_stripes(tmp_path / "images"),
        )
    shutil.rmtree(folder)


def job(images: Path, *, num_epochs: int) -> dict:
    return {
        "model": {
            "backbone": "resnet18",
            "pretrained": False,
            "image_height_px": 32,
            "image_width_px": 32,
        },
        "dataset": {"image_folder": {"path": str(images)}, "validation_ratio": 0.25},
        "num_epochs": num_epochs,
        "batch_size": 2,
    }


def kinds(events: list, kind: str) -> list:
    return [getattr(event, kind) for event in events if event.WhichOneof("event") == kind]


def assert_whole(events: list, num_epochs: int) -> None:
    """A log without gap or repetition, and a clean curve: each epoch trained once, but for those
    that the log itself takes back.
    """
    assert [event.seq for event in events] == list(range(1, len(events) + 1))
    epochs: list[int] = []
    for event in events:
        if event.WhichOneof("event") == "rolled_back":
            epochs = [epoch for epoch in epochs if epoch <= event.rolled_back.to_epoch]
        elif event.WhichOneof("event") == "epoch_metrics" and event.epoch_metrics.split == "train":
            epochs.append(event.epoch_metrics.epoch)
    assert epochs == list(range(1, num_epochs + 1))


@pytest.mark.full
@pytest.mark.timeout(1800)
def test_twenty_jobs_run_once_each_though_the_database_crashes_in_between(shared):
    with (
        shared.trainer("north") as north,
        shared.trainer("south"),
        TrainerClient(north.address) as client,
    ):
        names = [client.create(job(shared.images, num_epochs=1)).name for _ in range(NUM_JOBS)]
        client.wait(names[0])
        restart_postgres(shared.postgres_folder)
        jobs = [client.wait(name) for name in names]
        logs = [list(client.watch(name)) for name in names]

    assert {one.state for one in jobs} == {SUCCEEDED}
    assert {one.attempt for one in jobs} == {1}
    for events in logs:
        assert_whole(events, 1)
    hosts = Counter(
        path.parents[3].name for path in shared.folder.glob("*/jobs/*/attempt-*/spool.jsonl")
    )
    assert set(hosts) == {"north", "south"}
    assert hosts.total() == NUM_JOBS


@pytest.mark.full
@pytest.mark.timeout(900)
def test_a_preempted_job_goes_on_at_another_host_from_where_it_was(shared):
    num_epochs = 12
    with shared.trainer("north", ON_STOP="preempt", GRACE_S="60") as north:
        with TrainerClient(north.address) as client:
            name = client.create(job(shared.images, num_epochs=num_epochs)).name
            for event in client.watch(name):
                if event.WhichOneof("event") == "epoch_metrics":
                    break
        assert north.stop() == 0
        with (
            shared.trainer("south") as south,
            TrainerClient(south.address) as client,
        ):
            ended = client.wait(name)
            events = list(client.watch(name))

    attempts = [one.exit_class for one in kinds(events, "attempt_ended")]
    (rolled_back,) = kinds(events, "rolled_back")
    assert ended.state == SUCCEEDED, ended.state_reason
    assert_whole(events, num_epochs)
    assert attempts[0] == train_run_pb2.EXIT_CLASS_PREEMPTED
    assert rolled_back.to_step > 0
    assert rolled_back.num_lost_steps == 0


@contextmanager
def frozen(service: Service) -> Iterator[None]:
    """Stop a service's process for the length of a block: it neither runs nor ends. Its workers are
    processes of their own.
    """
    service.process.send_signal(signal.SIGSTOP)
    try:
        yield
    finally:
        service.process.send_signal(signal.SIGCONT)


@pytest.mark.full
@pytest.mark.timeout(900)
def test_a_frozen_trainer_loses_its_job_and_its_worker_saves_and_goes(shared, counted):
    """The other host goes on from a snapshot; the first one, woken, writes no word."""
    num_epochs = 12
    settings = {"HOST_TIMEOUT_S": "10"}
    with (
        shared.trainer("north", **settings) as north,
        shared.trainer("south", **settings, SUPERVISE="false") as api,
        TrainerClient(api.address) as client,
    ):
        spec = job(shared.images, num_epochs=num_epochs)
        name = client.create({**spec, "run": {"snapshot_interval": "1s"}}).name
        for event in client.watch(name):
            if event.WhichOneof("event") == "snapshot_taken":
                break
        with frozen(north), shared.trainer("east", **settings) as east:
            for event in client.watch(name):
                if event.attempt == 2:
                    break
            workers_of_north = workers_of(shared.folder / "north")
            north.process.send_signal(signal.SIGCONT)
            ended = client.wait(name)
            events = list(client.watch(name))
            assert "is lost" in north.log.read_text()
            assert "lost hosts" in east.log.read_text()

    assert workers_of_north == []
    assert ended.state == SUCCEEDED, ended.state_reason
    assert ended.attempt == 2
    assert_whole(events, num_epochs)
    (rolled_back,) = kinds(events, "rolled_back")
    assert rolled_back.to_step > 0
    first_end = next(one.seq for one in events if one.WhichOneof("event") == "attempt_ended")
    assert {one.attempt for one in events if one.seq > first_end + 1} == {2}
    counted(stopped_hosts=1, words_after_the_end=0)

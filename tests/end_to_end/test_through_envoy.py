"""The trainer behind a real Envoy: what it repeats counts once, what it cuts goes on."""

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from uuid import uuid4

import pytest

from tests.fakes.envoy import RETRIES, running_envoy
from tests.fakes.fake_server import running_server
from tests.fakes.losing_hop import Change, LosingHop
from tests.robustness.counting import Counted
from tests.trainer_service.api.conftest import Trainer
from vertebra.connection import Pace
from vertebra.trainer.v1 import train_job_pb2 as jobs
from vertebra.trainer.v1 import train_job_service_pb2 as wire
from vertebra.trainer_client import TrainerClient
from vertebra.watch_checker import violations
from vertebra.watch_record import WatchOpening

NUM_LOST = 2
NUM_STEPS = 60
QUICK = Pace(first_wait_s=0.01, longest_wait_s=0.1)


@pytest.fixture
def trainer(tmp_path: Path) -> Iterator[Trainer]:
    """The real API over a real store; the test plays the worker."""
    made = Trainer(tmp_path)
    yield made
    made.close()


@contextmanager
def losing_way(
    folder: Path, trainer: Trainer, change: Change | None = None
) -> Iterator[tuple[TrainerClient, LosingHop]]:
    """Yield a client behind an Envoy that repeats calls whose answers are lost."""
    hop = LosingHop(upstream=trainer.address, num_lost=NUM_LOST, change=change)
    with (
        running_server(hop.add_to) as address,
        running_envoy(folder, address, retry_policy=RETRIES) as envoy,
        TrainerClient(envoy) as client,
    ):
        yield client, hop
    hop.close()


def test_a_create_that_is_repeated_on_the_way_makes_one_job(
    trainer: Trainer, tmp_path: Path, counted: Counted
) -> None:
    with losing_way(tmp_path, trainer) as (client, hop):
        job = client.create(trainer.spec())
        found = [one.job_id for one in client.list()]

    assert found == [job.job_id]
    assert hop.attempts[: NUM_LOST + 1] == [("CreateTrainJob", n) for n in (1, 2, 3)]
    counted(attempts=NUM_LOST + 1, effects=len(found))


def test_without_a_request_id_of_the_callers_every_repetition_is_a_job(
    trainer: Trainer, tmp_path: Path
) -> None:
    """The naive way: each attempt looks like a new request."""

    def anew(request: bytes) -> bytes:
        message = wire.CreateTrainJobRequest.FromString(request)
        if not message.HasField("spec"):
            return request
        message.request_id = str(uuid4())
        return message.SerializeToString()

    with losing_way(tmp_path, trainer, anew) as (client, _):
        client.create(trainer.spec())

    with TrainerClient(trainer.address) as client:
        assert len(list(client.list())) == NUM_LOST + 1


def test_every_call_that_changes_a_job_counts_once(
    trainer: Trainer, tmp_path: Path, counted: Counted
) -> None:
    with losing_way(tmp_path, trainer) as (client, hop):
        name = client.create(trainer.spec()).name
        paused = client.pause(name)
        resumed = client.resume(name)
        cancelled = client.cancel(name)
        with TrainerClient(trainer.address) as direct:
            changes = [
                event.state_changed.to_state
                for event in direct.history(name)
                if event.HasField("state_changed")
            ]
        client.delete(name)

    states = [jobs.JobState.Name(job.state) for job in (paused, resumed, cancelled)]
    assert states == ["JOB_STATE_PAUSED", "JOB_STATE_QUEUED", "JOB_STATE_CANCELLED"]
    assert changes.count(jobs.JOB_STATE_PAUSED) == 1
    assert changes.count(jobs.JOB_STATE_CANCELLED) == 1
    assert dict(hop.attempts) == {
        f"{verb}TrainJob": NUM_LOST + 1
        for verb in ("Create", "Pause", "Resume", "Cancel", "Delete")
    }
    assert trainer.store.page_of_jobs().items == ()
    counted(attempts=sum(dict(hop.attempts).values()), effects=len(dict(hop.attempts)))


CUTS = {
    "a timeout of the route": {"timeout": "1s"},
    "a longest duration": {"timeout": "0s", "max_stream_duration": {"max_stream_duration": "1s"}},
    "an idle timeout": {"timeout": "0s", "idle_timeout": "0.4s"},
}


@pytest.mark.parametrize("cut", CUTS)
def test_a_watch_goes_on_however_envoy_ends_its_streams(
    trainer: Trainer, tmp_path: Path, cut: str, counted: Counted
) -> None:
    job_id = trainer.running()
    is_over = threading.Event()

    def train() -> None:
        """Some steps at once, a pause longer than any timeout, and so on."""
        for first in range(1, NUM_STEPS, 20):
            trainer.steps(job_id, first, first + 19)
            is_over.wait(1.2)
        trainer.finish(job_id)

    openings: list[WatchOpening] = []
    worker = threading.Thread(target=train)
    with (
        running_envoy(tmp_path, trainer.address, **CUTS[cut]) as envoy,
        TrainerClient(envoy, pace=QUICK) as client,
    ):
        worker.start()
        told = list(client.watch(job_id, record=openings))
    worker.join()

    with TrainerClient(trainer.address) as direct:
        stored = list(direct.history(job_id))
    print(f"{cut}: {len(openings)} openings")
    assert told == stored
    assert len(openings) > 2
    assert violations(openings, stored) == []
    counted(ways_to_cut=1, openings=len(openings), events=len(told))

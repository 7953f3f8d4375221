"""kill -9 of the trainer's API process during a job: the job ends well, no event is lost, and who
watched it notices a pause."""

from concurrent.futures import ThreadPoolExecutor

from tests.end_to_end.conftest import draw_stripes
from tests.fakes.tcp_proxy import tcp_proxy
from tests.services import running_catalog, running_trainer
from vertebra.trainer.v1 import train_job_pb2 as wire
from vertebra.trainer.v1.train_event_pb2 import TrainEvent
from vertebra.trainer_client import TrainerClient
from vertebra.watch_checker import violations
from vertebra.watch_record import WatchOpening

NUM_EPOCHS = 6


def long_job(images) -> dict:
    """Return a job of some ten seconds."""
    return {
        "model": {
            "backbone": "resnet18",
            "pretrained": False,
            "image_height_px": 32,
            "image_width_px": 32,
        },
        "dataset": {"image_folder": {"path": str(images)}, "validation_ratio": 0.25},
        "num_epochs": NUM_EPOCHS,
        "batch_size": 2,
    }


def watched(address: str, name: str, openings: list[WatchOpening]) -> list[TrainEvent]:
    """Return what a reader is told who knows nothing of what happens to the server."""
    with TrainerClient(address) as client:
        return list(client.watch(name, record=openings))


def test_a_job_outlives_the_server_that_started_it(tmp_path, counted):
    """The worker goes on alone; the next server adopts it and sees all that it did meanwhile."""
    images = draw_stripes(tmp_path / "images")
    roots = {"VERTEBRA_TRAINER_DATA_ROOTS": str(images)}
    openings: list[WatchOpening] = []
    with (
        running_catalog(tmp_path / "files") as catalog,
        running_trainer(tmp_path / "files", catalog, **roots) as first,
        tcp_proxy(first.address) as way,
        ThreadPoolExecutor(max_workers=1) as reader,
    ):
        with TrainerClient(first.address) as client:
            name = client.create(long_job(images)).name
            watching = reader.submit(watched, way.address, name, openings)
            seen = []
            for event in client.watch(name):
                seen.append(event)
                if event.WhichOneof("event") == "step_metrics":
                    break
        first.kill()

        with (
            running_trainer(tmp_path / "files", catalog, **roots) as second,
            TrainerClient(second.address) as client,
        ):
            way.target = second.address
            job = client.wait(name)
            events = list(client.watch(name))
            told = watching.result(timeout=120)

    epochs = [
        event.epoch_metrics.epoch
        for event in events
        if event.WhichOneof("event") == "epoch_metrics" and event.epoch_metrics.split == "train"
    ]
    assert job.state == wire.JobState.JOB_STATE_SUCCEEDED, job.state_reason
    assert job.attempt == 1
    assert [event.seq for event in events] == list(range(1, len(events) + 1))
    assert events[: len(seen)] == seen
    assert epochs == list(range(1, NUM_EPOCHS + 1))
    assert told == events
    assert len(openings) > 1
    assert violations(openings, events) == []
    counted(kills=1, events=len(events), openings=len(openings))

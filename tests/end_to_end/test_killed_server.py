"""kill -9 of the trainer's API process during a job: the job ends well, and no event is lost."""

from tests.end_to_end.conftest import draw_stripes
from tests.services import running_catalog, running_trainer
from vertebra.trainer.v1 import train_job_pb2 as wire
from vertebra.trainer_client import TrainerClient

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


def test_a_job_outlives_the_server_that_started_it(tmp_path):
    """The worker goes on alone; the next server adopts it and sees all that it did meanwhile."""
    images = draw_stripes(tmp_path / "images")
    roots = {"VERTEBRA_TRAINER_DATA_ROOTS": str(images)}
    with running_catalog(tmp_path / "files") as catalog:
        with (
            running_trainer(tmp_path / "files", catalog, **roots) as first,
            TrainerClient(first.address) as client,
        ):
            name = client.create(long_job(images)).name
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
            job = client.wait(name)
            events = list(client.watch(name))

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

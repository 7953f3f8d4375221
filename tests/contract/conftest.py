"""Both real services, with one thing of each kind in them."""

import uuid
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

import pytest
from PIL import Image

from tests.services import Service, running_catalog, running_trainer
from vertebra.catalog_client import CatalogClient
from vertebra.client_errors import RpcFailed
from vertebra.trainer_client import TrainerClient

MODEL = {
    "backbone": "resnet18",
    "pretrained": False,
    "image_height_px": 32,
    "image_width_px": 32,
    "classification": {"class_names": ["dark", "light"]},
}


@dataclass(frozen=True, slots=True, kw_only=True)
class World:
    """Names of things that exist, for requests that must succeed."""

    catalog: Service
    trainer: Service
    images: Path
    backbone_blob: str
    export_blob: str
    job: str
    snapshot: str = ""
    """Of a paused job."""

    def job_spec(self) -> dict:
        """Return a job that trains for one epoch on eight images."""
        return {
            "model": MODEL,
            "dataset": {"image_folder": {"path": str(self.images)}, "validation_ratio": 0.5},
            "num_epochs": 1,
            "batch_size": 4,
        }


def draw_images(folder: Path) -> Path:
    """Write four dark and four light images."""
    for name, grey in (("dark", 20), ("light", 220)):
        (folder / name).mkdir(parents=True)
        for number in range(4):
            Image.new("RGB", (16, 16), (grey + number,) * 3).save(folder / name / f"{number}.png")
    return folder


def paused_job(client: TrainerClient, spec: dict) -> str:
    """Pause a job once it trains; return the snapshot that it left."""
    name = client.create({**spec, "num_epochs": 10_000}).name
    is_asked = False
    for event in client.watch(name):
        if event.WhichOneof("event") == "step_metrics" and not is_asked:
            client.pause(name)
            is_asked = True
        if event.WhichOneof("event") == "snapshot_taken" and is_asked:
            return event.snapshot_taken.snapshot.name
    raise AssertionError(f"{name} ended without a snapshot")


@pytest.fixture(scope="session")
def world(tmp_path_factory) -> Iterator[World]:
    """Start both services; upload a blob, register a checkpoint, finish a job."""
    home = tmp_path_factory.mktemp("world")
    images = draw_images(home / "images")
    roots = {"VERTEBRA_TRAINER_DATA_ROOTS": str(images)}
    with (
        running_catalog(home / "catalog") as catalog,
        running_trainer(home / "trainer", catalog, **roots) as trainer,
        CatalogClient(catalog.address) as catalog_client,
        TrainerClient(trainer.address) as trainer_client,
    ):
        model = catalog_client.build_model(MODEL)
        backbone = model.parts[0].blob.name
        catalog_client.register_checkpoint(
            checkpoint_id="first", architecture_id="resnet18", blob_name=backbone
        )
        partial = World(
            catalog=catalog,
            trainer=trainer,
            images=images,
            backbone_blob=backbone,
            export_blob="",
            job="",
        )
        job = trainer_client.create(partial.job_spec(), request_id=str(uuid.uuid4()))
        trainer_client.wait(job.name)
        exports = list(trainer_client.list_exports(job.name))
        yield World(
            catalog=catalog,
            trainer=trainer,
            images=images,
            backbone_blob=backbone,
            export_blob=exports[0].files[0].blob.name,
            job=job.name,
            snapshot=paused_job(trainer_client, partial.job_spec()),
        )


@pytest.fixture(scope="module")
def quiet_afterwards(world: World) -> Iterator[None]:
    """Stop the jobs that a file's tests left: they would take a core until the last test."""
    yield
    with TrainerClient(world.trainer.address) as client:
        cancel_all(client)


def cancel_all(client: TrainerClient) -> None:
    """Cancel what waits or runs."""
    for job in [*client.list('state = "running"'), *client.list('state = "queued"')]:
        with suppress(RpcFailed):  # it ended just now
            client.cancel(job.name)

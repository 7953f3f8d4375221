"""Every task from a spec on drawn scenes to its export, in one process: what is learned, and told.

The catalog is a real one; the rest is what the trainer does between a call and a worker's end.
"""

import asyncio
import math
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from google.protobuf import json_format

from catalog_service.blobs.store import BlobStore
from tests.services import running_catalog
from trainer_service.api.planning import TrainingHost, plan_job
from trainer_service.api.spec_wire import spec_of
from trainer_service.catalog_gateway import CatalogGateway
from trainer_service.jobs import (
    EpochMetrics,
    Evaluated,
    Finished,
    JobEvent,
    Planned,
    TrainPlan,
    WorkOrder,
)
from trainer_service.jobs.metrics_table import EPOCH_METRICS
from trainer_service.run_job import run_job
from trainer_service.stop_switch import StopSwitch
from vertebra.catalog_client import CatalogClient
from vertebra.trainer.v1 import train_job_pb2 as pb

SHAPES = ["circle", "square", "triangle"]

HEADS: Mapping[str, Mapping[str, Any]] = {
    "classification": {"classification": {}},
    "multilabel": {"classification": {"multilabel": True}},
    "regression": {"regression": {}},
    "segmentation": {"segmentation": {"head": "fcn"}},
    "detection": {"detection": {"head": "fcos"}},
    "instance_segmentation": {"instanceSegmentation": {}},
    "keypoints": {"keypoints": {}},
    "simclr": {"features": {"output": "pooled"}},
}
"""Task of the plan -> the model's."""

FEW_IMAGES = {"detection": 24, "instance_segmentation": 24, "keypoints": 12}
"""Tasks whose models look at hundreds of regions of every image: minutes on a processor."""
NUM_EPOCHS = 3
SLOW = ("detection", "instance_segmentation", "keypoints", "simclr", "multilabel")

FULL = (pytest.mark.full, pytest.mark.timeout(1800))
EVERY = [pytest.param(kind, marks=FULL if kind in SLOW else ()) for kind in HEADS]


@dataclass(frozen=True, slots=True, kw_only=True)
class Ran:
    """A job that has run."""

    plan: TrainPlan
    events: tuple[JobEvent, ...]
    finished: Finished

    def epochs(self, split: str) -> list[Mapping[str, float]]:
        """Return the metrics of a split, epoch by epoch."""
        passes = [event for event in self.events if isinstance(event, EpochMetrics)]
        return [event.values for event in passes if event.split == split]

    @property
    def evaluated(self) -> Evaluated:
        """Return the one look at the model class by class."""
        (event,) = [event for event in self.events if isinstance(event, Evaluated)]
        return event


class Workshop:
    """Plans and runs jobs here."""

    def __init__(self, home: Path, gateway: CatalogGateway) -> None:
        self._home = home
        self._gateway = gateway
        self._done: dict[str, Ran] = {}

    def job(self, kind: str) -> Ran:
        """Return the job of a task; it runs once."""
        if kind not in self._done:
            self._done[kind] = self._run(kind, wire_spec(kind))
        return self._done[kind]

    def ordered(self, kind: str, message: pb.TrainJobSpec) -> tuple[WorkOrder, TrainPlan]:
        """Return what a worker gets, and what a client is shown."""
        host = TrainingHost(allowed_roots=())
        planned = asyncio.run(plan_job(spec_of(message), self._gateway, host))
        order = WorkOrder(
            job_id=kind,
            attempt=1,
            nonce="nonce",
            spec=planned.spec,
            model=asyncio.run(self._gateway.prepare(planned.spec.model)),
            export_dir=str(self._home / kind / "export"),
            num_threads=1,
            allowed_roots=(),
        )
        return order, planned.plan

    def _run(self, kind: str, message: pb.TrainJobSpec) -> Ran:
        order, plan = self.ordered(kind, message)
        events: list[JobEvent] = []
        finished = run_job(order, events.append, StopSwitch())
        return Ran(plan=plan, events=tuple(events), finished=finished)


def wire_spec(kind: str) -> pb.TrainJobSpec:
    """Return what a client sends."""
    num_images, batch_size = (FEW_IMAGES[kind], 6) if kind in FEW_IMAGES else (64, 12)
    backbone = "shufflenet_v2_x0_5" if kind == "multilabel" else "resnet18"
    fields: dict[str, Any] = {
        "model": {
            "backbone": backbone,
            "pretrained": False,
            "imageHeightPx": 48,
            "imageWidthPx": 48,
            **HEADS[kind],
        },
        "freeze": {"full": {}},
        "dataset": {
            "drawnScenes": {"numImages": num_images, "sidePx": 48, "seed": 1},
            "validationRatio": 0.25,
        },
        "numEpochs": NUM_EPOCHS,
        "batchSize": batch_size,
        "optimizer": {"lr": 1e-3},
    }
    if kind == "simclr":
        fields["simclr"] = {"ignoreCollapse": True}
    return json_format.ParseDict(fields, pb.TrainJobSpec())


@contextmanager
def open_workshop(home: Path) -> Iterator[Workshop]:
    """Yield a workshop beside a catalog."""
    with (
        running_catalog(home / "catalog") as service,
        CatalogClient(service.address) as client,
    ):
        gateway = CatalogGateway(client, BlobStore(home / "blobs"))
        yield Workshop(home, gateway)
        gateway.close()


@pytest.fixture(scope="module")
def workshop(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Workshop]:
    with open_workshop(tmp_path_factory.mktemp("every_task")) as workshop:
        yield workshop


@pytest.mark.parametrize("kind", [each for each in EVERY if each.values != ("simclr",)])
def test_the_loss_falls(workshop: Workshop, kind: str) -> None:
    """SimCLR's does not in a dozen steps: telling views apart takes more images than these."""
    job = workshop.job(kind)

    losses = [values["loss"] for values in job.epochs("train")]

    assert len(losses) == NUM_EPOCHS
    assert losses[-1] < losses[0]


@pytest.mark.parametrize("kind", EVERY)
def test_every_validation_says_what_the_plan_promises(workshop: Workshop, kind: str) -> None:
    """Early stopping and the best epoch ask for these names."""
    job = workshop.job(kind)

    validations = job.epochs("validation")

    assert len(validations) == NUM_EPOCHS + 1  # the one before training too
    for values in validations:
        assert {*EPOCH_METRICS[kind], job.plan.main_metric} <= set(values)
        assert not any(math.isnan(value) for value in values.values())


@pytest.mark.parametrize("kind", EVERY)
def test_the_worker_plans_what_was_shown(workshop: Workshop, kind: str) -> None:
    job = workshop.job(kind)

    (planned,) = [event.plan for event in job.events if isinstance(event, Planned)]

    assert planned == job.plan
    assert planned.task == kind


@pytest.mark.parametrize("kind", EVERY)
def test_the_model_is_judged_class_by_class(workshop: Workshop, kind: str) -> None:
    job = workshop.job(kind)

    evaluation = job.evaluated.evaluation

    names = {
        "regression": ["centre_x", "centre_y", "size"],
        "segmentation": ["background", *SHAPES],
        "keypoints": ["shape"],
        "simclr": [],
    }.get(kind, SHAPES)
    assert [each.name for each in evaluation.classes] == names
    assert evaluation.num_images == job.plan.num_validation_images > 0
    assert all(each.num_true > 0 for each in evaluation.classes) or kind in FEW_IMAGES
    num_confused = len(names) ** 2 if kind in ("classification", "segmentation") else 0
    assert len(evaluation.confusion) == num_confused
    last = job.epochs("validation")[-1]
    assert evaluation.metrics == pytest.approx({**evaluation.metrics, **last}, rel=1e-6)


@pytest.mark.parametrize("kind", EVERY)
def test_a_backbone_is_left(workshop: Workshop, kind: str) -> None:
    (export,) = workshop.job(kind).finished.exports

    kinds = {file.kind for file in export.files}

    assert {"backbone_safetensors", "backbone_ckpt", "metadata"} <= kinds
    assert all(Path(file.path).stat().st_size == file.size_bytes for file in export.files)

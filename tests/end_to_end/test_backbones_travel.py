"""A backbone leaves a job of any task, is registered, and starts a job of any other.

Jobs run in this process on orders that a real catalog's models are in.
"""

import asyncio
import json
import subprocess
import sys
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, replace
from functools import cache
from pathlib import Path
from typing import Any

import pytest
import torch
import torchvision
from safetensors.torch import load_file, save_file
from torch import Tensor

from catalog_service.blobs.store import BlobStore
from catalog_service.model_wire import spec_from_message
from catalog_service.models.backbone_structure import structure_of
from catalog_service.models.freeze_plan import FreezeMode
from tests.services import running_catalog
from trainer_service.backbone_export.proof import answer_of, one_thread
from trainer_service.catalog_gateway import CatalogGateway, NewCheckpoint
from trainer_service.errors import CatalogUnavailable
from trainer_service.jobs import (
    DatasetSpec,
    DrawnSource,
    Export,
    JobModel,
    JobSpec,
    SimClrSpec,
    WorkOrder,
)
from trainer_service.jobs.lineage import export_lineage
from trainer_service.run_job import load_model, run_job
from trainer_service.stop_switch import StopSwitch
from trainer_service.supervisor.patience import patiently
from trainer_service.supervisor.rooms import Timing
from vertebra.catalog_client import CatalogClient
from vertebra.client_errors import RpcFailed
from vertebra.model.v1 import model_spec_pb2
from vertebra.wire_json import to_message

ARCHITECTURE = "shufflenet_v2_x0_5"
SIDE_PX = 64
SHAPES = ["circle", "square", "triangle"]
SCENES = DatasetSpec(
    kind="drawn_scenes",
    validation_ratio=0.5,
    drawn=DrawnSource(num_images=8, side_px=SIDE_PX, max_objects=1),
)

TASKS: Mapping[str, Mapping[str, Any]] = {
    "simclr": {"features": {"output": "pooled"}},
    "segmentation": {"segmentation": {"class_names": ["background", *SHAPES]}},
    "detection": {"detection": {"class_names": SHAPES}},
    "classification": {"classification": {"class_names": SHAPES}},
    "regression": {"regression": {"target_names": ["centre_x", "centre_y", "size"]}},
    "instance_segmentation": {"instance_segmentation": {"class_names": SHAPES}},
    "keypoints": {"keypoints": {"num_keypoints": 4}},
}
QUICK = ("simclr", "segmentation")
EVERY = [task if task in QUICK else pytest.param(task, marks=pytest.mark.full) for task in TASKS]

HEAD = {"classification": {"num_classes": 2}}

IN_A_FRESH_PROCESS = """
import sys, torch, torchvision
torch.set_num_threads(1)
backbone, images, features = sys.argv[1:]
model = torchvision.models.shufflenet_v2_x0_5()
model.fc = torch.nn.Identity()
state = torch.load(backbone, weights_only=True)
model.load_state_dict(state, strict=True)
with torch.no_grad():
    torch.save(model.eval()(torch.load(images, weights_only=True)), features)
"""


@dataclass(frozen=True, slots=True, kw_only=True)
class Ran:
    """A job that has run."""

    order: WorkOrder
    export: Export

    @property
    def folder(self) -> Path:
        return Path(self.order.export_dir)

    @property
    def metadata(self) -> dict[str, Any]:
        document: dict[str, Any] = json.loads((self.folder / "metadata.json").read_text())
        return document


@dataclass(frozen=True, slots=True, kw_only=True)
class Place:
    """A catalog, and a folder for jobs."""

    home: Path
    client: CatalogClient
    gateway: CatalogGateway

    def model(self, **spec: Any) -> JobModel:
        """Return a built model; a small one of random numbers unless the spec says otherwise."""
        sides = {"image_height_px": SIDE_PX, "image_width_px": SIDE_PX}
        asked = {"backbone": ARCHITECTURE, "allow_frozen_random": True, **sides, **spec}
        asked = asked if "weights" in asked else {"pretrained": False, **asked}
        message = to_message(asked, model_spec_pb2.ModelSpec)
        return asyncio.run(self.gateway.prepare(spec_from_message(message)))

    def run(self, name: str, model: JobModel, **spec: Any) -> Ran:
        """Run a job of one step on drawn scenes."""
        wanted = {"freeze": FreezeMode(), "num_epochs": 0, "num_steps": 1, "batch_size": 4, **spec}
        order = WorkOrder(
            job_id=name,
            attempt=1,
            nonce="nonce",
            spec=JobSpec(model=model.spec, dataset=SCENES, **wanted),
            model=model,
            export_dir=str(self.home / name / "export"),
            run_folder=str(self.home / name / "run"),
            num_threads=1,
        )
        (export,) = run_job(order, lambda event: None, StopSwitch()).exports
        return Ran(order=order, export=export)

    def checkpoint(self, ran: Ran, checkpoint_id: str) -> NewCheckpoint:
        """Return what a supervisor would register."""
        (file,) = (file for file in ran.export.files if file.kind == "backbone_safetensors")
        return NewCheckpoint(
            request_id="0b7e2f6e-8b67-4b0e-9c39-0d6c6d0f7a11",
            checkpoint_id=checkpoint_id,
            architecture_id=ran.export.architecture_id,
            path=file.path,
            digest=file.digest,
            lineage=export_lineage(
                ran.order.job_id,
                ran.order.spec,
                ran.order.model,
                plan=None,
                epoch=1,
                source_digest=file.digest,
            ),
            structure=structure_of(ran.order.model.spec, ran.order.model.layout),
        )


@pytest.fixture(scope="module")
def place(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Place]:
    home = tmp_path_factory.mktemp("travels")
    torch.set_num_threads(1)
    with (
        running_catalog(home / "catalog") as service,
        CatalogClient(service.address) as client,
    ):
        gateway = CatalogGateway(client, BlobStore(home / "blobs"))
        yield Place(home=home, client=client, gateway=gateway)
        gateway.close()


@pytest.fixture(scope="module")
def trained(place: Place) -> Callable[[str], Ran]:
    """`trained(task)` is a job of that task whose backbone is registered under the task's name."""

    @cache
    def ran_of(task: str) -> Ran:
        simclr = {"simclr": SimClrSpec()} if task == "simclr" else {}
        ran = place.run(task, place.model(**TASKS[task]), **simclr)
        checkpoint = replace(place.checkpoint(ran, task.replace("_", "-")), request_id=_uuid(task))
        asyncio.run(place.gateway.register(checkpoint))
        return ran

    return ran_of


def _uuid(task: str, *, other: int = 0) -> str:
    return f"00000000-0000-4000-800{other}-{list(TASKS).index(task):012d}"


@pytest.mark.parametrize("task", EVERY)
def test_the_backbone_of_any_task_has_plain_names_and_starts_another(
    place: Place, trained: Callable[[str], Ran], task: str
) -> None:
    ran = trained(task)

    plain = torchvision.models.shufflenet_v2_x0_5().state_dict()
    exported = load_file(ran.folder / "backbone.safetensors")
    child = place.model(weights=f"checkpoints/{task.replace('_', '-')}", **HEAD)

    lacking = plain.keys() - exported.keys() - {"fc.weight", "fc.bias"}
    assert exported.keys() <= plain.keys() - {"fc.weight", "fc.bias"}
    assert lacking <= _counters(plain)
    assert (child.backbone_digest == ran.export.backbone_digest) == (not lacking)
    assert child.lineage.parent == f"checkpoints/{task.replace('_', '-')}"
    assert ran.metadata["task"] == task


def _counters(state: Mapping[str, Tensor]) -> set[str]:
    """Return what frozen batch norms of detectors lack; a registration fills it with 0."""
    return {name for name in state if name.endswith("num_batches_tracked")}


def test_an_export_loads_where_nothing_but_torchvision_is(
    place: Place, trained: Callable[[str], Ran], tmp_path: Path
) -> None:
    """Strictly, without executing anything, and to the same features bit by bit."""
    ran = trained("simclr")
    images = torch.rand(2, 3, SIDE_PX, SIDE_PX, generator=torch.Generator().manual_seed(0))
    torch.save(images, tmp_path / "images")

    program = [sys.executable, "-c", IN_A_FRESH_PROCESS]
    arguments = [ran.folder / "backbone.ckpt", tmp_path / "images", tmp_path / "features"]
    subprocess.run([*program, *map(str, arguments)], check=True)

    whole = load_file(ran.folder / "backbone.safetensors")
    model = torchvision.models.shufflenet_v2_x0_5()
    model.fc = torch.nn.Identity()
    model.load_state_dict(whole, strict=True)
    with one_thread(), torch.no_grad():
        ours = model.eval()(images)
    assert torch.equal(torch.load(tmp_path / "features", weights_only=True), ours)


def test_the_metadata_tell_how_to_use_it_and_where_it_comes_from(
    trained: Callable[[str], Ran],
) -> None:
    ran = trained("segmentation")

    told = ran.metadata

    assert told["class_names"] == ["background", *SHAPES]
    assert len(told["input"]["mean"]) == len(told["input"]["std"]) == 3
    assert (told["input"]["height_px"], told["input"]["width_px"]) == (SIDE_PX, SIDE_PX)
    assert told["digests"]["parent_backbone"] == ran.order.model.backbone_digest
    assert told["digests"]["plan"].startswith("sha256:")
    assert told["data"]["report"]["num_train_images"] == told["data"]["num_train_images"]
    assert told["lineage"]["method"] == "supervised"
    assert told["evaluation"]["classes"][1]["name"] == "circle"
    assert told["frozen"]["num_tensors"] == 0


def test_the_views_of_the_run_are_exported_with_it(trained: Callable[[str], Ran]) -> None:
    kinds = {file.kind for file in trained("segmentation").export.files}

    assert {"metrics_csv", "curves_png", "tensorboard_events"} < kinds


def test_what_simclr_learned_is_registered_without_its_projection(
    place: Place, trained: Callable[[str], Ran]
) -> None:
    """And segmentation that keeps it still leaves with the very same backbone."""
    pretrained = trained("simclr")
    model = place.model(weights="checkpoints/simclr", **TASKS["segmentation"])

    ran = place.run("downstream", model, freeze=FreezeMode(kind="frozen_backbone"))

    assert pretrained.metadata["lineage"]["method"] == "simclr"
    assert not [n for n in load_file(pretrained.folder / "model.safetensors") if "proj" in n]
    assert ran.export.backbone_digest == pretrained.export.backbone_digest
    assert ran.metadata["frozen"]["num_tensors"] >= len(model.layout.of_role("backbone"))


def test_a_job_from_a_registered_backbone_begins_with_its_features(
    place: Place, trained: Callable[[str], Ran]
) -> None:
    parent = trained("simclr").order.model
    images = torch.rand(2, 3, SIDE_PX, SIDE_PX, generator=torch.Generator().manual_seed(0))
    exported = load_file(trained("simclr").folder / "backbone.safetensors")
    plain = torchvision.models.shufflenet_v2_x0_5()
    plain.fc = torch.nn.Identity()
    plain.load_state_dict(exported)

    child = place.model(weights="checkpoints/simclr", **HEAD)

    with one_thread(), torch.no_grad():
        (features,) = answer_of(load_model(child).eval(), child.layout.head_modules, images)[
            "features"
        ]
        assert torch.equal(features, plain.eval()(images))
    assert parent.backbone_digest != child.backbone_digest, "it has learned something"


def test_another_architecture_is_refused_with_what_fits(place: Place, trained) -> None:  # type: ignore[no-untyped-def]
    trained("simclr")

    with pytest.raises(RpcFailed, match="is for shufflenet_v2_x0_5, not for resnet34"):
        place.client.build_model({"backbone": "resnet34", "weights": "checkpoints/simclr", **HEAD})


@pytest.mark.full
def test_a_backbone_that_lost_modules_travels_too(place: Place) -> None:
    """It is registered with what it lacks; nobody has to know."""
    lacking = ["backbone.stage4.3", "backbone.stage2.1"]
    model = place.model(**TASKS["segmentation"], remove_modules=lacking)
    ran = place.run("short", model)
    checkpoint = replace(place.checkpoint(ran, "short"), request_id=_uuid("detection", other=1))
    asyncio.run(place.gateway.register(checkpoint))

    child = place.model(weights="checkpoints/short", **HEAD)
    grandchild = place.run(
        "grandchild",
        place.model(weights="checkpoints/short", **TASKS["segmentation"]),
        freeze=FreezeMode(kind="frozen_backbone"),
    )

    assert child.spec.remove_modules == ("stage4.3", "stage2.1")
    assert child.backbone_digest == ran.export.backbone_digest
    assert grandchild.export.backbone_digest == ran.export.backbone_digest


class LosesReplies:
    """A catalog that does what it is asked, and whose first replies are lost on the way."""

    def __init__(self, gateway: CatalogGateway, num_lost: int) -> None:
        self._gateway = gateway
        self._num_lost = num_lost
        self.num_asked = 0

    async def register(self, checkpoint: NewCheckpoint) -> str:
        """Register; raise as if nothing had been heard."""
        self.num_asked += 1
        name = await self._gateway.register(checkpoint)
        if self.num_asked <= self._num_lost:
            raise CatalogUnavailable("the connection broke")
        return name


def test_replies_lost_five_times_leave_one_entry(
    place: Place, trained: Callable[[str], Ran], tmp_path: Path
) -> None:
    """The request id is the job's and the digest's; somebody else's bytes under the name are not
    taken for it.
    """
    catalog = LosesReplies(place.gateway, num_lost=5)
    checkpoint = replace(
        place.checkpoint(trained("simclr"), "retried"), request_id=_uuid("simclr", other=1)
    )
    quick = Timing(first_wait_s=0.01, longest_wait_s=0.02)
    before = len(list(place.client.list_checkpoints()))

    name = asyncio.run(patiently(lambda: catalog.register(checkpoint), quick))

    assert (name, catalog.num_asked) == ("checkpoints/retried", 6)
    assert len(list(place.client.list_checkpoints())) == before + 1
    other = {name: tensor + 1 for name, tensor in load_file(checkpoint.path).items()}
    save_file(other, tmp_path / "other")
    with pytest.raises(RpcFailed, match="holds"):
        place.client.register_checkpoint(
            checkpoint_id="retried",
            architecture_id=ARCHITECTURE,
            blob_name=place.client.blobs.upload(tmp_path / "other").name,
        )

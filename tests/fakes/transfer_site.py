"""Backbones to start from in three ways, built by a real catalog; jobs on them run here.

Imports torch.
"""

import asyncio
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from functools import partial
from pathlib import Path
from typing import Any

import torch
from safetensors.torch import load_file
from torch import Tensor

from catalog_service.blobs.store import BlobStore
from catalog_service.index.catalog_index import CatalogIndex
from catalog_service.model_wire import spec_from_message
from catalog_service.models.families.table import family_of
from catalog_service.models.freeze_plan import FreezeMode
from catalog_service.models.skeleton import build
from tests.fakes.image_folders import draw_folder
from tests.fakes.published_weights import PublishedFolder
from tests.services import running_catalog
from trainer_service.catalog_gateway import CatalogGateway
from trainer_service.jobs import DatasetSpec, JobEvent, JobModel, JobSpec, WorkOrder
from trainer_service.run_job import run_job
from trainer_service.stop_switch import StopSwitch
from vertebra.catalog_client import CatalogClient
from vertebra.model.v1 import model_spec_pb2
from vertebra.wire_json import to_message

CLASSES = ("blue", "green", "red")
NUM_IMAGES = 8
BATCH_SIZE = 8


@dataclass(frozen=True, slots=True, kw_only=True)
class Backbone:
    """A small member of a family."""

    name: str
    side_px: int = 32
    is_tiny: bool = False
    """Built with its family's tiny arguments."""

    @property
    def arguments(self) -> Mapping[str, Any]:
        """What differs from the published structure."""
        return family_of(self.name).tiny_arguments if self.is_tiny else {}


@dataclass(frozen=True, slots=True, kw_only=True)
class Ran:
    """A job that has run."""

    order: WorkOrder
    events: tuple[JobEvent, ...]
    before: Mapping[str, Tensor]
    after: Mapping[str, Tensor]

    @property
    def changed(self) -> set[str]:
        """Names of the tensors that are not what the job started from, to the last bit."""
        assert self.before.keys() == self.after.keys()
        return {
            name
            for name, tensor in self.before.items()
            if tensor.numpy().tobytes() != self.after[name].numpy().tobytes()
        }


@dataclass(kw_only=True)
class TransferSite:
    """A catalog whose mirror has weights of every backbone, and images to learn from."""

    home: Path
    client: CatalogClient
    gateway: CatalogGateway
    data: Path
    registered: set[str] = field(default_factory=set)
    num_runs: int = 0

    def start(self, backbone: Backbone, how: str) -> JobModel:
        """Return a model for three classes.

        Args:
            how: `definition`, `pretrained`, or `checkpoint`: the pretrained one, trained here.
        """
        source: Mapping[str, Any] = {"pretrained": how != "definition"}
        if how == "checkpoint":
            source = {"weights": f"checkpoints/{self._checkpoint_of(backbone)}"}
        spec: Mapping[str, Any] = {
            "backbone": backbone.name,
            "classification": {"class_names": CLASSES},
            "image_height_px": backbone.side_px,
            "image_width_px": backbone.side_px,
            "allow_frozen_random": True,
            **source,
        }
        if how != "pretrained" and backbone.is_tiny:
            spec = {**spec, "arguments": backbone.arguments}
        message = to_message(spec, model_spec_pb2.ModelSpec)
        return asyncio.run(self.gateway.prepare(spec_from_message(message)))

    def _checkpoint_of(self, backbone: Backbone) -> str:
        """Return the id of a backbone that was trained and registered here."""
        if backbone.name not in self.registered:
            ran = self.run(self.start(backbone, "pretrained"), FreezeMode())
            exported = Path(ran.order.export_dir) / "backbone.safetensors"
            self.client.register_checkpoint(
                checkpoint_id=backbone.name,
                architecture_id=backbone.name,
                blob_name=self.client.blobs.upload(exported).name,
                structure={"arguments": backbone.arguments} if backbone.is_tiny else None,
            )
            self.registered.add(backbone.name)
        return backbone.name

    def run(self, model: JobModel, freeze: FreezeMode, **spec: Any) -> Ran:
        """Run a job of three steps."""
        self.num_runs += 1
        folder = self.home / f"run{self.num_runs}"
        settings = {"num_epochs": 0, "num_steps": 3, "batch_size": BATCH_SIZE, **spec}
        dataset = DatasetSpec(kind="image_folder", path=str(self.data))
        order = WorkOrder(
            job_id=f"job{self.num_runs}",
            attempt=1,
            nonce="nonce",
            spec=JobSpec(model=model.spec, freeze=freeze, dataset=dataset, **settings),
            model=model,
            export_dir=str(folder / "export"),
            num_threads=1,
            allowed_roots=(str(self.data),),
        )
        events: list[JobEvent] = []
        run_job(order, events.append, StopSwitch())
        after = load_file(folder / "export" / "model.safetensors")
        return Ran(order=order, events=tuple(events), before=state_of(model), after=after)


def state_of(model: JobModel) -> dict[str, Tensor]:
    """Return the state of a built model under the model's own names."""
    backbone = load_file(model.backbone_path)
    named = {model.layout.model_name(name): tensor for name, tensor in backbone.items()}
    return {**named, **load_file(model.head_path)}


def calibrated(backbone: Backbone, state: Mapping[str, Tensor]) -> Mapping[str, Tensor]:
    """Return the state with batch-norm statistics of images, as every published file has them.

    With those of a new module numbers shrink from layer to layer until nothing moves any more.
    """
    index = CatalogIndex.load()
    entry = index.default_weight(backbone.name)
    entry = replace(entry, arguments={**entry.arguments, **backbone.arguments})
    module = build(index.recipe_for(backbone.name, entry))
    with torch.no_grad():
        for name, tensor in module.state_dict().items():
            tensor.copy_(state[name])
    for one in module.modules():
        if isinstance(one, torch.nn.modules.batchnorm._BatchNorm):
            one.momentum = None  # the mean over all batches
    generator = torch.Generator().manual_seed(0)
    images = torch.rand(8, 3, backbone.side_px, backbone.side_px, generator=generator)
    with torch.no_grad():
        module.train()(images)
    return module.state_dict()


@contextmanager
def transfer_site(home: Path, backbones: tuple[Backbone, ...]) -> Iterator[TransferSite]:
    """Yield a site with published weights of `backbones`: random numbers, real names and shapes."""
    mirror = PublishedFolder(home / "mirror")
    for backbone in backbones:
        seen = partial(calibrated, backbone)
        mirror.write(backbone.name, seed=1, arguments=dict(backbone.arguments), change=seen)
    data = draw_folder(home / "data", dict.fromkeys(CLASSES, NUM_IMAGES))
    with (
        running_catalog(
            home / "catalog",
            VERTEBRA_CATALOG_MIRRORS=str(mirror.folder),
            VERTEBRA_CATALOG_INDEX=str(mirror.index_path),
        ) as service,
        CatalogClient(service.address) as client,
    ):
        gateway = CatalogGateway(client, BlobStore(home / "blobs"))
        yield TransferSite(home=home, client=client, gateway=gateway, data=data)
        gateway.close()

"""A catalog that the trainer can ask without a network."""

import asyncio
from dataclasses import dataclass, field, replace

from catalog_service.errors import NotFound, VertebraError
from catalog_service.models.contracts import OutputContract
from catalog_service.models.layout import TensorInfo, is_inside
from catalog_service.models.spec import ModelSpec
from tests.fakes.job_values import INPUT, LAYOUT, job_model
from trainer_service.catalog_gateway import ModelDescription, NewCheckpoint
from trainer_service.errors import CheckpointExists
from trainer_service.jobs import JobModel


def _is_there(tensor: TensorInfo, spec: ModelSpec) -> bool:
    return not any(is_inside(tensor.name, path) for path in spec.remove_modules)


@dataclass(kw_only=True)
class FakeCatalogGateway:
    """Implements `trainer_service.catalog_gateway.Catalog`. Failures are raised once each."""

    backbone_path: str = "/blobs/backbone"
    head_path: str = "/blobs/head"
    failures: list[VertebraError] = field(default_factory=list)
    """Of `prepare`."""
    bytes_failure: VertebraError | None = None
    alone_failure: VertebraError | None = None
    """Of describing a backbone alone: random numbers, no task."""
    registration_failures: list[VertebraError] = field(default_factory=list)
    is_slow: bool = False
    """`prepare` never comes back."""
    prepared: list[ModelSpec] = field(default_factory=list)
    registered: dict[str, NewCheckpoint] = field(default_factory=dict)
    """By request id, as the catalog keeps them."""
    num_registrations: int = 0

    async def describe(self, spec: ModelSpec) -> ModelDescription:
        """Return two stages, but for removed ones, and a head with as many outputs as wanted."""
        if spec.backbone != "resnet18":
            message = f"no architecture {spec.backbone!r}; closest are resnet18"
            raise NotFound(message, reason="ARCHITECTURE_NOT_FOUND")
        if self.alone_failure is not None and spec.pretrained is False and spec.task is None:
            raise self.alone_failure
        num_outputs = spec.task.num_outputs if spec.task else 1000
        names = getattr(spec.task, "class_names", ())
        return ModelDescription(
            spec=replace(spec, weights=spec.weights or "torchvision/ResNet18_Weights.DEFAULT"),
            layout=replace(LAYOUT, tensors=tuple(t for t in LAYOUT.tensors if _is_there(t, spec))),
            input=INPUT,
            output=OutputContract(shape=(num_outputs,), class_names=names),
        )

    async def require_bytes(self, spec: ModelSpec) -> None:
        """Raise what this fake was told to."""
        if self.bytes_failure is not None:
            raise self.bytes_failure

    async def require_free_name(self, checkpoint_id: str) -> None:
        """Raise where a checkpoint of this name was registered."""
        if checkpoint_id in {one.checkpoint_id for one in self.registered.values()}:
            raise CheckpointExists(f"checkpoints/{checkpoint_id} exists")

    async def prepare(self, spec: ModelSpec) -> JobModel:
        """Return the one model."""
        self.prepared.append(spec)
        if self.is_slow:
            await asyncio.Event().wait()
        if self.failures:
            raise self.failures.pop(0)
        model = job_model(backbone_path=self.backbone_path, head_path=self.head_path)
        return replace(model, spec=spec)

    async def register(self, checkpoint: NewCheckpoint) -> str:
        """Keep it under its request id."""
        self.num_registrations += 1
        if self.registration_failures:
            raise self.registration_failures.pop(0)
        self.registered[checkpoint.request_id] = checkpoint
        return f"checkpoints/{checkpoint.checkpoint_id}"

"""What the trainer asks of the catalog, in values."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Protocol

from catalog_service.models.backbone_structure import BackboneStructure
from catalog_service.models.contracts import InputContract, OutputContract
from catalog_service.models.layout import StateLayout
from catalog_service.models.lineage import Lineage
from catalog_service.models.spec import ModelSpec
from trainer_service.jobs import JobModel


@dataclass(frozen=True, slots=True, kw_only=True)
class ModelDescription:
    """A model without numbers: what a plan needs."""

    spec: ModelSpec
    """With every default filled in."""
    layout: StateLayout
    input: InputContract
    output: OutputContract


@dataclass(frozen=True, slots=True, kw_only=True)
class NewCheckpoint:
    """A backbone to register."""

    request_id: str
    """The same for the same backbone of the same job: asking twice is asking once."""
    checkpoint_id: str
    architecture_id: str
    path: str
    """A safetensors file on this host."""
    digest: str
    """Of that file."""
    lineage: Lineage
    metrics: Mapping[str, float] = field(default_factory=dict)
    mean: tuple[float, ...] = ()
    std: tuple[float, ...] = ()
    structure: BackboneStructure = field(default_factory=BackboneStructure)


class Catalog(Protocol):
    """What the trainer asks of the catalog."""

    async def describe(self, spec: ModelSpec) -> ModelDescription:
        """Return the model's definition; no weights are looked for.

        Raises:
            VertebraError: what the catalog said. CatalogUnavailable: nothing.
        """
        ...

    async def require_bytes(self, spec: ModelSpec) -> None:
        """Return unless the catalog says quickly that there are no bytes for a resolved spec.

        Raises:
            VertebraError: WEIGHTS_UNAVAILABLE and the like, with the whole trail.
        """
        ...

    async def require_free_name(self, checkpoint_id: str) -> None:
        """Return unless a checkpoint of this name exists: registering other bytes would fail.

        Raises:
            CheckpointExists: it does.
            VertebraError: what the catalog said. CatalogUnavailable: nothing.
        """
        ...

    async def prepare(self, spec: ModelSpec) -> JobModel:
        """Return the built model, its bytes verified in our own store.

        Raises:
            VertebraError: what the catalog said. CatalogUnavailable: nothing.
        """
        ...

    async def register(self, checkpoint: NewCheckpoint) -> str:
        """Return `checkpoints/<id>`; the same call again gives the same answer.

        Raises:
            VertebraError: what the catalog said. CatalogUnavailable: nothing.
        """
        ...

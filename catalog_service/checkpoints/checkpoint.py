"""A registered backbone as a value, and what can be wrong with one."""

from collections.abc import Mapping
from dataclasses import dataclass, field, fields

from catalog_service.errors import Conflict, InvalidRequest, NotFound, Precondition
from catalog_service.models.backbone_structure import BackboneStructure
from catalog_service.models.layout import LoadReport
from catalog_service.models.lineage import Lineage


@dataclass(frozen=True, slots=True, kw_only=True)
class CheckpointRemedies:
    """How to get a checkpoint's bytes.

    Attributes:
        origin_urls: where its file is served, the best first.
        recipe: how it was trained: a command, a URL, a paragraph.
        contact: whom to ask.
    """

    origin_urls: tuple[str, ...] = ()
    recipe: str = ""
    contact: str = ""

    @property
    def is_empty(self) -> bool:
        """Whether they help nobody."""
        return not (self.origin_urls or self.recipe or self.contact)


@dataclass(frozen=True, slots=True, kw_only=True)
class Checkpoint:
    """A backbone that any later model can start from.

    Attributes:
        structure_of: the published weight whose recipe the backbone fits: architectures with
            several (ViT at 224 and 512 px) have backbones of several shapes.
        structure: what is not as in that recipe.
        backbone_digest, blob_digest, blob_size_bytes: of the backbone as safetensors under
            canonical names; empty and 0 for an entry that only says how to get them.
        mean, std: a number for each channel, or none: then the published preprocessing applies.
        create_time: seconds since the epoch.
    """

    checkpoint_id: str
    architecture_id: str
    structure_of: str
    backbone_digest: str
    blob_digest: str
    blob_size_bytes: int
    lineage: Lineage
    load_report: LoadReport
    metrics: Mapping[str, float]
    mean: tuple[float, ...]
    std: tuple[float, ...]
    create_time: float
    structure: BackboneStructure = field(default_factory=BackboneStructure)
    remedies: CheckpointRemedies = field(default_factory=CheckpointRemedies)

    @property
    def has_bytes(self) -> bool:
        """Whether its numbers were registered, not only how to get them."""
        return bool(self.blob_digest)

    @property
    def name(self) -> str:
        """`checkpoints/letters`: what ModelSpec.weights takes."""
        return f"checkpoints/{self.checkpoint_id}"


_NOT_TOLD = frozenset({"source_digest", "source_proof", "licence", "train_job"})
"""Fields of a lineage that the catalog fills in itself; and which of two equal runs it was."""


def contradictions(existing: Checkpoint, wanted: Checkpoint) -> list[str]:
    """Return the fields in which `wanted` says something that `existing` does not say.

    What `wanted` leaves out contradicts nothing.
    """
    names = [each.name for each in fields(Lineage) if each.name not in _NOT_TOLD]
    pairs = [
        *((name, getattr(existing.lineage, name), getattr(wanted.lineage, name)) for name in names),
        ("metrics", existing.metrics, wanted.metrics),
        ("mean", existing.mean, wanted.mean),
        ("std", existing.std, wanted.std),
    ]
    return [name for name, before, given in pairs if given and given != before]


class CheckpointNotFound(NotFound):
    """No registered backbone has this name."""

    reason = "CHECKPOINT_NOT_FOUND"


class CheckpointExists(Conflict):
    """The id holds other bytes."""

    reason = "CHECKPOINT_EXISTS"


class RequestIdReused(InvalidRequest):
    """The request id was used with another request."""

    reason = "REQUEST_ID_REUSED"


class CheckpointReferenced(Precondition):
    """Other checkpoints name it as their parent."""

    reason = "CHECKPOINT_REFERENCED"

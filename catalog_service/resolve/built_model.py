"""What a build gives, as a value."""

from dataclasses import dataclass

from catalog_service.blobs.store import BlobInfo
from catalog_service.models.contracts import InputContract, OutputContract
from catalog_service.models.layout import LoadReport, StateLayout
from catalog_service.models.lineage import Lineage
from catalog_service.models.recipe import Recipe
from catalog_service.models.spec import ModelSpec


@dataclass(frozen=True, slots=True, kw_only=True)
class StatePart:
    """One safetensors blob of a state; `role` is `backbone`, or `head` for all that is not."""

    role: str
    blob: BlobInfo


@dataclass(frozen=True, slots=True, kw_only=True)
class BuiltModel:
    """A model whose numbers are in the store, or its definition alone (then no parts, no digests).

    Attributes:
        name: `models/<64 hex digits>`, which ReadTensors takes; empty for the definition alone.
        spec: with every default filled in.
    """

    name: str
    spec: ModelSpec
    spec_digest: str
    parts: tuple[StatePart, ...]
    state_digest: str
    backbone_digest: str
    layout: StateLayout
    recipe: Recipe
    load_report: LoadReport | None
    input: InputContract
    output: OutputContract
    lineage: Lineage
    num_parameters: int
    num_backbone_parameters: int

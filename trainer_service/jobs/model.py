"""The model that a job starts from, pinned when it was built."""

from dataclasses import dataclass

from catalog_service.models.contracts import InputContract, OutputContract
from catalog_service.models.layout import LoadReport, StateLayout
from catalog_service.models.lineage import Lineage
from catalog_service.models.recipe import Recipe
from catalog_service.models.spec import ModelSpec


@dataclass(frozen=True, slots=True, kw_only=True)
class JobModel:
    """What the worker needs to build the model, and the digests that prove it is the right one."""

    spec: ModelSpec
    """As the catalog resolved it."""
    spec_digest: str
    state_digest: str
    backbone_digest: str
    layout: StateLayout
    recipe: Recipe
    load_report: LoadReport
    input: InputContract
    output: OutputContract
    lineage: Lineage
    backbone_path: str
    """Verified safetensors file on this host: tensors of role backbone."""
    head_path: str
    """The same for everything that is not backbone."""

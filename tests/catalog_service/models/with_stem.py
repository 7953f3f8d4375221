"""Plans of specs that ask for another number of channels."""

from typing import Any, cast

from catalog_service.checkpoints.registry import Registry
from catalog_service.index.catalog_index import CatalogIndex
from catalog_service.models.spec import ModelSpec
from catalog_service.resolve.build_plan import BuildPlan, plan_build


def with_stem(index: CatalogIndex, name: str, count: int, **fields: Any) -> BuildPlan:
    """Return the plan of an architecture for `count` channels; no checkpoint is looked up."""
    spec = ModelSpec.from_json({"backbone": name, "in_channels": count, **fields})
    return plan_build(spec, index, cast(Registry, None))

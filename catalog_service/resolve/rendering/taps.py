"""Which stages of a backbone the neck and the heads look at. Pure."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from catalog_service.models.model_description import ModelDescription, ModuleInfo, PartSummary
from catalog_service.models.recipe import Recipe


@dataclass(frozen=True, slots=True, kw_only=True)
class Taps:
    """Stages whose output leaves the backbone."""

    by_kind: Mapping[str, tuple[str, ...]]
    """`neck`, `head`, `aux` -> names of stages, from the image side."""

    @property
    def names(self) -> frozenset[str]:
        """Return the names of all of them."""
        return frozenset(name for names in self.by_kind.values() for name in names)


def taps_of(model: ModelDescription, recipe: Recipe) -> Taps:
    """Return where neck, head and auxiliary heads are fed from.

    What the recipe says comes first; else stages are told by the shapes that a part is given; else
    it is the last stage.
    """
    stages = [part for part in model.parts if part.role == "backbone"]
    roles = [part.role for part in model.parts if part.role != "backbone"]
    first = "neck" if "neck" in roles else "head"
    found: dict[str, tuple[str, ...]] = {}
    for role in roles:
        if role == "head" and first == "neck":
            continue
        named = _named(recipe, stages) if role == first else ()
        found[role] = named or _by_shape(model.modules, role, stages) or _last(stages)
    return Taps(by_kind=found)


def _named(recipe: Recipe, stages: Sequence[PartSummary]) -> tuple[str, ...]:
    wanted = (recipe.head or {}).get("feature_maps", ())
    return tuple(part.name for part in stages if part.name in wanted)


def _by_shape(
    modules: Sequence[ModuleInfo], role: str, stages: Sequence[PartSummary]
) -> tuple[str, ...]:
    """Return the last stage that puts out each shape that the first called module takes."""
    called = next((row for row in modules if row.role == role and row.inputs), None)
    by_shape = {part.output: part.name for part in stages if part.output}
    found = {by_shape[shape] for shape in (called.inputs if called else ()) if shape in by_shape}
    return tuple(part.name for part in stages if part.name in found)


def _last(stages: Sequence[PartSummary]) -> tuple[str, ...]:
    return tuple(part.name for part in stages[-1:])

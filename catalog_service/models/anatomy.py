"""Which module paths of a recipe's model are backbone, neck, head and auxiliary. Pure, no torch.

An architecture's own module is told by its family. A composed model (our head on another
architecture's backbone) is told by where its head's `Placement` puts the backbone.
"""

from dataclasses import dataclass, replace

from catalog_service.models.families.family import Family, StageRule
from catalog_service.models.families.table import family_of
from catalog_service.models.layout import PrefixRename, Role, is_inside
from catalog_service.models.placements import PLACEMENTS, Placement
from catalog_service.models.recipe import Recipe


@dataclass(frozen=True, slots=True, kw_only=True)
class Anatomy:
    """The parts of one model, as module paths (or single tensors in no module of the part)."""

    stages: tuple[StageRule, ...]
    """From the image side to the head side."""

    head_modules: tuple[str, ...]
    neck_modules: tuple[str, ...]
    aux_modules: tuple[str, ...]
    replaced_modules: tuple[str, ...]
    """What a new task re-initialises."""

    backbone_architecture: str
    """Whose backbones fit: `resnet50` for `fcn_resnet50`."""

    backbone_names: tuple[PrefixRename, ...]
    """From that architecture's names to this model's; no rule: the same."""

    def role_of(self, name: str) -> Role:
        """Return the role of a tensor or module path: exactly one for every name."""
        parts: tuple[tuple[Role, tuple[str, ...]], ...] = (
            ("head", self.head_modules),
            ("neck", self.neck_modules),
            ("aux", self.aux_modules),
        )
        for role, modules in parts:
            if any(is_inside(name, module) for module in modules):
                return role
        return "backbone"


def anatomy(recipe: Recipe) -> Anatomy:
    """Return the parts of a recipe's model.

    Raises:
        LookupError: no family file lists the architecture.
    """
    family = family_of(recipe.architecture_id)
    kind = recipe.head["kind"] if recipe.head is not None else ""
    own = _own(family, recipe)
    return _composed(own, PLACEMENTS[kind]) if kind in PLACEMENTS else own


def _own(family: Family, recipe: Recipe) -> Anatomy:
    trunk = family.trunks.get(recipe.architecture_id)
    return Anatomy(
        stages=family.stages_of(recipe.architecture_id, recipe.arguments),
        head_modules=family.head_modules,
        neck_modules=family.neck_modules,
        aux_modules=family.aux_modules,
        replaced_modules=family.replaced_modules,
        backbone_architecture=trunk.architecture_id if trunk else recipe.architecture_id,
        backbone_names=trunk.names if trunk else (),
    )


def _composed(trunk: Anatomy, placement: Placement) -> Anatomy:
    """Put a trunk's stages behind the placement's prefix; nothing of its own head is left."""
    prefix = placement.backbone_prefix
    return replace(
        trunk,
        stages=tuple(
            replace(rule, modules=tuple(f"{prefix}{path}" for path in rule.modules))
            for rule in trunk.stages
        ),
        head_modules=placement.head_modules,
        neck_modules=placement.neck_modules,
        aux_modules=placement.aux_modules,
        replaced_modules=(
            *placement.head_modules,
            *placement.neck_modules,
            *placement.aux_modules,
        ),
        backbone_names=(PrefixRename(blob_prefix="", model_prefix=prefix),),
    )

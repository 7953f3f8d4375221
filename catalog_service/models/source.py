"""A file that numbers come from, read under the names of the model that is built from it.

Two kinds: the whole state of a published weight, under its own architecture's names, and a bare
backbone under the names of the backbone architecture. Imports torch.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from torch import Tensor

from catalog_service.blobs.safetensors_file import read_header
from catalog_service.models.anatomy import Anatomy, anatomy
from catalog_service.models.layout import StateLayout, in_blob
from catalog_service.models.mapped_file import map_entries
from catalog_service.models.placements import PLACEMENTS
from catalog_service.models.recipe import Recipe
from catalog_service.models.rewrite import NO_REWRITE, Rewrite
from catalog_service.models.rewritten import rewritten


@dataclass(frozen=True, slots=True, kw_only=True)
class Source:
    """A safetensors file under canonical names."""

    path: Path
    recipe: Recipe | None = None
    """The structure that the file is a state of; None for a bare backbone."""

    rewrite: Rewrite = NO_REWRITE
    """What is done to its tensors before."""

    image_px: tuple[int, int] | None = None
    """Height and width of the images that its position table is for; None: those of a square."""

    @property
    def parts(self) -> Anatomy | None:
        """Return the parts of the file's own structure."""
        return anatomy(self.recipe) if self.recipe is not None else None


@dataclass(frozen=True, slots=True, kw_only=True)
class Reading:
    """A source's tensors, mapped from its file and not yet read."""

    backbone: Mapping[str, Tensor]
    """Under the model's names."""

    origins: Mapping[str, str]
    """Name in the model -> name in the file, of `backbone`."""

    rest: Mapping[str, Tensor]
    """Head, neck and auxiliary heads of the same architecture: the names are the model's, too."""

    aux_modules: tuple[str, ...]
    """Which of `rest` the model may leave out."""

    foreign: tuple[str, ...]
    """Names in the file of a head that this model has nothing of."""

    zeros: tuple[str, ...] = ()
    """Names in the model of what the file lacks because it is 0."""

    image_px: tuple[int, int] | None = None
    """As in `Source`."""


def read_source(
    source: Source, recipe: Recipe, layout: StateLayout, *, with_backbone: bool = True
) -> Reading:
    """Return the tensors of `source` as the model of `recipe` calls them.

    Raises:
        MalformedSafetensors: not a sound safetensors file.
        StateMismatch: the source's rewrite leaves out what the model would need.
    """
    entries = read_header(source.path)
    parts = source.parts
    rules = parts.backbone_names if parts else ()
    inside = [each for each in entries if parts is None or parts.role_of(each.name) == "backbone"]
    own = {each.name for each in inside}
    others = [each for each in entries if each.name not in own]
    keeps = source.recipe is not None and _has_own_head(recipe, source.recipe)
    wanted = inside if with_backbone else []
    mapped, rest = (map_entries(source.path, each) for each in (wanted, others if keeps else []))
    backbone = rewritten(mapped, source.rewrite, recipe, layout)
    origins = {layout.model_name(in_blob(rules, name)): name for name in backbone}
    return Reading(
        backbone={name: backbone[origin] for name, origin in origins.items()},
        origins=origins,
        rest=rest,
        aux_modules=parts.aux_modules if parts else (),
        foreign=() if keeps else tuple(each.name for each in others),
        zeros=source.rewrite.zeros,
        image_px=source.image_px,
    )


def renames(source: Source, layout: StateLayout) -> tuple[str, ...]:
    """Return lines about a backbone whose names in its source are not those of the model."""
    parts = source.parts
    given = parts.backbone_names if parts else ()
    if given == layout.backbone_names:
        return ()
    pairs = [
        *((rule.model_prefix, rule.blob_prefix) for rule in given),
        *((rule.blob_prefix, rule.model_prefix) for rule in layout.backbone_names),
    ]
    return tuple(f"renamed the backbone's prefix {old!r} to {new!r}" for old, new in pairs)


def _has_own_head(recipe: Recipe, source: Recipe) -> bool:
    """Return whether the model keeps what it can of the source's head: the same architecture, and
    not wrapped in a composed model.
    """
    kind = recipe.head["kind"] if recipe.head is not None else ""
    return recipe.builder == source.builder and kind not in PLACEMENTS

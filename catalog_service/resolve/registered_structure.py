"""A spec that starts from a registered backbone, with that backbone's structure. Pure."""

from collections.abc import Iterator
from dataclasses import replace
from typing import Any

from catalog_service.checkpoints.checkpoint import Checkpoint
from catalog_service.errors import Violation
from catalog_service.models.anatomy import anatomy
from catalog_service.models.backbone_structure import BackboneStructure
from catalog_service.models.layout import in_model
from catalog_service.models.recipe import Recipe
from catalog_service.models.spec import ModelSpec


def with_structure(
    spec: ModelSpec, checkpoint: Checkpoint | None
) -> tuple[ModelSpec, list[Violation]]:
    """Return the spec with what it leaves open taken from the checkpoint, and what it contradicts.

    Modules that the checkpoint lacks are left out later: `without_removed` knows the model's names.
    """
    if checkpoint is None:
        return spec, []
    kept = checkpoint.structure
    found = [
        Violation(field=field, description=f"{checkpoint.name} {why}")
        for field, why in _contradictions(spec, kept)
    ]
    has_size = spec.image_height_px or spec.image_width_px
    return replace(
        spec,
        in_channels=spec.in_channels or kept.in_channels,
        arguments=kept.arguments if not found else spec.arguments,
        image_height_px=spec.image_height_px if has_size else kept.image_height_px,
        image_width_px=spec.image_width_px if has_size else kept.image_width_px,
    ), found


def _contradictions(spec: ModelSpec, kept: BackboneStructure) -> Iterator[tuple[str, str]]:
    channels = kept.in_channels
    if channels and spec.in_channels not in (0, channels):
        why = f"is for {channels} channels, not for {spec.in_channels}; leave in_channels out"
        yield "in_channels", why
    if spec.arguments and dict(spec.arguments) != dict(kept.arguments):
        why = f"was registered with {_shown(kept)}; leave the arguments out, they come with it"
        yield "arguments", why


def _shown(kept: BackboneStructure) -> str:
    arguments: dict[str, Any] = dict(kept.arguments)
    return f"the arguments {arguments}" if arguments else "the published arguments"


def without_removed(recipe: Recipe, checkpoint: Checkpoint | None) -> Recipe:
    """Return a recipe that also lacks the modules that the checkpoint's backbone lacks."""
    if checkpoint is None:
        return recipe
    rules = anatomy(recipe).backbone_names
    absent = (in_model(rules, path) for path in checkpoint.structure.remove_modules)
    both = dict.fromkeys((*recipe.removed_modules, *absent))
    return replace(recipe, removed_modules=tuple(both))

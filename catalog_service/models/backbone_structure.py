"""How a backbone differs from the published one of its architecture, as data. No torch.

It is kept with a registered backbone: whoever starts from it gets the same structure.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from catalog_service.models.families.table import family_of
from catalog_service.models.layout import StateLayout, in_blob, is_inside
from catalog_service.models.spec import ModelSpec

NUM_RGB = 3


@dataclass(frozen=True, slots=True, kw_only=True)
class BackboneStructure:
    """What was changed; empty fields are as published. Paths are the backbone architecture's."""

    in_channels: int = 0
    remove_modules: tuple[str, ...] = ()
    arguments: Mapping[str, Any] = field(default_factory=dict)
    image_height_px: int = 0
    """Of the images that a position table is for."""

    image_width_px: int = 0

    @property
    def is_published(self) -> bool:
        """Return whether nothing was changed."""
        return self == PUBLISHED

    @property
    def image_px(self) -> tuple[int, int] | None:
        """Return height and width; None where they are the published ones."""
        sides = (self.image_height_px, self.image_width_px)
        return sides if all(sides) else None

    def definition(self, architecture_id: str) -> ModelSpec:
        """Return the spec of a published model of this structure, without numbers."""
        return ModelSpec(
            backbone=architecture_id,
            pretrained=False,
            in_channels=self.in_channels,
            remove_modules=self.remove_modules,
            arguments=self.arguments,
            image_height_px=self.image_height_px,
            image_width_px=self.image_width_px,
        )


PUBLISHED = BackboneStructure()


def structure_of(spec: ModelSpec, layout: StateLayout) -> BackboneStructure:
    """Return the structure of a model's backbone.

    Args:
        spec: resolved.
        layout: of its model, whose names `spec.remove_modules` has.
    """
    others = (*layout.head_modules, *layout.neck_modules, *layout.aux_modules)
    inside = [
        path for path in spec.remove_modules if not any(is_inside(path, other) for other in others)
    ]
    has_table = bool(family_of(layout.backbone_architecture).position_table)
    return BackboneStructure(
        in_channels=0 if spec.in_channels == NUM_RGB else spec.in_channels,
        remove_modules=tuple(in_blob(layout.backbone_names, path) for path in inside),
        arguments=dict(spec.arguments),
        image_height_px=spec.image_height_px if has_table else 0,
        image_width_px=spec.image_width_px if has_table else 0,
    )

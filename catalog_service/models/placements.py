"""Where a composed model has its parts: one line for each head that goes on any backbone. No torch.

The backbone's own names follow `backbone_prefix`, so that one backbone blob serves every head.
"""

from collections.abc import Mapping
from dataclasses import dataclass


@dataclass(frozen=True, slots=True, kw_only=True)
class Placement:
    """Module paths of a composed model."""

    backbone_prefix: str
    """With its dot: `backbone.`."""

    head_modules: tuple[str, ...]
    neck_modules: tuple[str, ...] = ()
    aux_modules: tuple[str, ...] = ()


DETECTOR_BACKBONE = "backbone.body."
"""As in torchvision's `BackboneWithFPN`, so that its names and ours agree."""

PLACEMENTS: Mapping[str, Placement] = {
    "pooled": Placement(backbone_prefix="backbone.", head_modules=("pool", "head")),
}
"""`kind` of a recipe's head -> where its model's parts are."""

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

DETECTOR_NECK = "backbone.neck"
"""Where torchvision has `backbone.fpn`."""

_SEGMENTATION = Placement(
    backbone_prefix="backbone.",
    head_modules=("classifier",),
    neck_modules=("neck",),
    aux_modules=("aux_classifier",),
)

_TWO_STAGES = Placement(
    backbone_prefix=DETECTOR_BACKBONE,
    head_modules=("rpn", "roi_heads"),
    neck_modules=(DETECTOR_NECK,),
)

_ONE_STAGE = Placement(
    backbone_prefix=DETECTOR_BACKBONE,
    head_modules=("head",),
    neck_modules=(DETECTOR_NECK,),
)

PLACEMENTS: Mapping[str, Placement] = {
    "pooled": Placement(backbone_prefix="backbone.", head_modules=("pool", "head")),
    "pyramid": Placement(
        backbone_prefix=DETECTOR_BACKBONE, head_modules=(), neck_modules=(DETECTOR_NECK,)
    ),
    "fcn": _SEGMENTATION,
    "deeplabv3": _SEGMENTATION,
    "lraspp": _SEGMENTATION,
    "faster_rcnn": _TWO_STAGES,
    "mask_rcnn": _TWO_STAGES,
    "keypoint_rcnn": _TWO_STAGES,
    "retinanet": _ONE_STAGE,
    "fcos": _ONE_STAGE,
}
"""`kind` of a recipe's head -> where its model's parts are."""

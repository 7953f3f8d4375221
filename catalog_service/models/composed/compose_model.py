"""Wraps an architecture's backbone in the model that a recipe's head asks for."""

from collections.abc import Callable, Mapping

from torch import nn

from catalog_service.models.composed.detection import (
    compose_faster_rcnn,
    compose_fcos,
    compose_keypoint_rcnn,
    compose_mask_rcnn,
    compose_retinanet,
)
from catalog_service.models.composed.pooled import compose_pooled
from catalog_service.models.composed.pyramid import compose_pyramid
from catalog_service.models.composed.segmentation import (
    compose_deeplabv3,
    compose_fcn,
    compose_lraspp,
)
from catalog_service.models.recipe import Recipe

COMPOSERS: Mapping[str, Callable[[nn.Module, Recipe], nn.Module]] = {
    "pooled": compose_pooled,
    "pyramid": compose_pyramid,
    "fcn": compose_fcn,
    "deeplabv3": compose_deeplabv3,
    "lraspp": compose_lraspp,
    "faster_rcnn": compose_faster_rcnn,
    "mask_rcnn": compose_mask_rcnn,
    "keypoint_rcnn": compose_keypoint_rcnn,
    "retinanet": compose_retinanet,
    "fcos": compose_fcos,
}
"""`kind` of a recipe's head -> what takes the architecture's module and gives the model. The keys
are those of `PLACEMENTS`.
"""


def compose_model(module: nn.Module, recipe: Recipe) -> nn.Module:
    """Return the composed model, or `module` where the recipe's head is the architecture's own."""
    kind = recipe.head["kind"] if recipe.head is not None else ""
    return COMPOSERS[kind](module, recipe) if kind in COMPOSERS else module

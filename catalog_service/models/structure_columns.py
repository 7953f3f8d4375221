"""What the index says of an architecture's structure: found on the meta device. Imports torch."""

from typing import Any

from torch import nn

from catalog_service.models.anatomy import anatomy
from catalog_service.models.contracts import InputContract
from catalog_service.models.description.describe_model import activation_bytes
from catalog_service.models.families.table import family_of
from catalog_service.models.feature_maps import feature_maps
from catalog_service.models.layout import is_inside
from catalog_service.models.plain_json import to_plain
from catalog_service.models.recipe import Recipe
from catalog_service.models.skeleton import skeleton

Row = dict[str, Any]


def structure_columns(recipe: Recipe, contract: InputContract) -> Row:
    """Return the columns of a buildable architecture.

    Args:
        contract: of its default weights; memory is that of one such image.
    """
    height, width = evaluated_px(contract)
    return {
        "num_features": _num_features(recipe, skeleton(recipe)),
        "backbone_architecture": anatomy(recipe).backbone_architecture,
        "feature_maps": _feature_maps(recipe),
        "activation_bytes": activation_bytes(recipe, height, width, num_frames=contract.num_frames),
    }


def evaluated_px(contract: InputContract) -> tuple[int, int]:
    """Return height and width of the image that weights were evaluated at: for a detector, of a
    square one after its own resize.
    """
    if contract.is_image_list and contract.resize_shorter_side_px:
        return contract.resize_shorter_side_px, contract.resize_shorter_side_px
    return contract.height_px, contract.width_px


def _feature_maps(recipe: Recipe) -> list[Row]:
    if recipe.architecture_id not in family_of(recipe.architecture_id).features:
        return []
    return [to_plain(found) for found in feature_maps(recipe)]


def _num_features(recipe: Recipe, module: nn.Module) -> int:
    """Return the width that the first layer of the head takes, or that comes out where there is no
    head; 0 for a convolution.
    """
    family = family_of(recipe.architecture_id)
    if not family.head_modules:
        return [width for layer in module.modules() if (width := _width(layer))][-1]
    for path, layer in module.named_modules():
        in_head = any(is_inside(path, root) for root in family.head_modules)
        if in_head and next(layer.parameters(recurse=False), None) is not None:
            return _width(layer)
    raise AssertionError(f"{recipe.architecture_id} has no head")


def _width(layer: nn.Module) -> int:
    if isinstance(layer, nn.Linear):
        return layer.in_features
    if isinstance(layer, nn.LayerNorm):
        return int(layer.normalized_shape[0])
    return 0

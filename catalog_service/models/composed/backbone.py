"""A trunk and a neck as one module, as torchvision's detectors want their backbone."""

from collections import OrderedDict
from collections.abc import Callable, Sequence

from torch import Tensor, nn
from torchvision.ops.feature_pyramid_network import ExtraFPNBlock

from catalog_service.models.families.table import family_of
from catalog_service.models.necks import build_neck
from catalog_service.models.recipe import Recipe
from catalog_service.models.trunk import (
    FeatureMap,
    FeatureTrunk,
    feature_trunk,
    measured_maps,
    probe_px,
)

ExtraLevels = Callable[[int], ExtraFPNBlock]
"""Takes the neck's width and gives what adds coarser maps."""


class PyramidBackbone(nn.Module):
    """Images [B, C, H, W] -> maps by name, finest first, all of one width if there is a neck.

    Attributes:
        out_channels: width of the maps (of the coarsest one without a neck).
    """

    def __init__(self, body: nn.Module, neck: nn.Module, out_channels: int) -> None:
        super().__init__()
        self.body = body
        self.neck = neck
        self.out_channels = out_channels

    def forward(self, images: Tensor) -> "OrderedDict[str, Tensor]":
        """Return the neck's maps."""
        maps: OrderedDict[str, Tensor] = self.neck(self.body(images))
        return maps


def pyramid_backbone(
    module: nn.Module, recipe: Recipe, extra: ExtraLevels | None = None
) -> PyramidBackbone:
    """Return the trunk of an architecture's module with the neck of a recipe."""
    body = trunk_of(module, recipe)
    maps = maps_of(body, recipe)
    width = recipe.neck["num_channels"] if recipe.neck else maps[-1].num_channels
    widths = [each.num_channels for each in maps]
    neck = build_neck(recipe.neck, widths, extra(width) if extra and recipe.neck else None)
    return PyramidBackbone(body, neck, width)


def trunk_of(module: nn.Module, recipe: Recipe, taps: Sequence[str] = ()) -> FeatureTrunk:
    """Return the trunk with the maps that the recipe's head names, or with `taps`."""
    assert recipe.head is not None
    names = tuple(taps or recipe.head["feature_maps"])
    return feature_trunk(module, family_of(recipe.architecture_id), recipe.architecture_id, names)


def maps_of(module: nn.Module, recipe: Recipe) -> tuple[FeatureMap, ...]:
    """Return what a trunk or backbone of the recipe gives."""
    in_channels = recipe.stem["in_channels"] if recipe.stem else 3
    sides = probe_px(family_of(recipe.architecture_id), recipe.arguments)
    return measured_maps(module, sides, in_channels)

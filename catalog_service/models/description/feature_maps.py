"""Where feature maps can be taken, with their sizes at an image size. Imports torch."""

from torch import nn

from catalog_service.models.builders import build_architecture
from catalog_service.models.families.table import family_of
from catalog_service.models.model_description import FeatureMapInfo
from catalog_service.models.recipe import Recipe
from catalog_service.models.skeleton import ParametersOnMeta
from catalog_service.models.stem import adapt_stem
from catalog_service.models.trunk import feature_trunk, map_shapes, measured_maps, probe_px


def feature_maps(
    recipe: Recipe, num_channels: int, seen_px: tuple[int, int]
) -> tuple[FeatureMapInfo, ...]:
    """Return the feature maps of a recipe's backbone, finest first; nothing where it has none.

    Args:
        seen_px: height and width of the image that the backbone sees.
    """
    family = family_of(recipe.architecture_id)
    if recipe.architecture_id not in family.features:
        return ()
    trunk = feature_trunk(_architecture(recipe), family, recipe.architecture_id)
    probed_px = probe_px(family, recipe.arguments)
    shapes = map_shapes(trunk, num_channels, *seen_px)
    strides = measured_maps(trunk, probed_px, num_channels)
    return tuple(
        FeatureMapInfo(
            name=each.name,
            stride_px=each.stride_px,
            num_channels=each.num_channels,
            height_px=shapes[each.name][2],
            width_px=shapes[each.name][3],
        )
        for each in strides
    )


def _architecture(recipe: Recipe) -> nn.Module:
    """Return the architecture's own module on meta, with the recipe's first layer."""
    with ParametersOnMeta():
        module = adapt_stem(build_architecture(recipe), recipe)
    return module.to("meta")

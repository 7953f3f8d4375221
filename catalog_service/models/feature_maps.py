"""Which feature maps an architecture has, measured on the meta device. Imports torch."""

from catalog_service.models.builders import build_architecture
from catalog_service.models.families.table import family_of
from catalog_service.models.recipe import Recipe
from catalog_service.models.skeleton import ParametersOnMeta
from catalog_service.models.trunk import FeatureMap, feature_trunk, measured_maps, probe_px


def feature_maps(recipe: Recipe) -> tuple[FeatureMap, ...]:
    """Return the maps of a recipe's architecture, finest first; its neck is left out.

    Raises:
        LookupError: the architecture has no feature maps.
    """
    family = family_of(recipe.architecture_id)
    with ParametersOnMeta():
        module = build_architecture(recipe)
    trunk = feature_trunk(module, family, recipe.architecture_id)
    return measured_maps(trunk, probe_px(family, recipe.arguments))

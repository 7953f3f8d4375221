"""An architecture's module from its own library, without weights and without a network.

A new source of architectures is one function and one line in `BUILDERS`. Imports torch; the library
of a source is imported when the first of its modules is built.
"""

from collections.abc import Callable, Mapping
from importlib import import_module
from typing import Any

import torchvision
from torch import nn
from torchvision.ops import FrozenBatchNorm2d

from catalog_service.errors import InvalidRequest
from catalog_service.models.families.table import family_of
from catalog_service.models.head_arguments import head_arguments
from catalog_service.models.layout import is_inside
from catalog_service.models.recipe import Recipe
from catalog_service.models.rectangular_vit import RectangularViT


def build_architecture(recipe: Recipe) -> nn.Module:
    """Return the module of a recipe's builder, with what its head changes in the arguments.

    Raises:
        LookupError: no such source.
    """
    return BUILDERS[recipe.source](recipe)


def _torchvision(recipe: Recipe) -> nn.Module:
    family = family_of(recipe.architecture_id)
    arguments = {**recipe.arguments, **head_arguments(family, recipe.head)}
    own = {name: _argument(value) for name, value in arguments.items() if name not in ADJUSTMENTS}
    shape = own.get("image_size")
    if isinstance(shape, tuple):
        del own["image_size"]
    if family.task in WITH_BACKBONE_WEIGHTS:
        own["weights_backbone"] = None
    module: nn.Module = torchvision.models.get_model(recipe.architecture_id, weights=None, **own)
    for name, adjust in ADJUSTMENTS.items():
        if name in arguments:
            adjust(module, arguments[name])
    return RectangularViT(module, *shape) if isinstance(shape, tuple) else module


def _transformers(recipe: Recipe) -> nn.Module:
    """Return a model of transformers, from a configuration: no files, no hub.

    transformers is imported here: it takes seconds, and few models need it.
    """
    room, name = TRANSFORMERS_MODELS[family_of(recipe.architecture_id).name]
    library = import_module(f"transformers.models.{room}")
    try:
        configuration = getattr(library, f"{name}Config")(**_typed(recipe))
        module: nn.Module = getattr(library, f"{name}Model")(configuration)
    except Exception as error:  # whatever the library says about a caller's configuration
        raise InvalidRequest(
            f"arguments {dict(recipe.arguments)!r:.1000} do not build {recipe.architecture_id}: "
            f"{error}"
        ) from error
    return module


def _typed(recipe: Recipe) -> dict[str, Any]:
    rules = family_of(recipe.architecture_id).free_arguments
    return {
        name: rules[name].typed(value) if name in rules else value
        for name, value in recipe.arguments.items()
    }


BUILDERS: Mapping[str, Callable[[Recipe], nn.Module]] = {
    "torchvision": _torchvision,
    "transformers": _transformers,
}
"""Source, the part of `builder` before the slash -> how its modules are made."""

WITH_BACKBONE_WEIGHTS = frozenset(
    {"detection", "instance_segmentation", "keypoints", "segmentation"}
)
"""Tasks whose torchvision builders fetch a backbone's weights unless they are told not to."""

TRANSFORMERS_MODELS: Mapping[str, tuple[str, str]] = {
    "dinov3_vit": ("dinov3_vit", "DINOv3ViT"),
    "dinov3_convnext": ("dinov3_convnext", "DINOv3ConvNext"),
}
"""Family -> its package in transformers, and what its classes begin with."""

NORMALISED_TRUNK = "backbone.body"
"""Where a detector has the norms that its weights freeze."""


def _freeze_norms(module: nn.Module, kind: str) -> None:
    """Put FrozenBatchNorm2d in place of the trunk's batch norms: four buffers, no counter."""
    assert kind == "frozen_batch_norm", kind
    for path, layer in list(module.named_modules()):
        if isinstance(layer, nn.BatchNorm2d) and is_inside(path, NORMALISED_TRUNK):
            parent, _, name = path.rpartition(".")
            frozen = FrozenBatchNorm2d(layer.num_features)
            setattr(module.get_submodule(parent), name, frozen)


def _set_norm_eps(module: nn.Module, eps: float) -> None:
    """Source: torchvision's `overwrite_eps`, for weights that were trained without an eps."""
    for layer in module.modules():
        if isinstance(layer, FrozenBatchNorm2d):
            layer.eps = eps


def _freeze(module: nn.Module, paths: list[str]) -> None:
    """Source: `trainable_backbone_layers` of torchvision's detectors."""
    for path in paths:
        module.get_submodule(path).requires_grad_(False)


ADJUSTMENTS: Mapping[str, Callable[[nn.Module, Any], None]] = {
    "norm_layer": _freeze_norms,
    "norm_eps": _set_norm_eps,
    "frozen_modules": _freeze,
}
"""Arguments of a recipe that torchvision's builders do not take, but set when weights are given."""


def _argument(value: Any) -> Any:
    """Return tuples where JSON has lists."""
    return tuple(value) if isinstance(value, list) else value

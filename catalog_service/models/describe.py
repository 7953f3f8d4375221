"""A recipe's layout: names, shapes, roles and stages, read from its skeleton. Imports torch."""

from torch import nn

from catalog_service.models.anatomy import anatomy
from catalog_service.models.dtypes import spelling_of
from catalog_service.models.laid_out import laid_out
from catalog_service.models.layout import StateLayout, TensorInfo
from catalog_service.models.recipe import Recipe
from catalog_service.models.skeleton import skeleton


def describe(recipe: Recipe) -> StateLayout:
    """Return everything about the state that a recipe's module has, but the numbers."""
    return layout_of(skeleton(recipe), recipe)


def layout_of(module: nn.Module, recipe: Recipe) -> StateLayout:
    """Return the layout of a module that was built from `recipe`."""
    parts = anatomy(recipe)
    parameters = {name for name, _ in module.named_parameters()}
    tensors = (
        TensorInfo(
            name=name,
            dtype=spelling_of(tensor.dtype),
            shape=tuple(tensor.shape),
            role=parts.role_of(name),
            is_buffer=name not in parameters,
        )
        for name, tensor in module.state_dict().items()
    )
    return laid_out(tensors, recipe)

"""An architecture's module from its own library, without weights and without a network.

A new source of architectures is one function and one line in `BUILDERS`. Imports torch.
"""

from collections.abc import Callable, Mapping
from typing import Any

import torchvision
from torch import nn

from catalog_service.models.families.table import family_of
from catalog_service.models.head_arguments import head_arguments
from catalog_service.models.recipe import Recipe


def build_architecture(recipe: Recipe) -> nn.Module:
    """Return the module of a recipe's builder, with what its head changes in the arguments.

    Raises:
        LookupError: no such source.
    """
    return BUILDERS[recipe.source](recipe)


def _torchvision(recipe: Recipe) -> nn.Module:
    family = family_of(recipe.architecture_id)
    arguments = {**recipe.arguments, **head_arguments(family, recipe.head)}
    module: nn.Module = torchvision.models.get_model(
        recipe.architecture_id,
        weights=None,
        **{name: _argument(value) for name, value in arguments.items()},
    )
    return module


BUILDERS: Mapping[str, Callable[[Recipe], nn.Module]] = {"torchvision": _torchvision}
"""Source, the part of `builder` before the slash -> how its modules are made."""


def _argument(value: Any) -> Any:
    """Return tuples where JSON has lists."""
    return tuple(value) if isinstance(value, list) else value

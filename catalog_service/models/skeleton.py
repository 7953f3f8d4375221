"""Modules without numbers: a recipe becomes the structure that its weights were published with.

Imports torch. No network: builders are only ever called without weights.
"""

from collections.abc import Callable, Mapping, Sequence
from typing import Any

import torch
from torch import nn
from torch.overrides import TorchFunctionMode

from catalog_service.models.builders import build_architecture
from catalog_service.models.composed import compose_model
from catalog_service.models.heads import replace_head
from catalog_service.models.recipe import Recipe
from catalog_service.models.removed_modules import remove_modules
from catalog_service.models.stem import adapt_stem

PARAMETER_FACTORIES = frozenset(
    {torch.empty, torch.zeros, torch.ones, torch.full, torch.rand, torch.randn}
)
"""What layers make their parameters with."""


class ParametersOnMeta(TorchFunctionMode):
    """Makes parameters on meta and leaves `arange`, `tensor` and the like on the CPU.

    RegNet's builder computes its widths with small tensors and reads them back, which
    `torch.device("meta")` makes impossible.
    """

    def __torch_function__(
        self,
        func: Callable[..., Any],
        types: Sequence[type],
        args: Sequence[Any] = (),
        kwargs: Mapping[str, Any] | None = None,
    ) -> Any:
        """Call `func`, on meta where it makes parameters and no device was asked for."""
        chosen = dict(kwargs or {})
        if func in PARAMETER_FACTORIES and chosen.get("device") is None:
            chosen["device"] = "meta"
        return func(*args, **chosen)


def skeleton(recipe: Recipe) -> nn.Module:
    """Return the module of a recipe on the meta device: shapes only, no numbers.

    Names, shapes, classes and attributes (eps, transform_input, image_size) equal torchvision's
    build with the recipe's weights, and with `num_classes` where there is a new head.

    Raises:
        InvalidRequest: no such kind of head.
    """
    return structure(recipe).to("meta")


def structure(recipe: Recipe) -> nn.Module:
    """Return the module of a recipe with parameters on meta; tables that its builder computes from
    `arange` and the like keep their numbers.

    Raises:
        InvalidRequest: no such kind of head.
    """
    with ParametersOnMeta():
        return build(recipe)


def build(recipe: Recipe) -> nn.Module:
    """Return the module with the architecture's own initialisation, from the global generator."""
    # 1. The architecture as its library builds it
    module = build_architecture(recipe)

    # 2. Its first layer, for another number of channels
    module = adapt_stem(module, recipe)

    # 3. Its last layer, or our own head and neck around its backbone
    module = replace_head(module, recipe)
    module = compose_model(module, recipe)

    # 4. What the caller wants to be Identity
    return remove_modules(module, recipe.removed_modules)

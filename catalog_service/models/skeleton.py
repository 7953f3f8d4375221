"""Modules without numbers: a recipe becomes the structure that its weights were published with.

Imports torch and torchvision. No network: builders are only ever called without weights.
"""

from collections.abc import Callable, Mapping, Sequence
from typing import Any

import torch
import torchvision
from torch import nn
from torch.overrides import TorchFunctionMode

from catalog_service.models.families.table import family_of
from catalog_service.models.heads import head_arguments
from catalog_service.models.recipe import Recipe

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
    with ParametersOnMeta():
        module = build(recipe)
    return module.to("meta")


def build(recipe: Recipe) -> nn.Module:
    """Return the module with the architecture's own initialisation, from the global generator."""
    family = family_of(recipe.architecture_id)
    arguments = {**recipe.arguments, **head_arguments(family, recipe.head)}
    module: nn.Module = torchvision.models.get_model(
        recipe.architecture_id,
        weights=None,
        **{name: _argument(value) for name, value in arguments.items()},
    )
    return module


def _argument(value: Any) -> Any:
    """Return tuples where JSON has lists."""
    return tuple(value) if isinstance(value, list) else value

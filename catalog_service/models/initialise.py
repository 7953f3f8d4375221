"""Random numbers, only where they were asked for, from a seed, and the architecture's own kind.

Imports torch. The global generator is left as it was found.
"""

import math
from collections.abc import Callable, Mapping
from dataclasses import replace

import torch
from torch import Generator, Tensor, nn

from catalog_service.models.describe import describe
from catalog_service.models.dtypes import TORCH_DTYPES
from catalog_service.models.families.family import Family
from catalog_service.models.families.table import family_of
from catalog_service.models.layout import StateLayout, TensorInfo, is_inside
from catalog_service.models.recipe import Recipe
from catalog_service.models.skeleton import build


def _uniform_fan_in(weight: Tensor, bias: Tensor | None, generator: Generator) -> None:
    bound = 1 / math.sqrt(weight[0].numel())
    nn.init.uniform_(weight, -bound, bound, generator=generator)
    if bias is not None:
        nn.init.uniform_(bias, -bound, bound, generator=generator)


def _uniform_fan_in_zero_bias(weight: Tensor, bias: Tensor | None, generator: Generator) -> None:
    _uniform_fan_in(weight, None, generator)
    _zero(bias)


def _uniform_fan_out(weight: Tensor, bias: Tensor | None, generator: Generator) -> None:
    bound = 1 / math.sqrt(weight.shape[0])
    nn.init.uniform_(weight, -bound, bound, generator=generator)
    _zero(bias)


def _kaiming_fan_out_sigmoid(weight: Tensor, bias: Tensor | None, generator: Generator) -> None:
    nn.init.kaiming_uniform_(weight, mode="fan_out", nonlinearity="sigmoid", generator=generator)
    _zero(bias)


def _zeros(weight: Tensor, bias: Tensor | None, generator: Generator) -> None:
    nn.init.zeros_(weight)
    _zero(bias)


def _normal(std: float) -> Callable[[Tensor, Tensor | None, Generator], None]:
    def fill(weight: Tensor, bias: Tensor | None, generator: Generator) -> None:
        nn.init.normal_(weight, std=std, generator=generator)
        _zero(bias)

    return fill


def _truncated_normal(std: float) -> Callable[[Tensor, Tensor | None, Generator], None]:
    def fill(weight: Tensor, bias: Tensor | None, generator: Generator) -> None:
        nn.init.trunc_normal_(weight, std=std, generator=generator)
        _zero(bias)

    return fill


def _truncated_normal_linear_bias(
    std: float,
) -> Callable[[Tensor, Tensor | None, Generator], None]:
    def fill(weight: Tensor, bias: Tensor | None, generator: Generator) -> None:
        _uniform_fan_in(weight, bias, generator)
        nn.init.trunc_normal_(weight, std=std, generator=generator)

    return fill


def _zero(bias: Tensor | None) -> None:
    if bias is not None:
        nn.init.zeros_(bias)


HEAD_INITS: Mapping[str, Callable[[Tensor, Tensor | None, Generator], None]] = {
    "uniform_fan_in": _uniform_fan_in,
    "uniform_fan_in_zero_bias": _uniform_fan_in_zero_bias,
    "uniform_fan_out": _uniform_fan_out,
    "kaiming_fan_out_sigmoid": _kaiming_fan_out_sigmoid,
    "normal_0.01": _normal(0.01),
    "normal_0.02": _normal(0.02),
    "truncated_normal_0.02": _truncated_normal(0.02),
    "truncated_normal_0.01_linear_bias": _truncated_normal_linear_bias(0.01),
    "truncated_normal_0.1_linear_bias": _truncated_normal_linear_bias(0.1),
    "zeros": _zeros,
}
"""How torchvision's own builders initialise their last layer. Source: its `__init__` methods."""


def random_state(recipe: Recipe, seed: int) -> dict[str, Tensor]:
    """Return a whole state drawn by the architecture's own initialisation.

    The same recipe and seed give the same numbers on one torch version and CPU capability; the
    backbone's do not depend on the head.
    """
    published = _random_published_state(recipe, seed)
    if recipe.head is None:
        return published
    layout = describe(recipe)
    new = draw_head(family_of(recipe.architecture_id), layout, seed)
    return {t.name: new.get(t.name, published[t.name]) for t in layout.tensors}


def random_head(recipe: Recipe, seed: int) -> dict[str, Tensor]:
    """Return new tensors for the replaced modules of a recipe: name -> tensor on the CPU."""
    return draw_head(family_of(recipe.architecture_id), describe(recipe), seed)


def draw_head(family: Family, layout: StateLayout, seed: int) -> dict[str, Tensor]:
    """Return new tensors for the replaced modules of a layout, initialised as the family does."""
    infos = [
        tensor
        for tensor in layout.tensors
        if any(is_inside(tensor.name, module) for module in layout.replaced_modules)
    ]
    drawn = {info.name: _empty(info) for info in infos}
    generator = Generator().manual_seed(seed)
    for module in layout.replaced_modules:
        weight, bias = drawn[f"{module}.weight"], drawn.get(f"{module}.bias")
        with torch.no_grad():
            HEAD_INITS[family.head_init](weight, bias, generator)
    return drawn


def _random_published_state(recipe: Recipe, seed: int) -> dict[str, Tensor]:
    with torch.random.fork_rng(devices=[]):
        torch.default_generator.manual_seed(seed)
        module = build(replace(recipe, head=None))
    return {name: tensor.detach().contiguous() for name, tensor in module.state_dict().items()}


def _empty(info: TensorInfo) -> Tensor:
    return torch.empty(info.shape, dtype=TORCH_DTYPES[info.dtype])

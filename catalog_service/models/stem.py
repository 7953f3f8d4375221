"""A first layer for another number of channels, and its numbers from the published one."""

from collections.abc import Callable, Mapping
from typing import Any

import torch
from torch import Generator, Tensor, nn

from catalog_service.models.channels import sources_of
from catalog_service.models.families.table import family_of
from catalog_service.models.placements import PLACEMENTS
from catalog_service.models.recipe import Recipe


def adapt_stem(module: nn.Module, recipe: Recipe) -> nn.Module:
    """Return `module` with the first layer that `recipe.stem` asks for.

    Its numbers are torch's own for a convolution; the rest of the module is left as it is.
    """
    path = _own_path(recipe)
    if not path:
        return module
    assert recipe.stem is not None
    layer = module.get_submodule(path)
    assert isinstance(layer, nn.Conv2d | nn.Conv3d), (path, layer)
    if layer.in_channels == recipe.stem["in_channels"]:
        return module
    parent, _, name = path.rpartition(".")
    setattr(module.get_submodule(parent), name, _widened(layer, recipe.stem["in_channels"]))
    return module


def stem_path(recipe: Recipe) -> str:
    """Return the path of the layer that `recipe.stem` changes, in the whole model; empty: none."""
    path = _own_path(recipe)
    kind = recipe.head["kind"] if recipe.head is not None else ""
    prefix = PLACEMENTS[kind].backbone_prefix if kind in PLACEMENTS else ""
    return f"{prefix}{path}" if path else ""


def adapt_kernels(weight: Tensor, in_channels: int, adaptation: str, seed: int = 0) -> Tensor:
    """Return kernels for `in_channels` from published ones, in their dtype.

    Args:
        weight: [F, C, ...]; C is 3 for images.
        adaptation: `repeat`, `average` or `random`, as in ModelSpec's `stem_adaptation`.
        seed: for `random` alone.

    Returns:
        [F, in_channels, ...]; equal to `weight` where `in_channels` is C already. With `repeat` and
        `average`, equal channels give what equal published channels gave.
    """
    if in_channels == weight.shape[1]:
        return weight.clone()
    return ADAPTATIONS[adaptation](weight, in_channels, seed)


def _repeated(weight: Tensor, in_channels: int, seed: int) -> Tensor:
    """Share each published kernel among the channels that it is repeated for."""
    copies = sources_of(in_channels, weight.shape[1])
    uses = [sum(source in of for of in copies) for source in range(weight.shape[1])]
    shared = [
        torch.stack([weight[:, source] / uses[source] for source in of]).sum(0) for of in copies
    ]
    return torch.stack(shared, dim=1)


def _averaged(weight: Tensor, in_channels: int, seed: int) -> Tensor:
    kernel = weight.sum(dim=1, keepdim=True) / in_channels
    return kernel.expand(-1, in_channels, *weight.shape[2:]).contiguous()


def _drawn(weight: Tensor, in_channels: int, seed: int) -> Tensor:
    """Draw as torch's convolutions do: uniform, with the variance of 1 / (3 fan-in)."""
    kernels = torch.empty((weight.shape[0], in_channels, *weight.shape[2:]), dtype=weight.dtype)
    bound = kernels[0].numel() ** -0.5
    return nn.init.uniform_(kernels, -bound, bound, generator=Generator().manual_seed(seed))


ADAPTATIONS: Mapping[str, Callable[[Tensor, int, int], Tensor]] = {
    "repeat": _repeated,
    "average": _averaged,
    "random": _drawn,
}
"""`adaptation` of a recipe's stem -> kernels, number of channels and seed -> new kernels."""


def _own_path(recipe: Recipe) -> str:
    if recipe.stem is None:
        return ""
    return family_of(recipe.architecture_id).stem_of(recipe.architecture_id)


def _widened(layer: nn.Conv2d | nn.Conv3d, in_channels: int) -> nn.Module:
    assert layer.groups == 1, layer
    convolution: Any = type(layer)
    widened: nn.Module = convolution(
        in_channels,
        layer.out_channels,
        layer.kernel_size,
        stride=layer.stride,
        padding=layer.padding,
        dilation=layer.dilation,
        bias=layer.bias is not None,
        padding_mode=layer.padding_mode,
    )
    return widened

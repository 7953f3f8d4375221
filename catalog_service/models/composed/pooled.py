"""A vector per image and, on it, layers for classes or values."""

from collections.abc import Callable, Mapping, Sequence
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn import functional

from catalog_service.models.composed.backbone import maps_of, trunk_of
from catalog_service.models.recipe import Recipe
from catalog_service.models.trunk_runners import CLASS_TOKEN

GEM_POWER = 3.0
"""Where the learned power starts. Source: Radenovic et al. 2017, arXiv:1711.02512, section 3.2."""

SMALLEST = 1e-6
"""Maps are cut off below this: a power of a negative number is none. Source: the same."""


class PooledModel(nn.Module):
    """Images [B, C, H, W] -> [B, num_outputs], or [B, F] without layers.

    Attributes:
        backbone: the trunk.
        pool: takes the trunk's one output to [B, F].
        head: takes [B, F] to the output.
    """

    def __init__(self, backbone: nn.Module, pool: nn.Module, head: nn.Module) -> None:
        super().__init__()
        self.backbone = backbone
        self.pool = pool
        self.head = head

    def forward(self, images: Tensor) -> Tensor:
        """Return logits, values or features."""
        (x,) = self.backbone(images).values()
        output: Tensor = self.head(self.pool(x))
        return output


class MeanAndMax(nn.Module):
    """[B, C, H, W] -> [B, 2 C]: the means, then the maxima."""

    def forward(self, maps: Tensor) -> Tensor:
        """Return both, side by side."""
        mean = functional.adaptive_avg_pool2d(maps, 1)
        maximum = functional.adaptive_max_pool2d(maps, 1)
        return torch.cat([mean, maximum], dim=1).flatten(1)


class GeneralisedMean(nn.Module):
    """[B, C, H, W] -> [B, C]: the mean of powers, with one learned power.

    Source: Radenovic et al. 2017, arXiv:1711.02512, equation 3.
    """

    def __init__(self) -> None:
        super().__init__()
        self.power = nn.Parameter(torch.full((1,), GEM_POWER))

    def forward(self, maps: Tensor) -> Tensor:
        """Return the pooled map; 1 gives the mean, a large power nearly the maximum."""
        powers = maps.clamp(min=SMALLEST).pow(self.power)
        return functional.adaptive_avg_pool2d(powers, 1).pow(1 / self.power).flatten(1)


def _mean() -> nn.Module:
    return nn.Sequential(nn.AdaptiveAvgPool2d(1), nn.Flatten(1))


def _maximum() -> nn.Module:
    return nn.Sequential(nn.AdaptiveMaxPool2d(1), nn.Flatten(1))


POOLS: Mapping[str, Callable[[], nn.Module]] = {
    "avg": _mean,
    "max": _maximum,
    "avg_max": MeanAndMax,
    "gem": GeneralisedMean,
    CLASS_TOKEN: nn.Identity,
}
"""`pooling` of a recipe's head -> how the trunk's last output becomes a vector."""


def compose_pooled(module: nn.Module, recipe: Recipe) -> nn.Module:
    """Return trunk, pooling and layers; `num_outputs` 0 gives the vector itself."""
    assert recipe.head is not None
    pooling = recipe.head["pooling"]
    backbone = trunk_of(module, recipe)
    width = maps_of(backbone, recipe)[-1].num_channels * (2 if pooling == "avg_max" else 1)
    return PooledModel(backbone, POOLS[pooling](), _layers(width, recipe.head))


def _layers(width: int, head: Mapping[str, Any]) -> nn.Module:
    """Return dropout and a linear layer for each width, ReLU between them."""
    if head["num_outputs"] == 0:
        return nn.Identity()
    layers: list[nn.Module] = []
    for out in _widths(head):
        layers += [nn.Dropout(head.get("dropout") or 0.0), nn.Linear(width, out), nn.ReLU()]
        width = out
    return nn.Sequential(*layers[:-1])


def _widths(head: Mapping[str, Any]) -> Sequence[int]:
    return [*head.get("hidden_units", ()), head["num_outputs"]]

"""BiFPN: repeated layers that mix maps downwards and upwards, each sum with learned weights."""

from collections import OrderedDict
from collections.abc import Mapping, Sequence
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn import functional
from torchvision.ops.feature_pyramid_network import ExtraFPNBlock

from catalog_service.models.necks.maps import Maps, extended, fitted

EPSILON = 1e-4
"""Keeps the sum of weights from 0. Source: the paper's section 3.3."""

GROUPS = 32
"""Of the group norm, which takes the place of the paper's batch norm: detectors train with two
images a step, and the coarsest map may be a single pixel.
"""


class WeightedSum(nn.Module):
    """Fast normalised fusion of `num_maps` maps of one shape, then a separable convolution.

    Source: Tan et al. 2019, arXiv:1911.09070, section 3.3.
    """

    def __init__(self, num_maps: int, num_channels: int) -> None:
        super().__init__()
        self.weight = nn.Parameter(torch.ones(num_maps))
        self.depthwise = nn.Conv2d(
            num_channels, num_channels, 3, padding=1, groups=num_channels, bias=False
        )
        self.pointwise = nn.Conv2d(num_channels, num_channels, 1, bias=False)
        self.norm = nn.GroupNorm(GROUPS, num_channels)

    def forward(self, maps: Sequence[Tensor]) -> Tensor:
        """Return [B, C, H, W] from maps of that shape."""
        weights = functional.relu(self.weight)
        weights = weights / (weights.sum() + EPSILON)
        total = sum(weight * x for weight, x in zip(weights, maps, strict=True))
        mixed: Tensor = self.norm(self.pointwise(self.depthwise(functional.silu(total))))
        return mixed


class BiFPNLayer(nn.Module):
    """One pass downwards (coarse to fine) and one upwards over maps of one width."""

    def __init__(self, num_maps: int, num_channels: int) -> None:
        super().__init__()
        self.down = nn.ModuleList(WeightedSum(2, num_channels) for _ in range(num_maps - 1))
        self.up = nn.ModuleList(
            WeightedSum(3 if index < num_maps - 1 else 2, num_channels)
            for index in range(1, num_maps)
        )

    def forward(self, maps: Sequence[Tensor]) -> list[Tensor]:
        """Return maps of the shapes that were given, finest first."""
        middle = [maps[-1]]
        for x, join in zip(reversed(maps[:-1]), self.down, strict=True):
            middle.insert(0, join([x, fitted(middle[0], x)]))
        mixed = [middle[0]]
        for index, join in enumerate(self.up, start=1):
            finer = _halved(mixed[-1], maps[index])
            own = [maps[index], middle[index]] if index < len(maps) - 1 else [maps[index]]
            mixed.append(join([*own, finer]))
        return mixed


class BiFPN(nn.Module):
    """Maps of any widths -> maps of one width, mixed `num_repeats` times."""

    def __init__(
        self,
        widths: Sequence[int],
        num_channels: int,
        num_repeats: int,
        extra: ExtraFPNBlock | None,
    ) -> None:
        super().__init__()
        self.project = nn.ModuleList(
            nn.Sequential(
                nn.Conv2d(width, num_channels, 1, bias=False), nn.GroupNorm(GROUPS, num_channels)
            )
            for width in widths
        )
        self.layers = nn.ModuleList(
            BiFPNLayer(len(widths), num_channels) for _ in range(num_repeats)
        )
        self.extra_blocks = extra

    def forward(self, maps: Maps) -> Maps:
        """Return maps [B, num_channels, H_i, W_i] under the same names, and the coarser ones."""
        mixed = [project(x) for project, x in zip(self.project, maps.values(), strict=True)]
        for layer in self.layers:
            mixed = layer(mixed)
        return extended(OrderedDict(zip(maps, mixed, strict=True)), maps, self.extra_blocks)


def _halved(source: Tensor, target: Tensor) -> Tensor:
    """Return a max-pooled map of the target's size."""
    pooled = functional.max_pool2d(source, 3, stride=2, padding=1)
    return fitted(pooled, target)


def bifpn(
    widths: Sequence[int], settings: Mapping[str, Any], extra: ExtraFPNBlock | None
) -> nn.Module:
    """Return EfficientDet's neck: `num_channels` wide, `num_repeats` layers."""
    return BiFPN(widths, settings["num_channels"], settings["num_repeats"], extra)

"""A pyramid from the one map of a plain vision transformer."""

from collections import OrderedDict
from collections.abc import Callable, Mapping, Sequence
from typing import Any

from torch import nn
from torchvision.models.convnext import LayerNorm2d
from torchvision.ops.feature_pyramid_network import ExtraFPNBlock

from catalog_service.models.necks.maps import Maps, extended


class SimplePyramid(nn.Module):
    """One map [B, D, H, W] -> maps of several sizes, each made from it alone.

    Args:
        scales: sizes relative to the map, finest first: 4, 2, 1 and 0.5.

    Source: Li et al. 2022, arXiv:2203.16527, section 3; detectron2, `SimpleFeaturePyramid`.
    """

    def __init__(
        self,
        width: int,
        num_channels: int,
        scales: Sequence[float],
        extra: ExtraFPNBlock | None,
    ) -> None:
        super().__init__()
        self.levels = nn.ModuleDict(
            {_name(scale): _level(width, num_channels, scale) for scale in scales}
        )
        self.extra_blocks = extra

    def forward(self, maps: Maps) -> Maps:
        """Return maps [B, num_channels, scale * H, scale * W], named `x4`, `x2`, `x1`, `x0_5`."""
        (x,) = maps.values()
        pyramid = OrderedDict((name, level(x)) for name, level in self.levels.items())
        return extended(pyramid, maps, self.extra_blocks)


def _name(scale: float) -> str:
    return f"x{scale:g}".replace(".", "_")


def _level(width: int, num_channels: int, scale: float) -> nn.Sequential:
    layers, resized_width = RESIZERS[scale](width)
    return nn.Sequential(
        *layers,
        nn.Conv2d(resized_width, num_channels, 1, bias=False),
        LayerNorm2d(num_channels),
        nn.Conv2d(num_channels, num_channels, 3, padding=1, bias=False),
        LayerNorm2d(num_channels),
    )


def _four_times(width: int) -> tuple[list[nn.Module], int]:
    half, quarter = width // 2, width // 4
    return [
        nn.ConvTranspose2d(width, half, 2, stride=2),
        LayerNorm2d(half),
        nn.GELU(),
        nn.ConvTranspose2d(half, quarter, 2, stride=2),
    ], quarter


def _twice(width: int) -> tuple[list[nn.Module], int]:
    return [nn.ConvTranspose2d(width, width // 2, 2, stride=2)], width // 2


def _same(width: int) -> tuple[list[nn.Module], int]:
    return [], width


def _half(width: int) -> tuple[list[nn.Module], int]:
    return [nn.MaxPool2d(2, stride=2)], width


RESIZERS: Mapping[float, Callable[[int], tuple[list[nn.Module], int]]] = {
    4: _four_times,
    2: _twice,
    1: _same,
    0.5: _half,
}
"""Scale -> layers that resize a map, and how wide it is then."""


def simple_pyramid(
    widths: Sequence[int], settings: Mapping[str, Any], extra: ExtraFPNBlock | None
) -> nn.Module:
    """Return ViTDet's pyramid of `scales`, `num_channels` wide."""
    (width,) = widths
    return SimplePyramid(width, settings["num_channels"], settings["scales"], extra)

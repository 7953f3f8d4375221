"""PANet's neck: an FPN, and then a second path from the fine maps up to the coarse ones."""

from collections import OrderedDict
from collections.abc import Mapping, Sequence
from typing import Any

from torch import nn
from torchvision.ops import Conv2dNormActivation, FeaturePyramidNetwork
from torchvision.ops.feature_pyramid_network import ExtraFPNBlock

from catalog_service.models.necks.maps import Maps, extended, fitted


class PathAggregation(nn.Module):
    """Maps of any widths -> maps of one width, twice mixed.

    Source: Liu et al. 2018, arXiv:1803.01534, section 3.1: N2 = P2, and each N(i+1) is a 3x3
    convolution of P(i+1) + a 3x3 convolution of stride 2 of N(i), each followed by a ReLU.
    """

    def __init__(self, widths: Sequence[int], num_channels: int, extra: ExtraFPNBlock | None):
        super().__init__()
        self.fpn = FeaturePyramidNetwork(list(widths), num_channels)
        steps = range(len(widths) - 1)
        self.down = nn.ModuleList(_convolution(num_channels, stride=2) for _ in steps)
        self.join = nn.ModuleList(_convolution(num_channels, stride=1) for _ in steps)
        self.extra_blocks = extra

    def forward(self, maps: Maps) -> Maps:
        """Return maps [B, num_channels, H_i, W_i] under the same names, and the coarser ones."""
        pyramid = self.fpn(maps)
        names = list(pyramid)
        last = pyramid[names[0]]
        mixed = OrderedDict({names[0]: last})
        for name, down, join in zip(names[1:], self.down, self.join, strict=True):
            last = join(pyramid[name] + fitted(down(last), pyramid[name]))
            mixed[name] = last
        return extended(mixed, maps, self.extra_blocks)


def _convolution(num_channels: int, *, stride: int) -> nn.Module:
    layers: nn.Module = Conv2dNormActivation(
        num_channels, num_channels, 3, stride=stride, norm_layer=None, inplace=False
    )
    return layers


def pafpn(
    widths: Sequence[int], settings: Mapping[str, Any], extra: ExtraFPNBlock | None
) -> nn.Module:
    """Return PANet's path aggregation, `num_channels` wide."""
    return PathAggregation(widths, settings["num_channels"], extra)

"""A transformer encoder over the coarsest map, whose result an FPN carries to the finer ones."""

import math
from collections import OrderedDict
from collections.abc import Mapping, Sequence
from typing import Any

import torch
from torch import Tensor, nn
from torchvision.ops import FeaturePyramidNetwork
from torchvision.ops.feature_pyramid_network import ExtraFPNBlock

from catalog_service.models.necks.maps import Maps

TEMPERATURE = 10_000.0
"""Longest wavelength of the positions, over 2 pi. Source: DETR, `PositionEmbeddingSine`."""


class EncodedPyramid(nn.Module):
    """Maps of any widths -> maps of one width; every position of the coarsest sees all others.

    Source: Carion et al. 2020, arXiv:2005.12872, section 3.2 (encoder on the last map, positions
    of two sines; here they are added once, before the first layer); Zhao et al. 2023,
    arXiv:2304.08069, section 4.2 (only the coarsest map is encoded, then fused with the others).
    """

    def __init__(
        self,
        widths: Sequence[int],
        num_channels: int,
        num_layers: int,
        extra: ExtraFPNBlock | None,
    ) -> None:
        super().__init__()
        self.project = nn.Conv2d(widths[-1], num_channels, 1)
        layer = nn.TransformerEncoderLayer(
            num_channels, nhead=8, dim_feedforward=4 * num_channels, batch_first=True
        )
        self.encoder = nn.TransformerEncoder(layer, num_layers, enable_nested_tensor=False)
        for parameter in self.encoder.parameters():
            if parameter.dim() > 1:
                nn.init.xavier_uniform_(parameter)
        self.fpn = FeaturePyramidNetwork(
            [*widths[:-1], num_channels], num_channels, extra_blocks=extra
        )

    def forward(self, maps: Maps) -> Maps:
        """Return maps [B, num_channels, H_i, W_i] under the same names, and the coarser ones."""
        last = next(reversed(maps))
        x = self.project(maps[last])  # [B, D, H, W]
        tokens = (x + sine_positions(x)).flatten(2).transpose(1, 2)  # [B, H * W, D]
        encoded = self.encoder(tokens).transpose(1, 2).reshape(x.shape)
        pyramid: Maps = self.fpn(OrderedDict({**maps, last: encoded}))
        return pyramid


def sine_positions(x: Tensor) -> Tensor:
    """Return positions [D, H, W] for a map [B, D, H, W]: half the channels for each axis.

    Coordinates run from 0 to 2 pi over the map, whatever its size.
    """
    _, depth, height, width = x.shape
    vertical = _sines(height, depth // 2, x)[:, :, None].expand(-1, -1, width)
    horizontal = _sines(width, depth // 2, x)[:, None, :].expand(-1, height, -1)
    return torch.cat([vertical, horizontal])


def _sines(length: int, depth: int, like: Tensor) -> Tensor:
    """Return [depth, length]: sines, then cosines, of rising wavelengths."""
    steps = torch.arange(1, length + 1, device=like.device, dtype=like.dtype)
    exponents = torch.arange(depth // 2, device=like.device, dtype=like.dtype) / (depth // 2)
    angles = (2 * math.pi * steps / length) / TEMPERATURE ** exponents[:, None]
    return torch.cat([angles.sin(), angles.cos()])


def transformer_encoder(
    widths: Sequence[int], settings: Mapping[str, Any], extra: ExtraFPNBlock | None
) -> nn.Module:
    """Return an encoder of `num_layers` and an FPN, `num_channels` wide."""
    return EncodedPyramid(widths, settings["num_channels"], settings["num_layers"], extra)

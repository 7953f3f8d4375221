"""FPN: the coarse maps are widened step by step and added to the finer ones."""

from collections.abc import Mapping, Sequence
from typing import Any

from torch import nn
from torchvision.ops import FeaturePyramidNetwork
from torchvision.ops.feature_pyramid_network import ExtraFPNBlock


def fpn(
    widths: Sequence[int], settings: Mapping[str, Any], extra: ExtraFPNBlock | None
) -> nn.Module:
    """Return torchvision's own: maps keep their names and sizes and are `num_channels` wide.

    Source: Lin et al. 2016, arXiv:1612.03144, section 3.
    """
    neck: nn.Module = FeaturePyramidNetwork(
        list(widths), settings["num_channels"], extra_blocks=extra
    )
    return neck

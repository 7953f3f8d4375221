"""A recipe's `neck` becomes a module. Imports torch."""

from collections.abc import Callable, Mapping, Sequence
from typing import Any

from torch import nn
from torchvision.ops.feature_pyramid_network import ExtraFPNBlock

from catalog_service.models.necks.bifpn import bifpn
from catalog_service.models.necks.fpn import fpn
from catalog_service.models.necks.pafpn import pafpn
from catalog_service.models.necks.simple_pyramid import simple_pyramid
from catalog_service.models.necks.transformer_encoder import transformer_encoder

Neck = Callable[[Sequence[int], Mapping[str, Any], ExtraFPNBlock | None], nn.Module]
"""Takes the widths of the maps, finest first, the recipe's `neck`, and what adds coarser maps for
the head. Gives a module: name -> [B, C_i, H_i, W_i] to name -> [B, C, H_i, W_i].
"""

NECKS: Mapping[str, Neck] = {
    "fpn": fpn,
    "bifpn": bifpn,
    "pafpn": pafpn,
    "transformer_encoder": transformer_encoder,
    "simple_pyramid": simple_pyramid,
}
"""`kind` of a recipe's neck -> how it is made."""


def build_neck(
    neck: Mapping[str, Any] | None, widths: Sequence[int], extra: ExtraFPNBlock | None = None
) -> nn.Module:
    """Return the module of a recipe's neck; Identity for None, which has no coarser maps.

    Raises:
        LookupError: no such kind of neck.
    """
    if neck is None:
        return nn.Identity()
    return NECKS[neck["kind"]](widths, neck, extra)

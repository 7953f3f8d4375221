"""Small steps that several necks share: fitting one map to another, coarser maps at the end."""

from collections import OrderedDict

from torch import Tensor
from torch.nn import functional
from torchvision.ops.feature_pyramid_network import ExtraFPNBlock

Maps = OrderedDict[str, Tensor]
"""Name -> [B, C, H_i, W_i], finest first."""


def fitted(source: Tensor, target: Tensor) -> Tensor:
    """Return `source` at the height and width of `target`, nearest neighbours."""
    if source.shape[-2:] == target.shape[-2:]:
        return source
    return functional.interpolate(source, size=target.shape[-2:], mode="nearest")


def extended(maps: Maps, inputs: Maps, extra: ExtraFPNBlock | None) -> Maps:
    """Return the maps and the coarser ones that a head wants.

    Args:
        inputs: the trunk's maps, of which `extra` may take the coarsest.
    """
    if extra is None:
        return maps
    tensors, names = extra(list(maps.values()), list(inputs.values()), list(maps))
    return OrderedDict(zip(names, tensors, strict=True))

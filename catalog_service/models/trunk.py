"""An architecture's backbone alone: images in, feature maps out. Imports torch.

The trunk takes the modules of the architecture's own model under their own names, so a backbone's
state fits it as it is; head and auxiliary heads are left behind.
"""

import math
from collections import OrderedDict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import chain
from typing import Any

import torch
from torch import Tensor, nn
from torch.func import functional_call
from torchvision.models import VisionTransformer

from catalog_service.models.families.family import Family, FeatureRule
from catalog_service.models.rectangular_vit import RectangularViT
from catalog_service.models.trunk_runners import CLASS_TOKEN, RUNNERS

PROBE_PX = 512
"""Side of the images that strides are measured with, where any size is taken: on meta, so large
costs nothing, and a multiple of every stride.
"""


@dataclass(frozen=True, slots=True, kw_only=True)
class FeatureMap:
    """A map that a trunk or a neck gives."""

    name: str
    stride_px: int
    """Nearest power of two, but for patches of another size; 0 for a vector."""

    num_channels: int


class FeatureTrunk(nn.Module):
    """Images [B, C, H, W] -> maps [B, C_i, H_i, W_i] by name, finest first.

    Args:
        module: the architecture's own model; its modules are taken, not copied.
        taps: names of `rule.taps`, or `class_token` for the architecture's own vector [B, D].
    """

    def __init__(self, module: nn.Module, rule: FeatureRule, taps: Sequence[str]) -> None:
        super().__init__()
        kept = {path.partition(".")[0] for path in rule.modules}
        for name, parameter in module.named_parameters(recurse=False):
            self.register_parameter(name, parameter)
        for name, child in module.named_children():
            if name in kept:
                self.add_module(name, child)
        self.rule = rule
        self.taps = tuple(taps)
        self.transform_input = bool(getattr(module, "transform_input", False))
        self.image_px = _image_px(module)

    def forward(self, images: Tensor) -> "OrderedDict[str, Tensor]":
        """Return the tapped maps; what lies behind the last one is not run."""
        wanted = {_path(self.rule, name): name for name in self.taps}
        found: OrderedDict[str, Tensor] = OrderedDict()
        for path, output in RUNNERS[self.rule.runner](self, images):
            if path in wanted:
                found[wanted[path]] = output
            if len(found) == len(wanted):
                break
        return found


def feature_trunk(
    module: nn.Module, family: Family, architecture_id: str, taps: Sequence[str] = ()
) -> FeatureTrunk:
    """Return the backbone of an architecture's own model as a module that gives feature maps.

    Args:
        taps: names of maps, as in the family's rule; empty means all of them.

    Raises:
        LookupError: the architecture has no feature maps, or none of that name.
    """
    rule = family.features[architecture_id]
    names = tuple(taps) or tuple(rule.taps)
    for name in names:
        _path(rule, name)
    return FeatureTrunk(module, rule, names)


def _image_px(module: Any) -> tuple[int, int] | None:
    """Return height and width of the images that a ViT's position table is for; None of others."""
    if isinstance(module, RectangularViT):
        return module.image_height_px, module.image_width_px
    return (module.image_size,) * 2 if isinstance(module, VisionTransformer) else None


def _path(rule: FeatureRule, name: str) -> str:
    return CLASS_TOKEN if name == CLASS_TOKEN and rule.has_class_token else rule.taps[name]


def probe_px(family: Family, arguments: Mapping[str, Any]) -> tuple[int, int]:
    """Return height and width of images that the architecture takes."""
    if not family.size.is_fixed:
        return PROBE_PX, PROBE_PX
    found = arguments.get(family.size.argument, family.size.default_px)
    height, width = found if isinstance(found, Sequence) else (found, found)
    return int(height), int(width)


def measured_maps(
    module: nn.Module, image_px: tuple[int, int], in_channels: int = 3
) -> tuple[FeatureMap, ...]:
    """Return what a module that gives maps gives for images of a size. Nothing is computed."""
    shapes = map_shapes(module, in_channels, *image_px)
    return tuple(
        FeatureMap(
            name=name,
            stride_px=_stride(image_px[0], shape[2]) if len(shape) == 4 else 0,
            num_channels=shape[1],
        )
        for name, shape in shapes.items()
    )


def map_shapes(
    module: nn.Module, in_channels: int, height_px: int, width_px: int
) -> dict[str, tuple[int, ...]]:
    """Return name -> shape for one image, on meta: the module's own numbers stay untouched."""
    tensors = chain(module.named_parameters(), module.named_buffers())
    state = {name: torch.empty_like(tensor, device="meta") for name, tensor in tensors}
    images = torch.empty(1, in_channels, height_px, width_px, device="meta")
    is_training = module.training
    module.eval()
    with torch.no_grad():
        maps = functional_call(module, state, (images,))
    module.train(is_training)
    return {name: tuple(shape.shape) for name, shape in maps.items()}


def _stride(image_px: int, map_px: int) -> int:
    """Return the nearest power of two, or the exact stride where patches are cut without overlap.

    Convolutions without padding (AlexNet, Inception) lose a few pixels at the border.
    """
    if image_px % map_px == 0:
        return image_px // map_px
    return 1 << round(math.log2(image_px / map_px))

"""A class for every pixel: torchvision's heads on any trunk, with a neck or without."""

from collections import OrderedDict
from collections.abc import Callable

import torch
from torch import Tensor, nn
from torch.nn import functional
from torchvision.models.segmentation.deeplabv3 import DeepLabHead
from torchvision.models.segmentation.fcn import FCNHead
from torchvision.models.segmentation.lraspp import LRASPPHead

from catalog_service.models.composed.backbone import maps_of, trunk_of
from catalog_service.models.necks import build_neck
from catalog_service.models.recipe import Recipe
from catalog_service.models.trunk import FeatureTrunk

LRASPP_WIDTH = 128
"""Channels between LR-ASPP's layers. Source: torchvision, `LRASPP`."""


Join = Callable[[list[Tensor]], Tensor | dict[str, Tensor]]
"""Takes the neck's maps, finest first, and gives what the head takes."""


class SegmentationModel(nn.Module):
    """Images [B, C, H, W] -> `out`, and `aux` where there is an auxiliary head: [B, N, H, W].

    Args:
        join: makes one input for the classifier of the neck's maps.
        aux_classifier: takes the trunk's last map but one.
    """

    def __init__(
        self,
        backbone: FeatureTrunk,
        neck: nn.Module,
        join: Join,
        classifier: nn.Module,
        aux_classifier: nn.Module | None = None,
    ) -> None:
        super().__init__()
        self.backbone = backbone
        self.neck = neck
        self.classifier = classifier
        self.aux_classifier = aux_classifier
        self.join = join

    def forward(self, images: Tensor) -> "OrderedDict[str, Tensor]":
        """Return logits at the size of the images."""
        size = (images.shape[-2], images.shape[-1])
        maps = self.backbone(images)
        logits = self.classifier(self.join(list(self.neck(maps).values())))
        result = OrderedDict(out=_resized(logits, size))
        if self.aux_classifier is not None:
            result["aux"] = _resized(self.aux_classifier(maps[self.backbone.taps[-2]]), size)
        return result


def _last(maps: list[Tensor]) -> Tensor:
    return maps[-1]


def _fused(maps: list[Tensor]) -> Tensor:
    """Return the sum of all maps at the size of the finest: a neck's maps are of one width.

    Source: Kirillov et al. 2019, arXiv:1901.02446, figure 3, without its convolutions.
    """
    finest = maps[0]
    size = (finest.shape[-2], finest.shape[-1])
    return torch.stack([_resized(each, size) for each in maps]).sum(0)


def _low_and_high(maps: list[Tensor]) -> dict[str, Tensor]:
    return {"low": maps[0], "high": maps[-1]}


def _resized(logits: Tensor, size: tuple[int, int]) -> Tensor:
    return functional.interpolate(logits, size=size, mode="bilinear", align_corners=False)


def compose_fcn(module: nn.Module, recipe: Recipe) -> nn.Module:
    """Return the model with torchvision's FCN head.

    Source: Long et al. 2014, arXiv:1411.4038; torchvision, `fcn_resnet50`.
    """
    return _one_map_model(module, recipe, FCNHead)


def compose_deeplabv3(module: nn.Module, recipe: Recipe) -> nn.Module:
    """Return the model with torchvision's DeepLabV3 head; it trains with two images or more.

    Source: Chen et al. 2017, arXiv:1706.05587; torchvision, `deeplabv3_resnet50`.
    """
    return _one_map_model(module, recipe, DeepLabHead)


def compose_lraspp(module: nn.Module, recipe: Recipe) -> nn.Module:
    """Return the model with torchvision's LR-ASPP head: a fine map and a coarse one.

    Source: Howard et al. 2019, arXiv:1905.02244, section 6.4.
    """
    assert recipe.head is not None
    backbone, neck, widths = _trunk_and_neck(module, recipe)
    low, high = (recipe.neck["num_channels"],) * 2 if recipe.neck else (widths[0], widths[-1])
    head = LRASPPHead(low, high, recipe.head["num_outputs"], LRASPP_WIDTH)
    return SegmentationModel(backbone, neck, _low_and_high, head)


def _one_map_model(
    module: nn.Module, recipe: Recipe, make_head: Callable[[int, int], nn.Module]
) -> nn.Module:
    """Without a neck the head takes the coarsest map, and a neck's maps are added up for it."""
    assert recipe.head is not None
    backbone, neck, widths = _trunk_and_neck(module, recipe)
    num_outputs = recipe.head["num_outputs"]
    classifier = make_head(recipe.neck["num_channels"] if recipe.neck else widths[-1], num_outputs)
    aux = FCNHead(widths[-2], num_outputs) if recipe.head["aux"] else None
    return SegmentationModel(backbone, neck, _fused if recipe.neck else _last, classifier, aux)


def _trunk_and_neck(module: nn.Module, recipe: Recipe) -> tuple[FeatureTrunk, nn.Module, list[int]]:
    """Return both, and the widths of the trunk's maps."""
    backbone = trunk_of(module, recipe)
    widths = [each.num_channels for each in maps_of(backbone, recipe)]
    return backbone, build_neck(recipe.neck, widths), widths

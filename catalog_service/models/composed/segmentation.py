"""A class for every pixel: torchvision's heads on any trunk, with a neck or without."""

from collections import OrderedDict
from collections.abc import Callable

from torch import Tensor, nn
from torch.nn import functional
from torchvision.models.segmentation.deeplabv3 import DeepLabHead
from torchvision.models.segmentation.fcn import FCNHead
from torchvision.models.segmentation.lraspp import LRASPPHead

from catalog_service.models.composed.backbone import maps_of, trunk_of
from catalog_service.models.necks import build_neck
from catalog_service.models.recipe import Recipe
from catalog_service.models.trunk import FeatureMap, FeatureTrunk

LRASPP_WIDTH = 128
"""Channels between LR-ASPP's layers. Source: torchvision, `LRASPP`."""


class SegmentationModel(nn.Module):
    """Images [B, C, H, W] -> `out`, and `aux` where there is an auxiliary head: [B, N, H, W].

    Args:
        classifier: takes the map of `inputs[0]`, or low and high of two.
        inputs: names of the neck's maps that the classifier takes.
        aux_classifier: takes the trunk's last map but one.
    """

    def __init__(
        self,
        backbone: FeatureTrunk,
        neck: nn.Module,
        classifier: nn.Module,
        inputs: tuple[str, ...],
        aux_classifier: nn.Module | None,
    ) -> None:
        super().__init__()
        self.backbone = backbone
        self.neck = neck
        self.classifier = classifier
        self.aux_classifier = aux_classifier
        self.inputs = inputs

    def forward(self, images: Tensor) -> "OrderedDict[str, Tensor]":
        """Return logits at the size of the images."""
        size = (images.shape[-2], images.shape[-1])
        maps = self.backbone(images)
        mixed = self.neck(maps)
        taken = [mixed[name] for name in self.inputs]
        low_and_high = dict(zip(("low", "high"), taken, strict=False))
        logits = self.classifier(taken[0] if len(taken) == 1 else low_and_high)
        result = OrderedDict(out=_resized(logits, size))
        if self.aux_classifier is not None:
            result["aux"] = _resized(self.aux_classifier(maps[self.backbone.taps[-2]]), size)
        return result


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
    """Return the model with torchvision's LR-ASPP head: the finest map and the coarsest.

    Source: Howard et al. 2019, arXiv:1905.02244, section 6.4.
    """
    assert recipe.head is not None
    backbone, neck, maps = _trunk_and_neck(module, recipe)
    low, high = maps[0], maps[-1]
    num_outputs = recipe.head["num_outputs"]
    head = LRASPPHead(low.num_channels, high.num_channels, num_outputs, LRASPP_WIDTH)
    return SegmentationModel(backbone, neck, head, (low.name, high.name), None)


def _one_map_model(
    module: nn.Module, recipe: Recipe, make_head: Callable[[int, int], nn.Module]
) -> nn.Module:
    """Without a neck the head takes the coarsest map; a neck brings what it knows to the finest."""
    assert recipe.head is not None
    backbone, neck, maps = _trunk_and_neck(module, recipe)
    taken = maps[0] if recipe.neck else maps[-1]
    num_outputs = recipe.head["num_outputs"]
    aux = FCNHead(maps[-2].num_channels, num_outputs) if recipe.head["aux"] else None
    classifier = make_head(taken.num_channels, num_outputs)
    return SegmentationModel(backbone, neck, classifier, (taken.name,), aux)


def _trunk_and_neck(
    module: nn.Module, recipe: Recipe
) -> tuple[FeatureTrunk, nn.Module, tuple[FeatureMap, ...]]:
    """Return both, and the maps that come out of the neck."""
    backbone = trunk_of(module, recipe)
    widths = [each.num_channels for each in maps_of(backbone, recipe)]
    neck = build_neck(recipe.neck, widths)
    return backbone, neck, maps_of(nn.Sequential(backbone, neck), recipe)

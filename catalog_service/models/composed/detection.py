"""Boxes, masks and keypoints: torchvision's detectors on any trunk and neck.

Anchors are sized to the strides of the maps and computed in the forward, so nothing of them is in
the state. Boxes of an object of label 0 mean background.
"""

from collections.abc import Callable, Mapping, Sequence
from typing import Any

from torch import nn
from torchvision.models.detection import (
    FCOS,
    FasterRCNN,
    KeypointRCNN,
    MaskRCNN,
    RetinaNet,
)
from torchvision.models.detection.anchor_utils import AnchorGenerator
from torchvision.ops import MultiScaleRoIAlign
from torchvision.ops.feature_pyramid_network import (
    ExtraFPNBlock,
    LastLevelMaxPool,
    LastLevelP6P7,
)

from catalog_service.models.composed.backbone import (
    PyramidBackbone,
    maps_of,
    pyramid_backbone,
)
from catalog_service.models.recipe import Recipe
from catalog_service.models.trunk import FeatureMap

ASPECT_RATIOS = (0.5, 1.0, 2.0)
"""Height over width. Source: torchvision's detectors."""

ONE_MAP_SIZES = (32, 64, 128, 256, 512)
"""Sides of the anchors, in pixels, where all come from one map. Source: Ren et al. 2015, 3.3."""

ROI_PX = {"box": 7, "mask": 14, "keypoint": 14}
"""Cells per side that a region is sampled to. Source: torchvision's R-CNNs."""


def compose_faster_rcnn(module: nn.Module, recipe: Recipe) -> nn.Module:
    """Return Faster R-CNN: names `backbone.body`, `backbone.neck`, `rpn`, `roi_heads`.

    Source: Ren et al. 2015, arXiv:1506.01497; torchvision, `fasterrcnn_resnet50_fpn`.
    """
    return _rcnn(FasterRCNN, ("box",), module, recipe)


def compose_mask_rcnn(module: nn.Module, recipe: Recipe) -> nn.Module:
    """Return Mask R-CNN.

    Source: He et al. 2017, arXiv:1703.06870; torchvision, `maskrcnn_resnet50_fpn`.
    """
    return _rcnn(MaskRCNN, ("box", "mask"), module, recipe)


def compose_keypoint_rcnn(module: nn.Module, recipe: Recipe) -> nn.Module:
    """Return Keypoint R-CNN.

    Source: He et al. 2017, arXiv:1703.06870, section 5; torchvision, `keypointrcnn_resnet50_fpn`.
    """
    assert recipe.head is not None
    num_points = recipe.head["num_points"]
    return _rcnn(KeypointRCNN, ("box", "keypoint"), module, recipe, num_keypoints=num_points)


def compose_retinanet(module: nn.Module, recipe: Recipe) -> nn.Module:
    """Return RetinaNet: names `backbone.body`, `backbone.neck`, `head`.

    Source: Lin et al. 2017, arXiv:1708.02002; torchvision, `retinanet_resnet50_fpn`.
    """
    backbone = pyramid_backbone(module, recipe, _two_convolutions)
    sizes = [_three_octaves(4 * each.stride_px) for each in maps_of(backbone, recipe)]
    return _detector(RetinaNet, backbone, recipe, anchor_generator=_anchors(sizes))


def compose_fcos(module: nn.Module, recipe: Recipe) -> nn.Module:
    """Return FCOS: one point a place, whose box may be 4 to 8 strides away from it.

    Source: Tian et al. 2019, arXiv:1904.01355; torchvision, `fcos_resnet50_fpn`.
    """
    backbone = pyramid_backbone(module, recipe, _two_convolutions)
    sizes = [(each.stride_px,) for each in maps_of(backbone, recipe)]
    return _detector(FCOS, backbone, recipe, anchor_generator=_anchors(sizes, (1.0,)))


def _rcnn(
    make: Callable[..., nn.Module],
    regions: Sequence[str],
    module: nn.Module,
    recipe: Recipe,
    **head: Any,
) -> nn.Module:
    """Return a detector of two stages; each kind of region is sampled from the right map."""
    backbone = pyramid_backbone(module, recipe, _subsampled)
    maps = maps_of(backbone, recipe)
    names = [each.name for each in maps if each.name != "pool"]
    pools = {
        f"{region}_roi_pool": MultiScaleRoIAlign(names, ROI_PX[region], sampling_ratio=2)
        for region in regions
    }
    generator = _anchors(_one_size_a_map(maps))
    return _detector(make, backbone, recipe, rpn_anchor_generator=generator, **pools, **head)


def _detector(
    make: Callable[..., nn.Module], backbone: PyramidBackbone, recipe: Recipe, **parts: Any
) -> nn.Module:
    assert recipe.head is not None
    facts = _transform(recipe.head)
    return make(backbone, recipe.head["num_outputs"], **facts, **parts)


def _transform(head: Mapping[str, Any]) -> dict[str, Any]:
    """Return how the detector itself resizes and normalises: what the input contract says."""
    facts = {
        "image_mean": list(head["mean"]),
        "image_std": list(head["std"]),
        "min_size": head["min_size_px"],
        "max_size": head["max_size_px"],
        "size_divisible": head["multiple_of_px"],
    }
    if "fixed_size_px" in head:
        height, width = head["fixed_size_px"]
        facts["fixed_size"] = (width, height)  # torchvision's order
    return facts


def _one_size_a_map(maps: Sequence[FeatureMap]) -> list[tuple[int, ...]]:
    """Return 32 pixels for stride 4, twice that for twice the stride; all for a single map."""
    if len(maps) == 1:
        return [ONE_MAP_SIZES]
    return [(8 * each.stride_px,) for each in maps]


def _three_octaves(size_px: int) -> tuple[int, ...]:
    return tuple(int(size_px * 2 ** (third / 3)) for third in range(3))


def _anchors(
    sizes: Sequence[tuple[int, ...]], aspect_ratios: tuple[float, ...] = ASPECT_RATIOS
) -> AnchorGenerator:
    return AnchorGenerator(tuple(sizes), (aspect_ratios,) * len(sizes))


def _subsampled(num_channels: int) -> ExtraFPNBlock:
    """Return what R-CNNs add: a map `pool` of half the size, for the proposals only."""
    return LastLevelMaxPool()


def _two_convolutions(num_channels: int) -> ExtraFPNBlock:
    """Return what one-stage detectors add: maps `p6` and `p7`, each half as large."""
    return LastLevelP6P7(num_channels, num_channels)

"""Detectors: equal to torchvision's own on ResNet, and trainable on any trunk with any neck."""

from collections.abc import Callable
from typing import Any

import pytest
import torch
import torchvision
from torch import nn
from torchvision.models import detection
from torchvision.models.detection.backbone_utils import _resnet_fpn_extractor
from torchvision.ops.feature_pyramid_network import LastLevelP6P7

from catalog_service.models.compositions import InputFacts, compose_recipe
from catalog_service.models.recipe import Recipe
from catalog_service.models.skeleton import build, skeleton
from tests.fakes.composed_recipes import DETECTORS, recipe_of, thrifty
from tests.fakes.detection_targets import images, targets
from tests.fakes.gradients import check_gradients

SMALL = {"min_size": 64, "max_size": 96}


FACTS = InputFacts(min_size_px=64, max_size_px=96)


def resnet18() -> nn.Module:
    module: nn.Module = torchvision.models.resnet18(weights=None)
    return module


def pyramid() -> nn.Module:
    """Return what torchvision's two-stage detectors have below their heads."""
    backbone: nn.Module = _resnet_fpn_extractor(resnet18(), 5)
    return backbone


def high_pyramid() -> nn.Module:
    """Return what torchvision's one-stage detectors have below their heads."""
    backbone: nn.Module = _resnet_fpn_extractor(
        resnet18(), 5, returned_layers=[2, 3, 4], extra_blocks=LastLevelP6P7(256, 256)
    )
    return backbone


THEIRS: dict[str, Callable[[], Any]] = {
    "faster_rcnn": lambda: detection.FasterRCNN(pyramid(), 5, **SMALL),
    "mask_rcnn": lambda: detection.MaskRCNN(pyramid(), 5, **SMALL),
    "keypoint_rcnn": lambda: detection.KeypointRCNN(pyramid(), 5, num_keypoints=3, **SMALL),
    "retinanet": lambda: detection.RetinaNet(high_pyramid(), 5, score_thresh=0.0, **SMALL),
    "fcos": lambda: detection.FCOS(high_pyramid(), 5, score_thresh=0.0, **SMALL),
}
"""Kind -> torchvision's own detector on ResNet-18, with BatchNorm2d."""


@pytest.mark.parametrize("kind", THEIRS)
def test_a_detector_equals_torchvisions_own(kind: str) -> None:
    choice = compose_recipe("resnet18", DETECTORS[kind], "fpn", FACTS)
    theirs = thrifty(THEIRS[kind]().eval())
    recipe = Recipe(builder="torchvision/resnet18", head=choice.head, neck=choice.neck)
    ours = thrifty(build(recipe).eval())
    if hasattr(theirs, "score_thresh"):
        ours.score_thresh = theirs.score_thresh
    state = theirs.state_dict()
    ours.load_state_dict(
        {name.replace("backbone.fpn.", "backbone.neck."): state[name] for name in state}
    )

    with torch.no_grad():
        expected = theirs(images(side_px=60))
        found = ours(images(side_px=60))

    assert len(expected[0]["boxes"]) > 0
    assert found[0].keys() == expected[0].keys()
    for one, other in zip(found, expected, strict=True):
        assert all(torch.equal(one[name], other[name]) for name in other)


TRUNKS = ("resnet18", "mobilenet_v3_small", "dinov3_vits16", "dinov3_convnext_tiny")

FULL_TRUNKS = (
    "swin_t",
    "vit_b_16",
    "densenet121",
    "googlenet",
    "efficientnet_b0",
    "regnet_x_400mf",
)

STEPS = [
    *((kind, trunk) for kind in DETECTORS for trunk in TRUNKS),
    ("fcos", "vit_b_16"),
    *(
        pytest.param(kind, trunk, marks=pytest.mark.full)
        for kind in DETECTORS
        for trunk in FULL_TRUNKS
    ),
]


@pytest.mark.parametrize(("kind", "trunk"), STEPS)
def test_a_detector_trains_on_any_trunk(kind: str, trunk: str) -> None:
    model = thrifty(build(recipe_of(trunk, DETECTORS[kind])).train())

    losses = model(images(), targets())
    sum(losses.values()).backward()

    assert all(torch.isfinite(loss) for loss in losses.values()), losses
    check_gradients(model)


@pytest.mark.parametrize("neck", ["fpn", "bifpn", "pafpn", "transformer_encoder"])
@pytest.mark.parametrize("kind", ["faster_rcnn", "retinanet"])
def test_a_detector_trains_with_every_neck(kind: str, neck: str) -> None:
    model = thrifty(build(recipe_of("resnet18", DETECTORS[kind], neck)).train())

    losses = model(images(), targets())
    sum(losses.values()).backward()

    assert all(torch.isfinite(loss) for loss in losses.values()), losses
    check_gradients(model)


@pytest.mark.parametrize("kind", DETECTORS)
def test_a_detector_takes_images_of_other_channels(kind: str) -> None:
    model = thrifty(build(recipe_of("resnet18", DETECTORS[kind], in_channels=5)).eval())

    with torch.no_grad():
        found = model(images(num_channels=5))

    assert len(found) == 2


def test_regions_are_sampled_from_the_maps_but_not_from_the_subsampled_one() -> None:
    model: Any = skeleton(recipe_of("resnet18", DETECTORS["mask_rcnn"]))

    for pool in (model.roi_heads.box_roi_pool, model.roi_heads.mask_roi_pool):
        assert pool.featmap_names == ["layer1", "layer2", "layer3", "layer4"]


def test_a_detector_of_one_size_gives_its_trunk_that_size_also_where_it_is_not_square() -> None:
    facts = InputFacts(fixed_size_px=(32, 64))
    choice = compose_recipe("vit_b_16", DETECTORS["fcos"], "", facts)
    recipe = Recipe(
        builder="torchvision/vit_b_16",
        arguments={"image_size": [32, 64]},
        head=choice.head,
        neck=choice.neck,
    )
    model: Any = skeleton(recipe)

    batch, _ = model.transform(images())

    assert batch.tensors.shape == (2, 3, 32, 64)
    assert model.backbone.body.image_px == (32, 64)

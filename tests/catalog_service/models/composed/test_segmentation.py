"""Segmentation: equal to torchvision's own on ResNet-50, and trainable with any neck."""

from typing import Any

import pytest
import torch
import torchvision

from catalog_service.models.skeleton import build
from catalog_service.models.tasks import SegmentationTask
from tests.fakes.composed_recipes import recipe_of
from tests.fakes.gradients import check_gradients


@pytest.mark.parametrize(
    ("kind", "name"), [("fcn", "fcn_resnet50"), ("deeplabv3", "deeplabv3_resnet50")]
)
def test_a_segmentation_model_equals_torchvisions_own(kind: str, name: str) -> None:
    task = SegmentationTask(num_classes=5, head=kind)
    theirs: Any = torchvision.models.get_model(
        f"{kind}_resnet50", weights=None, weights_backbone=None, num_classes=5, aux_loss=True
    ).eval()
    ours = build(recipe_of("resnet50", task)).eval()
    ours.load_state_dict(theirs.state_dict())
    batch = torch.rand(1, 3, 40, 56)

    with torch.no_grad():
        expected, found = theirs(batch), ours(batch)

    assert list(ours.state_dict()) == list(theirs.state_dict())
    assert list(found) == list(expected) == ["out", "aux"]
    assert all(torch.equal(found[part], expected[part]) for part in expected)


def test_lraspp_has_the_names_and_shapes_of_torchvisions_own() -> None:
    theirs = torchvision.models.get_model(
        "lraspp_mobilenet_v3_large", weights=None, weights_backbone=None, num_classes=5
    )
    ours = build(recipe_of("mobilenet_v3_large", SegmentationTask(num_classes=5, head="lraspp")))

    shapes = {
        name.replace("backbone.features.", "backbone."): tensor.shape
        for name, tensor in ours.state_dict().items()
    }
    assert shapes == {name: tensor.shape for name, tensor in theirs.state_dict().items()}


@pytest.mark.parametrize("neck", ["none", "fpn", "bifpn", "pafpn", "transformer_encoder"])
@pytest.mark.parametrize("head", ["fcn", "deeplabv3", "lraspp"])
def test_segmentation_trains_with_every_neck(head: str, neck: str) -> None:
    model = build(recipe_of("resnet18", SegmentationTask(num_classes=3, head=head), neck)).train()

    output = model(torch.rand(2, 3, 48, 64))
    sum(each.square().mean() for each in output.values()).backward()

    assert output["out"].shape == (2, 3, 48, 64)
    assert ("aux" in output) == (neck == "none" and head != "lraspp")
    check_gradients(model)


@pytest.mark.parametrize("trunk", ["vit_b_16", "dinov3_vits16", "swin_t", "dinov3_convnext_tiny"])
def test_segmentation_trains_on_transformers(trunk: str) -> None:
    model = build(recipe_of(trunk, SegmentationTask(num_classes=3))).train()

    output = model(torch.rand(2, 3, 64, 64))
    output["out"].square().mean().backward()

    assert output["out"].shape == (2, 3, 64, 64)


def test_a_dropped_auxiliary_head_is_nowhere() -> None:
    model = build(recipe_of("resnet18", SegmentationTask(num_classes=3), aux_heads="drop")).eval()

    assert list(model(torch.rand(1, 3, 32, 32))) == ["out"]
    assert not [name for name in model.state_dict() if name.startswith("aux")]

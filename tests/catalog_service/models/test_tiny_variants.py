"""A training step of each family's tiny variant: forward, finite loss, gradients everywhere."""

from collections.abc import Callable, Mapping
from dataclasses import replace
from typing import Any

import pytest
import torch
from torch import Tensor, nn

from catalog_service.index.catalog_index import CatalogIndex
from catalog_service.models.describe import layout_of
from catalog_service.models.families.family import Family
from catalog_service.models.families.table import FAMILIES, families
from catalog_service.models.freeze_plan import FULL, freeze_plan
from catalog_service.models.skeleton import build

BY_NAME = {family.name: family for family in families().values()}

LIGHT = {
    "deeplabv3",
    "dinov3_convnext",
    "dinov3_vit",
    "faster_rcnn",
    "lraspp",
    "mnasnet",
    "mobilenet_v3",
    "raft",
    "resnet",
    "shufflenet_v2",
    "squeezenet",
    "ssdlite",
    "video_resnet",
}
"""What takes a second or two; at least one of each task."""

UNTRAINED = {"dinov3_vit": {"embeddings.mask_token"}}
"""Used in pretraining alone."""

NUM_FRAMES = {"mvit": 16, "s3d": 16}
SIDES_PX = {
    "s3d": 224,
    "maxvit": 224,
    "mvit": 224,
    "ssd": 300,
    "ssdlite": 320,
    "raft": 128,
    "vit": 32,
}
SIDE_PX = 96

CASES = [
    pytest.param(name, marks=() if name in LIGHT else pytest.mark.full) for name in sorted(FAMILIES)
]


@pytest.mark.parametrize("name", CASES)
def test_a_tiny_variant_trains_a_step(name: str) -> None:
    family = BY_NAME[name]
    torch.manual_seed(0)
    torch.set_num_threads(1)
    recipe = CatalogIndex.load().recipe_for(family.tiny_architecture)
    recipe = replace(recipe, arguments={**recipe.arguments, **family.tiny_arguments})
    module = build(recipe).train()

    loss = LOSSES[family.task](module, family)
    loss.backward()

    assert loss.isfinite()
    without = {
        path
        for path, parameter in module.named_parameters()
        if parameter.requires_grad and parameter.grad is None
    }
    assert without == UNTRAINED.get(name, set())
    planned = freeze_plan(layout_of(module, recipe), FULL).trainable
    assert not without & set(planned), "the trainer takes what does not learn for a fault"


def test_there_is_a_light_variant_for_each_task() -> None:
    heavy = {family.task for family in BY_NAME.values()} - {BY_NAME[name].task for name in LIGHT}

    assert heavy == {"instance_segmentation", "keypoints"}, "they need a ResNet-50"


def side_of(family: Family) -> int:
    rule = family.size
    smallest = max(rule.minimum_px, rule.training_px, rule.aux_training_px)
    return SIDES_PX.get(family.name, max(SIDE_PX, smallest))


def images(family: Family) -> Tensor:
    return torch.rand(2, 3, side_of(family), side_of(family))


def loss_of_logits(module: nn.Module, family: Family) -> Tensor:
    return summed(module(images(family)))


def loss_of_tokens(module: nn.Module, family: Family) -> Tensor:
    return summed(module(images(family)).last_hidden_state)


def loss_of_clips(module: nn.Module, family: Family) -> Tensor:
    num_frames, side = NUM_FRAMES.get(family.name, 4), side_of(family)
    return summed(module(torch.rand(1, 3, num_frames, side, side)))


def loss_of_flow(module: Any, family: Family) -> Tensor:
    first, second = images(family), images(family)
    return summed(module(first, second, num_flow_updates=2))


def loss_of_boxes(module: nn.Module, family: Family) -> Tensor:
    side = side_of(family)
    box = torch.tensor([[8.0, 8.0, side - 8.0, side - 8.0]])
    target = {
        "boxes": box,
        "labels": torch.ones(1, dtype=torch.int64),
        "masks": torch.ones(1, side, side, dtype=torch.uint8),
        "keypoints": torch.tensor([[[20.0, 20.0, 1.0]]]).expand(1, 17, 3),
    }
    return summed(module(list(images(family)), [dict(target), dict(target)]))


def summed(found: Any) -> Tensor:
    """Return the sum of everything that comes out: losses, logits, flows."""
    if isinstance(found, Tensor):
        return found.float().square().mean()
    values = found.values() if isinstance(found, Mapping) else found
    return torch.stack([summed(value) for value in values]).sum()


LOSSES: Mapping[str, Callable[[Any, Family], Tensor]] = {
    "classification": loss_of_logits,
    "segmentation": loss_of_logits,
    "features": loss_of_tokens,
    "video": loss_of_clips,
    "optical_flow": loss_of_flow,
    "detection": loss_of_boxes,
    "instance_segmentation": loss_of_boxes,
    "keypoints": loss_of_boxes,
}

"""The size rules against the models themselves: the smallest side runs, one pixel less raises.

On meta, so only shapes are computed: errors that depend on numbers are not seen here.
"""

import pytest
import torch
from torch import nn

from catalog_service.index.catalog_index import CatalogIndex
from catalog_service.index.sizes import minimum_px
from catalog_service.models.families.table import families
from catalog_service.models.recipe import Recipe, classification_head
from catalog_service.models.skeleton import skeleton

SMALLEST = {
    "alexnet",
    "convnext_tiny",
    "densenet121",
    "efficientnet_b0",
    "efficientnet_v2_s",
    "googlenet",
    "inception_v3",
    "maxvit_t",
    "mnasnet0_5",
    "mobilenet_v2",
    "mobilenet_v3_small",
    "regnet_y_400mf",
    "resnet18",
    "resnext50_32x4d",
    "shufflenet_v2_x0_5",
    "squeezenet1_0",
    "squeezenet1_1",
    "swin_t",
    "swin_v2_t",
    "vgg11",
    "vit_b_32",
    "wide_resnet50_2",
}
"""The smallest of each family, and of each half of those with two."""


def test_every_family_is_tried() -> None:
    assert {families()[name].name for name in SMALLEST} == {f.name for f in families().values()}


@pytest.mark.parametrize("name", sorted(SMALLEST))
def test_the_smallest_size_runs_and_one_pixel_less_raises(index: CatalogIndex, name: str) -> None:
    smallest = minimum_px(index.default_weight(name))
    module = skeleton(new_head(index, name)).eval()

    assert outputs(module, smallest) == (2, 3)
    if smallest > 1 and not families()[name].size.is_fixed:
        with pytest.raises((RuntimeError, ValueError, AssertionError)):
            outputs(module, smallest - 1)


@pytest.mark.parametrize(("name", "size"), [("vit_b_32", 256), ("maxvit_t", 256)])
def test_a_fixed_size_is_the_only_one(index: CatalogIndex, name: str, size: int) -> None:
    """But for MaxViT at 223, whose first convolution rounds up to the maps of 224."""
    module = skeleton(new_head(index, name)).eval()

    with pytest.raises((RuntimeError, ValueError, AssertionError)):
        outputs(module, size)


def new_head(index: CatalogIndex, name: str) -> Recipe:
    return index.recipe_for(name, head=classification_head(3))


def outputs(module: nn.Module, size: int) -> tuple[int, ...]:
    images = torch.empty(2, 3, size, size, device="meta")
    return tuple(module(images).shape)

"""A new head changes exactly the published last layer, and nothing else."""

from dataclasses import replace

import pytest
import torch
from torch import nn

from catalog_service.index.catalog_index import CatalogIndex
from catalog_service.models.layout import StateLayout
from catalog_service.models.recipe import Recipe, classification_head
from catalog_service.models.skeleton import skeleton

WIDTHS = {
    "alexnet": ("classifier.6", 4096),
    "vgg11 vgg13 vgg16 vgg19 vgg11_bn vgg13_bn vgg16_bn vgg19_bn": ("classifier.6", 4096),
    "resnet18 resnet34": ("fc", 512),
    "resnet50 resnet101 resnet152": ("fc", 2048),
    "resnext50_32x4d resnext101_32x8d resnext101_64x4d": ("fc", 2048),
    "wide_resnet50_2 wide_resnet101_2": ("fc", 2048),
    "squeezenet1_0 squeezenet1_1": ("classifier.1", 512),
    "densenet121": ("classifier", 1024),
    "densenet169": ("classifier", 1664),
    "densenet201": ("classifier", 1920),
    "densenet161": ("classifier", 2208),
    "googlenet": ("fc", 1024),
    "inception_v3": ("fc", 2048),
    "mobilenet_v2": ("classifier.1", 1280),
    "mobilenet_v3_large": ("classifier.3", 1280),
    "mobilenet_v3_small": ("classifier.3", 1024),
    "mnasnet0_5 mnasnet0_75 mnasnet1_0 mnasnet1_3": ("classifier.1", 1280),
    "shufflenet_v2_x0_5 shufflenet_v2_x1_0 shufflenet_v2_x1_5": ("fc", 1024),
    "shufflenet_v2_x2_0": ("fc", 2048),
    "efficientnet_b0 efficientnet_b1": ("classifier.1", 1280),
    "efficientnet_b2": ("classifier.1", 1408),
    "efficientnet_b3": ("classifier.1", 1536),
    "efficientnet_b4": ("classifier.1", 1792),
    "efficientnet_b5": ("classifier.1", 2048),
    "efficientnet_b6": ("classifier.1", 2304),
    "efficientnet_b7": ("classifier.1", 2560),
    "efficientnet_v2_s efficientnet_v2_m efficientnet_v2_l": ("classifier.1", 1280),
    "regnet_x_400mf": ("fc", 400),
    "regnet_x_800mf": ("fc", 672),
    "regnet_x_1_6gf": ("fc", 912),
    "regnet_x_3_2gf": ("fc", 1008),
    "regnet_x_8gf": ("fc", 1920),
    "regnet_x_16gf": ("fc", 2048),
    "regnet_x_32gf": ("fc", 2520),
    "regnet_y_400mf": ("fc", 440),
    "regnet_y_800mf": ("fc", 784),
    "regnet_y_1_6gf": ("fc", 888),
    "regnet_y_3_2gf": ("fc", 1512),
    "regnet_y_8gf": ("fc", 2016),
    "regnet_y_16gf": ("fc", 3024),
    "regnet_y_32gf": ("fc", 3712),
    "regnet_y_128gf": ("fc", 7392),
    "convnext_tiny convnext_small": ("classifier.2", 768),
    "convnext_base": ("classifier.2", 1024),
    "convnext_large": ("classifier.2", 1536),
    "vit_b_16 vit_b_32": ("heads.head", 768),
    "vit_l_16 vit_l_32": ("heads.head", 1024),
    "vit_h_14": ("heads.head", 1280),
    "swin_t swin_s swin_v2_t swin_v2_s": ("head", 768),
    "swin_b swin_v2_b": ("head", 1024),
    "maxvit_t": ("classifier.5", 512),
}
"""Architectures -> path and input width of the last layer. Source: diffs of torchvision's builds
for 1000 and 7 classes, taken by hand; written here independently of the family tables.
"""


def expected_changes(num_classes: int) -> dict[str, dict[str, tuple[int, ...]]]:
    """Return architecture -> name -> shape of every tensor that depends on the classes."""
    return {
        name: _layer(name, path, width, num_classes)
        for names, (path, width) in WIDTHS.items()
        for name in names.split()
    }


def _layer(name: str, path: str, width: int, num_classes: int) -> dict[str, tuple[int, ...]]:
    kernel = (1, 1) if name.startswith("squeezenet") else ()
    weight = {f"{path}.weight": (num_classes, width, *kernel)}
    bias = {} if name == "maxvit_t" else {f"{path}.bias": (num_classes,)}
    return {**weight, **bias}


def test_a_new_head_changes_exactly_the_last_layer(
    layouts: dict[str, StateLayout], new_head_layouts: dict[str, StateLayout]
) -> None:
    table = expected_changes(7)

    for name, published in layouts.items():
        old = {tensor.name: tensor for tensor in published.tensors if tensor.role != "aux"}
        new = {tensor.name: tensor for tensor in new_head_layouts[name].tensors}
        changed = {key: info.shape for key, info in new.items() if info != old.get(key)}

        assert changed == table[name], name
        assert new.keys() == old.keys(), name
    assert len(table) == 80


def test_the_published_head_has_a_thousand_classes(layouts: dict[str, StateLayout]) -> None:
    for name, shapes in expected_changes(1000).items():
        found = {tensor.name: tensor.shape for tensor in layouts[name].tensors}

        assert shapes.items() <= found.items(), name


def test_a_new_task_drops_the_auxiliary_head(new_head_layouts: dict[str, StateLayout]) -> None:
    assert all(not layout.of_role("aux") for layout in new_head_layouts.values())


@pytest.mark.parametrize("name", ["googlenet", "inception_v3"])
def test_a_new_task_keeps_the_input_transform(index: CatalogIndex, name: str) -> None:
    """The pretrained stem expects it; it is not in the state, so only the recipe can know."""
    module = skeleton(new_head(index, name))

    assert getattr(module, "transform_input") is True  # noqa: B009  (nn.Module has no such attribute)
    assert getattr(module, "aux_logits") is False  # noqa: B009


def test_squeezenet_knows_its_number_of_classes(index: CatalogIndex) -> None:
    module = skeleton(new_head(index, "squeezenet1_1"))

    assert module.num_classes == 7
    assert isinstance(module.get_submodule("classifier.1"), nn.Conv2d)


@pytest.mark.parametrize(
    ("name", "size"), [("squeezenet1_1", 32), ("mnasnet0_5", 32), ("shufflenet_v2_x0_5", 32)]
)
def test_outputs_are_one_number_a_class(index: CatalogIndex, name: str, size: int) -> None:
    module = skeleton(new_head(index, name)).eval()

    assert module(torch.empty(2, 3, size, size, device="meta")).shape == (2, 7)


@pytest.mark.parametrize("num_classes", [1, 2, 1000])
def test_any_number_of_classes_is_built(index: CatalogIndex, num_classes: int) -> None:
    recipe = replace(new_head(index, "maxvit_t"), head=classification_head(num_classes))

    last = skeleton(recipe).get_submodule("classifier.5")

    assert isinstance(last, nn.Linear)
    assert last.out_features == num_classes
    assert "bias" not in last.state_dict()


def new_head(index: CatalogIndex, name: str) -> Recipe:
    return index.recipe_for(name, head=classification_head(7))

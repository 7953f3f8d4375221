"""Trunks: the architecture's own modules and names, its maps, and nothing of its head."""

from collections.abc import Callable
from typing import Any

import pytest
import torch
from torch import Tensor, nn
from torch.nn import functional

from catalog_service.index.catalog_index import CatalogIndex
from catalog_service.models.anatomy import anatomy
from catalog_service.models.families.table import families, family_of
from catalog_service.models.feature_maps import feature_maps
from catalog_service.models.recipe import Recipe
from catalog_service.models.skeleton import build, skeleton
from catalog_service.models.trunk import feature_trunk, map_shapes, measured_maps, probe_px

WITH_MAPS = [name for name, family in families().items() if name in family.features]

CONFIGURED = {
    "dinov3_vits16": {
        "num_hidden_layers": 2,
        "hidden_size": 32,
        "intermediate_size": 64,
        "num_attention_heads": 2,
    },
    "dinov3_convnext_tiny": {"hidden_sizes": [8, 16, 24, 32], "depths": [1, 1, 1, 1]},
}
"""Configurations that are small enough to compute with."""


def tiny(index: CatalogIndex, name: str) -> Recipe:
    """Return the recipe of the published structure, or of a small configuration of DINOv3."""
    if name in CONFIGURED:
        return Recipe(builder=f"transformers/{name}", arguments=CONFIGURED[name])
    return index.recipe_for(name)


def trunk_of(module: nn.Module, name: str, *taps: str) -> nn.Module:
    return feature_trunk(module, family_of(name), name, taps)


def test_every_classification_family_and_dinov3_have_maps() -> None:
    without = {
        family.name
        for family in families().values()
        if family.task in ("classification", "features") and not family.features
    }

    assert without == set()
    assert len(WITH_MAPS) == 90


def test_maps_have_the_strides_that_the_families_say_finest_first(
    index: CatalogIndex, skeletons: dict[str, nn.Module]
) -> None:
    for name in WITH_MAPS:
        family = family_of(name)
        rule = family.features[name]
        side = probe_px(family, index.recipe_for(name).arguments)

        found = measured_maps(trunk_of(skeletons[name], name), side)

        assert tuple(each.name for each in found) == tuple(rule.taps), name
        assert tuple(each.stride_px for each in found) == rule.strides, name
        assert list(rule.strides) == sorted(set(rule.strides)), name


@pytest.mark.parametrize(
    ("name", "widths"),
    [
        ("resnet50", [256, 512, 1024, 2048]),
        ("densenet121", [256, 512, 1024, 1024]),
        ("mobilenet_v3_large", [24, 40, 112, 960]),
        ("efficientnet_b0", [24, 40, 112, 1280]),
        ("regnet_y_400mf", [48, 104, 208, 440]),
        ("swin_t", [96, 192, 384, 768]),
        ("inception_v3", [192, 288, 768, 2048]),
        ("vgg16", [128, 256, 512, 512]),
        ("squeezenet1_1", [128, 256, 512]),
        ("vit_b_16", [768]),
        ("dinov3_convnext_base", [128, 256, 512, 1024]),
        ("dinov3_vits16", [384]),
    ],
)
def test_maps_are_as_wide_as_the_papers_say(
    index: CatalogIndex, name: str, widths: list[int]
) -> None:
    assert [each.num_channels for each in feature_maps(index.recipe_for(name))] == widths


def test_a_trunk_has_exactly_the_backbone_under_its_own_names(
    index: CatalogIndex, skeletons: dict[str, nn.Module]
) -> None:
    for name in WITH_MAPS:
        parts = anatomy(index.recipe_for(name))
        state = skeletons[name].state_dict()
        backbone = [key for key in state if parts.role_of(key) == "backbone"]

        assert sorted(trunk_of(skeletons[name], name).state_dict()) == sorted(backbone), name


def _pooled(x: Tensor) -> Tensor:
    return functional.adaptive_avg_pool2d(x, 1).flatten(1)


def _flat(x: Tensor) -> Tensor:
    return functional.adaptive_avg_pool2d(x, 7).flatten(1)


ENTRANCES: dict[str, tuple[str, int, Callable[[Tensor], Tensor]]] = {
    "alexnet": ("classifier", 64, lambda x: functional.adaptive_avg_pool2d(x, 6).flatten(1)),
    "vgg11": ("classifier", 32, _flat),
    "resnet18": ("fc", 64, _pooled),
    "squeezenet1_1": ("classifier", 64, lambda x: x),
    "densenet121": ("classifier", 64, _pooled),
    "googlenet": ("dropout", 64, _pooled),
    "inception_v3": ("dropout", 80, lambda x: functional.adaptive_avg_pool2d(x, 1)),
    "mobilenet_v2": ("classifier", 64, _pooled),
    "mobilenet_v3_small": ("classifier", 64, _pooled),
    "mnasnet0_5": ("classifier", 64, lambda x: x.mean([2, 3])),
    "shufflenet_v2_x0_5": ("fc", 64, lambda x: x.mean([2, 3])),
    "efficientnet_b0": ("classifier", 64, _pooled),
    "regnet_x_400mf": ("fc", 64, _pooled),
    "convnext_tiny": ("classifier", 64, lambda x: functional.adaptive_avg_pool2d(x, 1)),
    "swin_t": ("head", 64, _pooled),
    "swin_v2_t": ("head", 64, _pooled),
    "maxvit_t": ("classifier", 224, lambda x: x),
}
"""Architecture -> the module whose input is the pooled map, a side in pixels, and the published
pooling. Source: the `forward` of each; written here independently of the family tables.
"""


@pytest.mark.parametrize("name", ENTRANCES)
def test_the_last_map_is_what_the_published_forward_pools(index: CatalogIndex, name: str) -> None:
    entrance, side, pool = ENTRANCES[name]
    module = computing(index.recipe_for(name))
    seen: list[Tensor] = []
    module.get_submodule(entrance).register_forward_pre_hook(
        lambda _, inputs: seen.append(inputs[0].clone())
    )
    images = torch.rand(2, 3, side, side)

    with torch.no_grad():
        module(images)
        *_, last = trunk_of(module, name)(images).values()

    assert torch.equal(pool(last), seen[0])


def computing(recipe: Recipe) -> Any:
    """Return a model with numbers, in evaluation."""
    torch.set_num_threads(1)
    torch.manual_seed(0)
    return build(recipe).eval()


def test_vit_gives_its_patches_as_a_map_and_its_class_token(index: CatalogIndex) -> None:
    module = computing(Recipe(builder="torchvision/vit_b_32", arguments={"image_size": 64}))
    images = torch.rand(2, 3, 64, 64)

    with torch.no_grad():
        tokens = module.encoder(
            torch.cat([module.class_token.expand(2, -1, -1), module._process_input(images)], dim=1)
        )
        found = trunk_of(module, "vit_b_32", "patches", "class_token")(images)

    assert torch.equal(found["class_token"], tokens[:, 0])
    assert found["patches"].shape == (2, 768, 2, 2)
    assert torch.equal(found["patches"][:, :, 0, 1], tokens[:, 2])


@pytest.mark.parametrize("name", CONFIGURED)
def test_dinov3_gives_the_vector_of_its_library(index: CatalogIndex, name: str) -> None:
    module = computing(tiny(index, name))
    images = torch.rand(2, 3, 64, 96)

    with torch.no_grad():
        published = module(images)
        found = trunk_of(module, name, "class_token")(images)

    assert torch.equal(found["class_token"], published.pooler_output)


def test_dinov3s_map_leaves_class_token_and_registers_out(index: CatalogIndex) -> None:
    module = computing(tiny(index, "dinov3_vits16"))
    images = torch.rand(1, 3, 32, 48)

    with torch.no_grad():
        tokens = module(images).last_hidden_state  # [1, 1 + 4 + 6, D]
        found = trunk_of(module, "dinov3_vits16")(images)["patches"]

    assert found.shape == (1, 32, 2, 3)
    assert torch.equal(found[0, :, 1, 2], tokens[0, -1])


def test_only_the_asked_maps_come_back(index: CatalogIndex) -> None:
    trunk = trunk_of(skeleton(index.recipe_for("resnet18")), "resnet18", "layer2", "layer4")

    assert map_shapes(trunk, 3, 64, 64) == {"layer2": (1, 128, 8, 8), "layer4": (1, 512, 2, 2)}


def test_measuring_changes_neither_numbers_nor_mode(index: CatalogIndex) -> None:
    module = computing(index.recipe_for("resnet18"))
    trunk = trunk_of(module, "resnet18").train()
    before = {name: tensor.clone() for name, tensor in trunk.state_dict().items()}

    map_shapes(trunk, 3, 64, 64)

    assert trunk.training
    assert all(torch.equal(before[name], tensor) for name, tensor in trunk.state_dict().items())


def test_an_unknown_map_is_refused(index: CatalogIndex) -> None:
    module = skeleton(index.recipe_for("resnet18"))

    with pytest.raises(LookupError, match="layer5"):
        trunk_of(module, "resnet18", "layer5")
    with pytest.raises(LookupError, match="class_token"):
        trunk_of(module, "resnet18", "class_token")


@pytest.mark.parametrize("name", ["resnet18", "swin_t", "dinov3_convnext_tiny"])
def test_height_stays_before_width(index: CatalogIndex, name: str) -> None:
    trunk = trunk_of(skeleton(tiny(index, name)), name)

    sizes = [shape[2:] for shape in map_shapes(trunk, 3, 64, 128).values()]

    assert sizes == [(16, 32), (8, 16), (4, 8), (2, 4)]


def test_a_vits_trunk_refuses_an_image_on_its_side() -> None:
    """As many patches as the position table has rows, in other places."""
    module = build(Recipe(builder="torchvision/vit_b_16", arguments={"image_size": [32, 64]}))
    trunk = trunk_of(module, "vit_b_16").eval()

    with torch.no_grad():
        assert trunk(torch.zeros(1, 3, 32, 64))["patches"].shape == (1, 768, 2, 4)
        with pytest.raises(AssertionError, match=r"images are \(64, 32\) px, not \(32, 64\)"):
            trunk(torch.zeros(1, 3, 64, 32))

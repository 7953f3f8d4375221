"""Skeletons are what torchvision builds with weights, for every classification weight."""

import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import pytest
import torch
import torchvision
from torch import nn

from catalog_service.errors import InvalidRequest
from catalog_service.index.catalog_index import CatalogIndex
from catalog_service.index.entries import WeightEntry
from catalog_service.models.recipe import Recipe
from catalog_service.models.skeleton import ParametersOnMeta, skeleton
from tests.fakes.patched_loader import pretrained_build

CHANGED_BY_WEIGHTS = {
    "torchvision/GoogLeNet_Weights.IMAGENET1K_V1",
    "torchvision/Inception_V3_Weights.IMAGENET1K_V1",
    "torchvision/ViT_B_16_Weights.IMAGENET1K_SWAG_E2E_V1",
    "torchvision/ViT_L_16_Weights.IMAGENET1K_SWAG_E2E_V1",
    "torchvision/ViT_H_14_Weights.IMAGENET1K_SWAG_E2E_V1",
}
"""torchvision's build without weights is another structure for these."""

PLAIN = (bool, int, float, str, tuple)


def test_structure_equals_the_pretrained_build_of_every_weight(
    index: CatalogIndex, skeletons: dict[str, nn.Module]
) -> None:
    differing = {}
    for weight in classification_weights(index):
        wanted = structure_of(pretrained_on_meta(weight))
        found = structure_of(twin_of(weight, index, skeletons))
        if wanted != found:
            differing[weight.reference] = difference(wanted, found)

    assert len(classification_weights(index)) == 115
    assert differing == {}


def test_the_naive_build_without_weights_is_another_structure(
    index: CatalogIndex, skeletons: dict[str, nn.Module]
) -> None:
    """Control: without recipes, five weights would not fit or would compute something else."""
    names = {weight.architecture_id for weight in classification_weights(index)}
    naive = {name: structure_of(naive_on_meta(name)) for name in names}

    changed = {
        weight.reference
        for weight in classification_weights(index)
        if naive[weight.architecture_id] != structure_of(twin_of(weight, index, skeletons))
    }

    assert changed == CHANGED_BY_WEIGHTS


def test_the_plain_meta_device_cannot_build_a_regnet() -> None:
    """Control: why there is a mode of our own."""
    with pytest.raises((RuntimeError, NotImplementedError)), torch.device("meta"):
        torchvision.models.get_model("regnet_y_400mf", weights=None)


@pytest.mark.parametrize("name", ["regnet_x_400mf", "regnet_y_400mf", "swin_v2_t", "maxvit_t"])
def test_structure_equals_the_build_on_the_cpu(index: CatalogIndex, name: str) -> None:
    wanted = structure_of(torchvision.models.get_model(name, weights=None))

    assert structure_of(skeleton(index.recipe_for(name))) == wanted


def test_everything_is_on_meta(index: CatalogIndex) -> None:
    for name in ("resnet18", "regnet_x_400mf", "swin_t"):
        module = skeleton(index.recipe_for(name))

        assert all(tensor.is_meta for tensor in module.state_dict().values()), name


def test_an_unknown_head_is_refused() -> None:
    with pytest.raises(InvalidRequest, match="no head 'poetry'; heads are classification"):
        skeleton(Recipe(builder="torchvision/resnet18", head={"kind": "poetry"}))


def classification_weights(index: CatalogIndex) -> list[WeightEntry]:
    return [w for w in index.weights if w.task == "classification" and not w.is_quantized]


def twin_of(weight: WeightEntry, index: CatalogIndex, skeletons: dict[str, nn.Module]) -> nn.Module:
    """Return the skeleton of a weight's recipe; most recipes are the default weight's."""
    recipe = index.recipe_for(weight.architecture_id, weight)
    if recipe == index.recipe_for(weight.architecture_id):
        return skeletons[weight.architecture_id]
    return skeleton(recipe)


def pretrained_on_meta(weight: WeightEntry) -> nn.Module:
    member = weight.reference.removeprefix("torchvision/")
    with on_meta(weight.architecture_id):
        return pretrained_build(weight.architecture_id, member)


def naive_on_meta(name: str) -> nn.Module:
    with on_meta(name), warnings.catch_warnings():
        warnings.simplefilter("ignore", FutureWarning)  # googlenet's and inception's init_weights
        module: nn.Module = torchvision.models.get_model(name, weights=None)
    return module


@contextmanager
def on_meta(name: str) -> Iterator[None]:
    """torch's own meta device, except for RegNet, which it cannot build."""
    with ParametersOnMeta() if name.startswith("regnet") else torch.device("meta"):
        yield


def structure_of(module: nn.Module) -> dict[str, Any]:
    """Return names, shapes, dtypes, classes and plain attributes (eps, transform_input, ...)."""
    tensors = {
        name: (tuple(tensor.shape), tensor.dtype) for name, tensor in module.state_dict().items()
    }
    trains = {name: tensor.requires_grad for name, tensor in module.named_parameters()}
    modules = {path: (type(child), plain_of(child)) for path, child in module.named_modules()}
    return {"tensors": tensors, "trains": trains, "modules": modules}


def plain_of(module: nn.Module) -> dict[str, object]:
    return {name: value for name, value in vars(module).items() if isinstance(value, PLAIN)}


def difference(wanted: dict[str, Any], found: dict[str, Any]) -> list[str]:
    return [
        f"{kind}.{name}: {wanted[kind].get(name)} != {found[kind].get(name)}"
        for kind in wanted
        for name in wanted[kind].keys() | found[kind].keys()
        if wanted[kind].get(name) != found[kind].get(name)
    ][:5]

"""Skeletons are what the libraries build with weights, for every float weight."""

import warnings
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest
import torch
import torchvision
from torch import nn
from torchvision.ops import FrozenBatchNorm2d

from catalog_service.errors import InvalidRequest
from catalog_service.index.catalog_index import CatalogIndex
from catalog_service.index.entries import WeightEntry
from catalog_service.models.builders import WITH_BACKBONE_WEIGHTS
from catalog_service.models.families.table import family_of
from catalog_service.models.recipe import Recipe
from catalog_service.models.skeleton import ParametersOnMeta, skeleton
from tests.fakes.patched_loader import pretrained_build
from tests.fakes.watch import Watch, watch

CHANGED_BY_WEIGHTS = {
    "deeplabv3_mobilenet_v3_large",
    "deeplabv3_resnet50",
    "deeplabv3_resnet101",
    "fasterrcnn_mobilenet_v3_large_320_fpn",
    "fasterrcnn_mobilenet_v3_large_fpn",
    "fasterrcnn_resnet50_fpn",
    "fasterrcnn_resnet50_fpn_v2",
    "fcn_resnet50",
    "fcn_resnet101",
    "fcos_resnet50_fpn",
    "googlenet",
    "inception_v3",
    "keypointrcnn_resnet50_fpn",
    "maskrcnn_resnet50_fpn",
    "maskrcnn_resnet50_fpn_v2",
    "retinanet_resnet50_fpn",
    "retinanet_resnet50_fpn_v2",
    "ssd300_vgg16",
    "vit_b_16",
    "vit_h_14",
    "vit_l_16",
}
"""torchvision's build without weights is another structure for some weight of these: for the
default weights of 19, and for the fine-tuned weights of two ViTs.
"""

WITHOUT_EPS = {
    "torchvision/FasterRCNN_ResNet50_FPN_Weights.COCO_V1",
    "torchvision/KeypointRCNN_ResNet50_FPN_Weights.COCO_V1",
    "torchvision/MaskRCNN_ResNet50_FPN_Weights.COCO_V1",
    "torchvision/RetinaNet_ResNet50_FPN_Weights.COCO_V1",
}

LEFT_OUT = ("_", "training")
"""How attributes begin that are torch's own bookkeeping."""


def test_structure_equals_the_pretrained_build_of_every_weight(
    index: CatalogIndex, skeletons: dict[str, nn.Module]
) -> None:
    differing = {}
    for weight in float_weights(index):
        wanted = structure_of(pretrained_on_meta(weight))
        found = structure_of(twin_of(weight, index, skeletons))
        if wanted != found:
            differing[weight.reference] = difference(wanted, found)

    assert len(float_weights(index)) == 152
    assert differing == {}


def test_the_naive_build_without_weights_is_another_structure(
    index: CatalogIndex, skeletons: dict[str, nn.Module]
) -> None:
    """Control: without recipes, weights would not fit or would compute something else.

    A weight whose recipe has no arguments is built by the very call that is naive.
    """
    told = [w for w in float_weights(index) if w.arguments or w.task in WITH_BACKBONE_WEIGHTS]
    names = {weight.architecture_id for weight in told}
    naive = {name: structure_of(naive_on_meta(name)) for name in names}

    changed = {
        weight.architecture_id: weight.is_default
        for weight in sorted(told, key=lambda weight: weight.is_default)
        if naive[weight.architecture_id] != structure_of(twin_of(weight, index, skeletons))
    }

    assert set(changed) == CHANGED_BY_WEIGHTS
    assert sum(changed.values()) == 19


def test_the_eps_of_four_detectors_is_zero(
    index: CatalogIndex, skeletons: dict[str, nn.Module]
) -> None:
    """No state has it, so a strict load would not see that it is missing."""
    found = {
        weight.reference
        for weight in float_weights(index)
        if 0.0 in eps_of(twin_of(weight, index, skeletons))
    }

    assert found == WITHOUT_EPS


def test_num_parameters_are_those_of_the_structure(
    index: CatalogIndex, skeletons: dict[str, nn.Module]
) -> None:
    for weight in index.weights:
        if not weight.is_quantized:
            module = twin_of(weight, index, skeletons)
            count = sum(parameter.numel() for parameter in module.parameters())
            assert count == weight.num_parameters, weight.reference


def test_the_plain_meta_device_cannot_build_a_regnet() -> None:
    """Control: why there is a mode of our own."""
    with pytest.raises((RuntimeError, NotImplementedError)), torch.device("meta"):
        torchvision.models.get_model("regnet_y_400mf", weights=None)


@pytest.mark.parametrize("name", ["regnet_x_400mf", "regnet_y_400mf", "swin_v2_t", "maxvit_t"])
def test_structure_equals_the_build_on_the_cpu(index: CatalogIndex, name: str) -> None:
    wanted = structure_of(torchvision.models.get_model(name, weights=None))

    assert structure_of(skeleton(index.recipe_for(name))) == wanted


def test_everything_is_on_meta(skeletons: dict[str, nn.Module]) -> None:
    for name, module in skeletons.items():
        assert all(tensor.is_meta for tensor in module.state_dict().values()), name


def test_an_unknown_head_is_refused() -> None:
    with pytest.raises(InvalidRequest, match="no head 'poetry'; heads are classification"):
        skeleton(Recipe(builder="torchvision/resnet18", head={"kind": "poetry"}))


def test_definitions_touch_no_network_and_no_cache(
    skeletons: dict[str, nn.Module], watched: Watch
) -> None:
    """Of all 119, where torchvision's dense builders would fetch a backbone."""
    assert len(skeletons) == 119
    assert watched.connections == []
    assert watched.writes == []


def test_a_plain_build_would_fetch_a_backbone(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    """Control: what the watch sees when torchvision is asked for a model without weights."""
    monkeypatch.setenv("TORCH_HOME", str(tmp_path))

    with watch(is_offline=True) as seen, pytest.raises(OSError, match="no network here"):
        torchvision.models.get_model("fcn_resnet50", weights=None)

    assert "download.pytorch.org" in seen.connections[0]
    assert any(str(tmp_path) in write for write in seen.writes)


def float_weights(index: CatalogIndex) -> list[WeightEntry]:
    """Return torchvision's, without the quantized ones."""
    return [w for w in index.weights if w.task != "features" and not w.is_quantized]


def eps_of(module: nn.Module) -> set[float]:
    return {child.eps for child in module.modules() if isinstance(child, FrozenBatchNorm2d)}


def twin_of(weight: WeightEntry, index: CatalogIndex, skeletons: dict[str, nn.Module]) -> nn.Module:
    """Return the skeleton of a weight's recipe; most recipes are the default weight's."""
    recipe = index.recipe_for(weight.architecture_id, weight)
    if recipe == index.recipe_for(weight.architecture_id):
        return skeletons[weight.architecture_id]
    return skeleton(recipe)


def pretrained_on_meta(weight: WeightEntry) -> nn.Module:
    member = weight.reference.removeprefix("torchvision/")
    with ParametersOnMeta():
        return pretrained_build(weight.architecture_id, member)


def naive_on_meta(name: str) -> nn.Module:
    """Return torchvision's build without weights, but with none for the backbone either."""
    dense = {"weights_backbone": None} if family_of(name).task in WITH_BACKBONE_WEIGHTS else {}
    with ParametersOnMeta(), warnings.catch_warnings():
        warnings.simplefilter("ignore", FutureWarning)  # googlenet's and inception's init_weights
        module: nn.Module = torchvision.models.get_model(name, weights=None, **dense)
    return module


def structure_of(module: nn.Module) -> dict[str, Any]:
    """Return names, shapes, dtypes, classes and plain attributes (eps, transform_input, ...)."""
    tensors = {
        name: (tuple(tensor.shape), tensor.dtype) for name, tensor in module.state_dict().items()
    }
    trains = {name: tensor.requires_grad for name, tensor in module.named_parameters()}
    modules = {path: (type(child), plain_of(child)) for path, child in module.named_modules()}
    return {"tensors": tensors, "trains": trains, "modules": modules}


def plain_of(value: object) -> dict[str, object]:
    """Return the attributes of a module, or of a helper such as a box coder, as plain data."""
    return {
        name: plain(each)
        for name, each in vars(value).items()
        if each is not None and not name.startswith(LEFT_OUT)
    }


def plain(value: object) -> object:
    if isinstance(value, list | tuple):
        return tuple(plain(each) for each in value)
    if isinstance(value, Mapping):
        return {name: plain(each) for name, each in value.items()}
    if isinstance(value, torch.Tensor):
        return tuple(value.shape) if value.is_meta else value.tolist()
    if type(value).__module__.startswith("torchvision") and hasattr(value, "__dict__"):
        return {"class": type(value).__name__, **plain_of(value)}
    return value if isinstance(value, bool | int | float | str) else type(value).__name__


def difference(wanted: dict[str, Any], found: dict[str, Any]) -> list[str]:
    return [
        f"{kind}.{name}: {wanted[kind].get(name)} != {found[kind].get(name)}"
        for kind in wanted
        for name in wanted[kind].keys() | found[kind].keys()
        if wanted[kind].get(name) != found[kind].get(name)
    ][:5]

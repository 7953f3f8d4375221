"""What a repository of the hub holds is read from its config.json, or refused in words."""

import json
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import timm
import torch
from transformers.models.dinov3_convnext import DINOv3ConvNextConfig, DINOv3ConvNextModel
from transformers.models.dinov3_vit import DINOv3ViTConfig, DINOv3ViTModel

from catalog_service.index.catalog_index import CatalogIndex
from catalog_service.index.entries import WeightEntry
from catalog_service.index.layouts import published_layouts
from catalog_service.models.describe import describe
from catalog_service.models.published_dinov3 import CONFIGURATIONS
from catalog_service.models.skeleton import skeleton
from catalog_service.weights.sources.hub_repository import HubRepositoryUnsupported, hub_entry
from catalog_service.weights.sources.timm_repository import TIMM_ARCHITECTURES

INDEX = CatalogIndex.load()
NAME = "huggingface/somebody/something"

WIDER = ("resnext50_32x4d", "wide_resnet50_2", "resnet50")

PUBLISHED = {
    each.architecture_id: {tensor.name: tensor.shape for tensor in each.layout.tensors}
    for each in reversed(published_layouts())
}
"""Names and shapes of each architecture's default structure."""


def timm_config(folder: Path, name: str, **arguments: Any) -> dict[str, Any]:
    """Return the config.json that timm itself writes."""
    with torch.device("meta"):
        model = timm.create_model(name, pretrained=False, **arguments)
    timm.models._hub.save_config_for_hf(model, str(folder / "config.json"))
    config: dict[str, Any] = json.loads((folder / "config.json").read_text())
    return config


def layout_names(reference_entry: Any) -> dict[str, tuple[int, ...]]:
    layout = describe(INDEX.recipe_for(reference_entry.architecture_id, reference_entry))
    return {tensor.name: tensor.shape for tensor in layout.tensors}


def shapes(module: torch.nn.Module) -> dict[str, tuple[int, ...]]:
    return {name: tuple(tensor.shape) for name, tensor in module.state_dict().items()}


@pytest.mark.parametrize("theirs", sorted(TIMM_ARCHITECTURES))
def test_timms_architecture_has_our_names_and_shapes(theirs: str) -> None:
    with torch.device("meta"):
        model = timm.create_model(theirs, pretrained=False)

    entry = hub_entry(NAME, {"architecture": theirs, "num_classes": 1000})

    assert entry.architecture_id == TIMM_ARCHITECTURES[theirs]
    assert PUBLISHED[entry.architecture_id] == shapes(model)


@pytest.mark.parametrize(
    "name",
    ["resnet18", *(pytest.param(n, marks=pytest.mark.full) for n in ("densenet121", *WIDER))],
)
def test_timms_numbers_compute_the_same_in_our_model(name: str) -> None:
    """Equal names could still hide another order of layers or another eps."""
    torch.manual_seed(0)
    theirs = timm.create_model(name, pretrained=False).eval()
    ours = skeleton(INDEX.recipe_for(TIMM_ARCHITECTURES[name])).to_empty(device="cpu").eval()
    ours.load_state_dict(theirs.state_dict(), strict=True)
    image = torch.randn(2, 3, 64, 64)

    with torch.no_grad():
        assert torch.equal(ours(image), theirs(image))


def test_a_timm_repository_brings_its_own_classes_statistics_and_licence(tmp_path: Path) -> None:
    config = timm_config(tmp_path, "resnet18", num_classes=7)
    config["pretrained_cfg"] |= {"mean": [0.1, 0.2, 0.3], "license": "apache-2.0"}

    entry = hub_entry(f"{NAME}@v2", config)

    assert entry.reference == f"{NAME}@v2"
    assert entry.url == ("https://huggingface.co/somebody/something/resolve/v2/model.safetensors")
    assert layout_names(entry)["fc.weight"] == (7, 512)
    assert len(entry.categories) == 7
    assert entry.preprocessing.mean == (0.1, 0.2, 0.3)
    assert entry.licence == "apache-2.0"
    assert entry.sha256_prefix == ""
    assert not entry.is_default


def test_imagenets_classes_have_their_names(tmp_path: Path) -> None:
    config = timm_config(tmp_path, "resnet18")
    config["pretrained_cfg"]["tag"] = "a1_in1k"

    assert hub_entry(NAME, config).categories == INDEX.default_weight("resnet18").categories


@pytest.mark.parametrize("model", sorted(CONFIGURATIONS))
def test_a_published_dinov3_is_known_by_its_configuration(model: str) -> None:
    kind = DINOv3ViTConfig if "vit" in model else DINOv3ConvNextConfig
    config = json.loads(kind(**CONFIGURATIONS[model]).to_json_string(use_diff=False))

    entry = hub_entry(NAME, config)

    assert entry.architecture_id == model
    assert entry.arguments == INDEX.default_weight(model).arguments
    assert entry.licence == "dinov3-license"
    assert not entry.is_gated


def of_any_size() -> list[tuple[Any, Any, Mapping[str, Any]]]:
    vit: dict[str, Any] = {
        "num_hidden_layers": 3,
        "hidden_size": 64,
        "num_attention_heads": 4,
        "intermediate_size": 96,
        "num_register_tokens": 2,
    }
    return [
        (DINOv3ViTConfig, DINOv3ViTModel, vit),
        (DINOv3ViTConfig, DINOv3ViTModel, {**vit, "use_gated_mlp": True, "query_bias": False}),
        (
            DINOv3ConvNextConfig,
            DINOv3ConvNextModel,
            {"hidden_sizes": [8, 16, 24, 32], "depths": [1, 2, 1, 1]},
        ),
    ]


@pytest.mark.parametrize(("config", "model", "arguments"), of_any_size())
def test_a_dinov3_of_another_size_has_its_own_structure(
    config: Any, model: Any, arguments: Mapping[str, Any]
) -> None:
    configuration = config(**arguments)

    entry = hub_entry(NAME, json.loads(configuration.to_json_string(use_diff=False)))

    with torch.device("meta"):
        assert layout_names(entry) == shapes(model(configuration))
    assert layout_names(replace(entry, arguments=as_on_the_wire(entry))) == layout_names(entry)


def as_on_the_wire(entry: WeightEntry) -> Mapping[str, Any]:
    """Structs have one kind of number: a whole one comes out as such."""
    return {
        name: int(value) if isinstance(value, float) and value.is_integer() else value
        for name, value in entry.arguments.items()
    }


def test_the_old_name_of_a_gated_mlp_is_understood() -> None:
    entry = hub_entry(NAME, {"model_type": "dinov3_vit", "use_swiglu_ffn": True})

    assert entry.arguments["use_gated_mlp"] is True


@pytest.mark.parametrize(
    ("config", "message"),
    [
        ({"model_type": "bert"}, "says 'bert'"),
        ({"architecture": "resnet50d"}, "says 'resnet50d'"),
        ({}, "no architecture"),
        ({"model_type": ["dinov3_vit"]}, "dinov3_vit"),
        ({"model_type": "dinov3_vit", "patch_size": 14}, "patch_size is 14, not 16"),
        ({"model_type": "dinov3_vit", "num_channels": 4}, "num_channels is 4, not 3"),
        ({"model_type": "dinov3_vit", "rope_theta": 10_000.0}, "rope_theta is 10000.0, not 100.0"),
        ({"model_type": "dinov3_vit", "layer_norm_eps": 3}, "layer_norm_eps is 3"),
        ({"model_type": "dinov3_vit", "hidden_size": 10**9}, "hidden_size"),
        ({"model_type": "dinov3_vit", "hidden_size": 100}, "num_attention_heads"),
        ({"model_type": "dinov3_convnext", "depths": [1]}, "depths"),
        ({"architecture": "resnet50", "num_classes": 0}, "num_classes 0"),
        ({"architecture": "resnet50", "num_classes": "many"}, "num_classes 'many'"),
        (
            {"architecture": "resnet50", "num_classes": 9, "model_args": {"output_stride": 8}},
            "output_stride=8",
        ),
        (
            {"architecture": "resnet50", "num_classes": 9, "model_args": {"in_chans": 1}},
            "in_chans=1",
        ),
    ],
)
def test_what_is_not_ours_is_refused_with_what_is(config: Mapping[str, Any], message: str) -> None:
    with pytest.raises(HubRepositoryUnsupported) as caught:
        hub_entry(NAME, config)

    assert message in caught.value.message
    assert "RegisterCheckpoint" in caught.value.message
    assert len(caught.value.message) < 1000

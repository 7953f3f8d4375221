"""timm's conversions of DINOv3 become the state of our architecture, or are refused."""

from pathlib import Path
from typing import Any

import pytest
import timm
import torch
from safetensors.torch import load_file, save_file
from torch import Tensor, nn

from catalog_service.blobs.safetensors_file import TensorSpec
from catalog_service.blobs.store import BlobStore
from catalog_service.index.catalog_index import CatalogIndex
from catalog_service.models.assemble import assembled
from catalog_service.reader.unreadable import FileUnreadable
from catalog_service.weights.conversion import Converted, convert
from catalog_service.weights.file_names import NamesUnknown, file_names
from catalog_service.weights.sources.hub_repository import HubRepositoryUnsupported, hub_entry
from catalog_service.weights.sources.timm_dinov3 import CONVNEXTS, VITS, foreign_layout

NAME = "huggingface/timm/something"


def config(architecture: str, **more: Any) -> dict[str, Any]:
    tag = "dinov3_lvd1689m" if architecture in CONVNEXTS else "lvd1689m"
    return {
        "architecture": architecture,
        "num_classes": 0,
        "model_args": {"img_size": [256, 256], "num_classes": 0, "global_pool": "avg"},
        "pretrained_cfg": {"tag": tag, "license": "mit"},
        **more,
    }


def timm_shapes(architecture: str) -> dict[str, tuple[int, ...]]:
    with torch.device("meta"):
        model = timm.create_model(architecture, pretrained=False, num_classes=0)
    return {name: tuple(tensor.shape) for name, tensor in model.state_dict().items()}


def small_state(architecture: str) -> dict[str, Tensor]:
    """timm's names with sides of at most two; what is fused keeps three parts."""
    return {
        name: torch.randn([min(n, 2) for n in shape] if "qkv" not in name else (6, 2))
        for name, shape in timm_shapes(architecture).items()
    }


def converted(architecture: str, state: dict[str, Tensor], folder: Path) -> tuple[Converted, Any]:
    entry = hub_entry(NAME, config(architecture))
    save_file(state, folder / "model.safetensors")
    store = BlobStore(folder / "blobs")
    path = folder / "model.safetensors"
    done = convert([path], entry.family, store, layout=foreign_layout(entry))
    return done, load_file(store.path(done.blob.digest))


@pytest.mark.parametrize("architecture", sorted([*VITS, *CONVNEXTS]))
def test_every_name_is_known(architecture: str) -> None:
    entry = hub_entry(NAME, config(architecture))
    state = {name: torch.empty(s, device="meta") for name, s in timm_shapes(architecture).items()}
    layout = foreign_layout(entry)
    assert layout is not None

    found = file_names(specs(state), entry.family, layout)

    assert entry.architecture_id == {**VITS, **CONVNEXTS}[architecture]
    assert entry.licence == "dinov3-license"
    assert found.rules


def specs(state: dict[str, Tensor]) -> list[TensorSpec]:
    return [TensorSpec(name=n, dtype="F32", shape=tuple(t.shape)) for n, t in state.items()]


def test_fused_projections_are_cut_and_what_was_left_out_is_zero(tmp_path: Path) -> None:
    state = small_state("vit_small_patch16_dinov3")

    done, found = converted("vit_small_patch16_dinov3", state, tmp_path)

    for layer in range(12):
        fused = state[f"blocks.{layer}.attn.qkv.weight"]
        ours = [found[f"model.layer.{layer}.attention.{which}_proj.weight"] for which in "qkv"]
        assert torch.equal(torch.cat(ours), fused)
        assert not found[f"model.layer.{layer}.attention.q_proj.bias"].any()
    assert found["embeddings.mask_token"].shape == (1, 1, 384)
    assert torch.equal(found["embeddings.register_tokens"], state["reg_token"])
    assert any("filled with 0" in rule for rule in done.rules)


def test_published_biases_are_taken(tmp_path: Path) -> None:
    state = small_state("vit_small_patch16_dinov3_qkvb")

    _, found = converted("vit_small_patch16_dinov3_qkvb", state, tmp_path)

    bias = found["model.layer.3.attention.v_proj.bias"]
    assert torch.equal(bias, state["blocks.3.attn.v_bias"])


def test_convnext_is_renamed(tmp_path: Path) -> None:
    state = small_state("convnext_tiny")

    _, found = converted("convnext_tiny", state, tmp_path)

    assert torch.equal(found["layer_norm.weight"], state["head.norm.weight"])
    assert len(found) == len(state)


def test_a_file_with_another_tensor_is_refused(tmp_path: Path) -> None:
    state = small_state("vit_small_patch16_dinov3")
    state["blocks.0.attn.extra"] = torch.zeros(1)

    with pytest.raises(NamesUnknown, match="1 are not the architecture's"):
        converted("vit_small_patch16_dinov3", state, tmp_path)


def test_a_fused_tensor_that_is_not_three_parts_is_refused(tmp_path: Path) -> None:
    state = small_state("vit_small_patch16_dinov3")
    state["blocks.0.attn.qkv.weight"] = torch.zeros(7, 2)

    with pytest.raises(FileUnreadable, match=r"qkv.weight \[7, 2\] is not 3 equal parts"):
        converted("vit_small_patch16_dinov3", state, tmp_path)


def test_a_convnext_that_is_not_dinov3_is_refused() -> None:
    with pytest.raises(HubRepositoryUnsupported):
        hub_entry(NAME, config("convnext_tiny", pretrained_cfg={"tag": "in12k"}))


def test_another_structure_is_refused() -> None:
    with pytest.raises(HubRepositoryUnsupported, match="depth=3"):
        hub_entry(NAME, config("vit_small_patch16_dinov3", model_args={"depth": 3}))


def timms(architecture: str) -> nn.Module:
    more = {"dynamic_img_size": True} if architecture in VITS else {}
    model: nn.Module = timm.create_model(architecture, pretrained=False, num_classes=0, **more)
    return model.eval()


@pytest.mark.full
@pytest.mark.parametrize("architecture", ["vit_small_patch16_dinov3", "convnext_tiny"])
def test_the_same_image_gives_the_same_features(architecture: str, tmp_path: Path) -> None:
    """With all numbers; the tolerance is that of another order of sums."""
    torch.manual_seed(0)
    theirs, image = timms(architecture), torch.randn(1, 3, 64, 64)
    state = {name: tensor.contiguous() for name, tensor in theirs.state_dict().items()}
    entry = hub_entry(NAME, config(architecture))

    _, found = converted(architecture, state, tmp_path)
    recipe = CatalogIndex.load().recipe_for(entry.architecture_id, entry)
    ours = assembled(recipe, found).eval()

    with torch.no_grad():
        answer = ours(image)
        is_vit = architecture in VITS
        expected = theirs.forward_features(image) if is_vit else theirs(image)  # type: ignore[operator]
        actual = answer.last_hidden_state if is_vit else answer.pooler_output
    assert torch.allclose(actual, expected, rtol=1e-3, atol=1e-4)

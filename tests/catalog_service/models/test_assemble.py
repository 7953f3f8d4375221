"""A model from its two files: the numbers of the files, the outputs of its library's own build."""

import gc
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import torch
from safetensors.torch import save_file
from torch import nn

from catalog_service.blobs.digests import sha256_of_file
from catalog_service.index.catalog_index import CatalogIndex
from catalog_service.models.assemble import assemble
from catalog_service.models.fitting import SkeletonIncomplete
from catalog_service.models.initialise import random_state
from catalog_service.models.recipe import Recipe, classification_head
from catalog_service.models.skeleton import build
from catalog_service.models.state_mismatch import StateMismatch
from catalog_service.models.template import template
from catalog_service.models.write_state import write_state

SMALL = ("shufflenet_v2_x0_5", "squeezenet1_1", "mobilenet_v3_small", "resnet18", "swin_t")


def write_parts(recipe: Recipe, folder: Path, *, seed: int = 3) -> tuple[Path, Path]:
    """Write a random state as its two parts."""
    layout, state = template(recipe).layout, random_state(recipe, seed)
    inside = {t.name for t in layout.of_role("backbone")}
    backbone, head = folder / "backbone", folder / "head"
    write_state(backbone, {layout.blob_name(n): t for n, t in state.items() if n in inside})
    write_state(head, {n: t for n, t in state.items() if n not in inside})
    return backbone, head


@pytest.mark.parametrize("name", SMALL)
def test_an_assembled_model_gives_its_librarys_outputs_to_the_last_bit(
    index: CatalogIndex, tmp_path: Path, name: str
) -> None:
    recipe = index.recipe_for(name, head=classification_head(5))
    twin = build(recipe).eval()
    twin.load_state_dict(random_state(recipe, 3), strict=True)
    images = torch.rand(2, 3, 64, 64, generator=torch.Generator().manual_seed(0))

    model = assemble(recipe, *write_parts(recipe, tmp_path)).eval()

    with torch.no_grad():
        assert torch.equal(model(images), twin(images))


def test_a_composed_model_takes_the_backbones_own_names(
    index: CatalogIndex, tmp_path: Path
) -> None:
    recipe = replace(index.recipe_for("resnet18"), head=pooled(4))
    backbone, head = write_parts(recipe, tmp_path)

    model = assemble(recipe, backbone, head)

    state = random_state(recipe, 3)
    assert all(torch.equal(t, state[name]) for name, t in model.state_dict().items())
    assert "backbone.conv1.weight" in state


def test_writing_to_a_model_leaves_its_files_and_other_models_alone(
    index: CatalogIndex, tmp_path: Path
) -> None:
    recipe = index.recipe_for("shufflenet_v2_x0_5", head=classification_head(5))
    parts = write_parts(recipe, tmp_path)
    before = [sha256_of_file(path) for path in parts]
    first, second = assemble(recipe, *parts), assemble(recipe, *parts)

    train_one_step(first)
    first.zero_grad()
    del first
    gc.collect()

    assert [sha256_of_file(path) for path in parts] == before
    state = random_state(recipe, 3)
    assert all(torch.equal(t, state[name]) for name, t in second.state_dict().items())


def test_a_mapped_tensor_begins_where_torchs_own_do(index: CatalogIndex, tmp_path: Path) -> None:
    recipe = index.recipe_for("shufflenet_v2_x0_5", head=classification_head(5))

    model = assemble(recipe, *write_parts(recipe, tmp_path))

    assert {tensor.data_ptr() % 64 for tensor in model.state_dict().values()} == {0}


def test_a_file_in_any_order_gives_the_same_outputs(index: CatalogIndex, tmp_path: Path) -> None:
    """safetensors' own writer aligns to 8 bytes: such tensors are copied."""
    recipe = index.recipe_for("shufflenet_v2_x0_5", head=classification_head(5))
    state, layout = random_state(recipe, 3), template(recipe).layout
    inside = {tensor.name for tensor in layout.of_role("backbone")}
    paths = (tmp_path / "theirs", tmp_path / "their head")
    save_file({name: tensor for name, tensor in state.items() if name in inside}, paths[0])
    save_file({name: tensor for name, tensor in state.items() if name not in inside}, paths[1])

    model = assemble(recipe, *paths)

    assert {tensor.data_ptr() % 64 for tensor in model.state_dict().values()} == {0}
    assert all(torch.equal(t, state[name]) for name, t in model.state_dict().items())


def test_files_of_another_model_are_refused(index: CatalogIndex, tmp_path: Path) -> None:
    recipe = index.recipe_for("shufflenet_v2_x0_5", head=classification_head(5))
    other = replace(recipe, head=classification_head(6))
    backbone, head = write_parts(recipe, tmp_path)

    with pytest.raises(StateMismatch, match=r"2 misshapen \(fc.weight"):
        assemble(other, backbone, head)
    with pytest.raises(StateMismatch, match="repeats 2 tensors"):
        assemble(recipe, head, head)


def test_a_name_in_both_files_is_refused(index: CatalogIndex, tmp_path: Path) -> None:
    recipe = index.recipe_for("shufflenet_v2_x0_5", head=classification_head(5))
    _, head = write_parts(recipe, tmp_path)

    with pytest.raises(StateMismatch, match=r"repeats 2 tensors"):
        assemble(recipe, head, head)


def test_a_hidden_table_gets_its_numbers(tmp_path: Path) -> None:
    """DINOv3's frequencies are in no file; a strict load leaves them without numbers."""
    recipe = CatalogIndex.load().recipe_for("dinov3_vits16")
    recipe = replace(recipe, arguments={**recipe.arguments, **TINY_DINOV3})
    built = build(recipe).eval()
    built.load_state_dict(random_state(recipe, 3))
    images = torch.rand(1, 3, 32, 32, generator=torch.Generator().manual_seed(0))

    model = assemble(recipe, *write_parts(recipe, tmp_path)).eval()

    buffers = dict(model.named_buffers())
    assert [name for name in buffers if name not in model.state_dict()]
    assert not [name for name, buffer in buffers.items() if buffer.is_meta]
    with torch.no_grad():
        for found, wanted in zip(outputs(model, images), outputs(built, images), strict=True):
            assert torch.equal(found, wanted)


TINY_DINOV3: Mapping[str, Any] = {
    "hidden_size": 32,
    "num_hidden_layers": 2,
    "num_attention_heads": 2,
    "intermediate_size": 64,
}


def test_a_table_whose_numbers_nobody_computed_is_refused(
    index: CatalogIndex, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    recipe = index.recipe_for("shufflenet_v2_x0_5", head=classification_head(5))
    parts = write_parts(recipe, tmp_path)
    incomplete = replace(template(recipe), unknown=("rope.frequencies",))
    monkeypatch.setattr("catalog_service.models.assemble.template", lambda recipe: incomplete)

    with pytest.raises(SkeletonIncomplete, match=r"still have no numbers \(rope.frequencies\)"):
        assemble(recipe, *parts)


def pooled(num_outputs: int) -> Mapping[str, Any]:
    return {
        "kind": "pooled",
        "num_outputs": num_outputs,
        "hidden_units": [],
        "dropout": 0.0,
        "pooling": "avg",
        "feature_maps": ["layer4"],
    }


def outputs(model: nn.Module, images: torch.Tensor) -> list[torch.Tensor]:
    found = model(images)
    tensors = found if isinstance(found, tuple | list) else getattr(found, "values", list)()
    return [found] if isinstance(found, torch.Tensor) else [t for t in tensors if t is not None]


def train_one_step(model: nn.Module) -> None:
    loss = model(torch.rand(2, 3, 64, 64)).sum()
    loss.backward()
    torch.optim.SGD(model.parameters(), lr=0.1).step()

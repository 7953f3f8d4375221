"""A state is attached completely or not at all."""

from pathlib import Path

import pytest
import torch
from safetensors.torch import save_file
from torch import Tensor, nn

from catalog_service.index.catalog_index import CatalogIndex
from catalog_service.models.attach import SkeletonIncomplete, attach, load_state
from catalog_service.models.describe import layout_of
from catalog_service.models.initialise import random_state
from catalog_service.models.layout import StateLayout, TensorInfo, layout_digest
from catalog_service.models.recipe import Recipe, classification_head
from catalog_service.models.skeleton import build, skeleton
from catalog_service.models.state_mismatch import StateMismatch

NAME = "squeezenet1_1"


@pytest.fixture(scope="module")
def recipe() -> Recipe:
    return CatalogIndex.load().recipe_for(NAME, head=classification_head(3))


@pytest.fixture(scope="module")
def state(recipe: Recipe) -> dict[str, Tensor]:
    return random_state(recipe, 1)


@pytest.fixture(scope="module")
def layout(recipe: Recipe) -> StateLayout:
    return layout_of(skeleton(recipe), recipe)


def test_an_attached_model_computes_what_the_built_one_computes(
    recipe: Recipe, state: dict[str, Tensor], layout: StateLayout
) -> None:
    twin = build(recipe).eval()
    twin.load_state_dict(state)
    images = torch.rand(2, 3, 64, 64, generator=torch.Generator().manual_seed(0))

    attached = attach(skeleton(recipe), state, layout).eval()

    assert torch.equal(attached(images), twin(images))


def test_no_second_copy_is_made(
    recipe: Recipe, state: dict[str, Tensor], layout: StateLayout
) -> None:
    attached = attach(skeleton(recipe), state, layout)

    for name, tensor in attached.state_dict().items():
        assert tensor.data_ptr() == state[name].data_ptr(), name


def test_parameters_can_train(
    recipe: Recipe, state: dict[str, Tensor], layout: StateLayout
) -> None:
    attached = attach(skeleton(recipe), state, layout)

    assert all(parameter.requires_grad for parameter in attached.parameters())
    assert all(parameter.is_leaf for parameter in attached.parameters())


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"features.0.bias": None}, r"1 missing \(features.0.bias\)"),
        ({"extra": torch.zeros(1)}, r"1 unexpected \(extra\)"),
        (
            {"features.0.bias": torch.zeros(3)},
            r"1 misshapen \(features.0.bias: file \[3\], layout \[64\]\)",
        ),
        (
            {"features.0.bias": torch.zeros(64, dtype=torch.float16)},
            r"1 mistyped \(features.0.bias: F16, not F32\)",
        ),
    ],
)
def test_whatever_does_not_fit_is_refused(
    recipe: Recipe,
    state: dict[str, Tensor],
    layout: StateLayout,
    change: dict[str, Tensor | None],
    message: str,
) -> None:
    wrong = {name: tensor for name, tensor in {**state, **change}.items() if tensor is not None}

    with pytest.raises(StateMismatch, match=message):
        attach(skeleton(recipe), wrong, layout)


def test_a_layout_of_another_model_is_refused(
    recipe: Recipe, state: dict[str, Tensor], layout: StateLayout
) -> None:
    with pytest.raises(StateMismatch, match="layout does not fit the skeleton"):
        attach(nn.Linear(2, 2, device="meta"), state, layout)


def test_anything_left_on_meta_is_refused() -> None:
    """The naive strict load succeeds and leaves a table without numbers."""
    naive = with_hidden_table()
    naive.load_state_dict({"weight": torch.ones(2)}, strict=True, assign=True)
    assert naive.get_buffer("table").is_meta

    with pytest.raises(SkeletonIncomplete, match=r"still have no numbers \(table\)"):
        attach(with_hidden_table(), {"weight": torch.ones(2)}, layout_of_hidden_table())


def test_two_files_make_one_state(tmp_path: Path) -> None:
    save_file({"a": torch.ones(2)}, tmp_path / "a.safetensors")
    save_file({"b": torch.zeros(1)}, tmp_path / "b.safetensors")

    state = load_state(tmp_path / "a.safetensors", tmp_path / "b.safetensors")

    assert sorted(state) == ["a", "b"]
    with pytest.raises(StateMismatch, match=r"a\.safetensors repeats 1 tensors"):
        load_state(tmp_path / "a.safetensors", tmp_path / "a.safetensors")


def with_hidden_table() -> nn.Module:
    module = nn.Module()
    module.weight = nn.Parameter(torch.empty(2, device="meta"))
    module.register_buffer("table", torch.empty(2, device="meta"), persistent=False)
    return module


def layout_of_hidden_table() -> StateLayout:
    tensors = (TensorInfo(name="weight", dtype="F32", shape=(2,), role="backbone"),)
    return StateLayout(
        tensors=tensors,
        stages=(),
        head_modules=(),
        replaced_modules=(),
        layout_digest=layout_digest(tensors),
    )

"""A state is a layout's completely or not at all."""

import pytest
import torch
from torch import Tensor

from catalog_service.index.catalog_index import CatalogIndex
from catalog_service.models.describe import layout_of
from catalog_service.models.fitting import require_fitting
from catalog_service.models.initialise import random_state
from catalog_service.models.layout import StateLayout
from catalog_service.models.recipe import Recipe, classification_head
from catalog_service.models.skeleton import skeleton
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


def test_what_fits_is_taken(state: dict[str, Tensor], layout: StateLayout) -> None:
    require_fitting(state, layout)


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
    state: dict[str, Tensor],
    layout: StateLayout,
    change: dict[str, Tensor | None],
    message: str,
) -> None:
    wrong = {name: tensor for name, tensor in {**state, **change}.items() if tensor is not None}

    with pytest.raises(StateMismatch, match=message):
        require_fitting(wrong, layout)

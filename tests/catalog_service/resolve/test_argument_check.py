"""Builder arguments: wrong values are refused by name, before a builder sees them."""

from typing import Any

import pytest

from catalog_service.index.catalog_index import CatalogIndex
from catalog_service.models.families.table import family_of
from catalog_service.models.published_dinov3 import CONFIGURATIONS
from catalog_service.resolve.argument_check import check_arguments

INDEX = CatalogIndex.load()
VIT, CONVNEXT = "dinov3_vits16", "dinov3_convnext_tiny"

WRONG: list[tuple[str, dict[str, Any], str]] = [
    (
        VIT,
        {"num_hidden_layers": 10**6},
        "num_hidden_layers 1000000 is not a whole number from",
    ),
    (VIT, {"num_hidden_layers": -1}, "-1 is not a whole number"),
    (VIT, {"num_hidden_layers": "2"}, "'2' is not a whole number"),
    (VIT, {"num_hidden_layers": True}, "True is not a whole number"),
    (VIT, {"num_hidden_layers": None}, "None is not a whole number"),
    (VIT, {"num_hidden_layers": 1.5}, "1.5 is not a whole number"),
    (VIT, {"num_hidden_layers": {"a": [1] * 99}}, "... is not a whole number"),
    (VIT, {"hidden_size": int(1e308)}, "a number beyond 10^15"),
    (VIT, {"hidden_size": [32]}, "[32] is not a whole number"),
    (VIT, {"drop_path_rate": float("nan")}, "nan is not a number from 0 to 0.95"),
    (VIT, {"drop_path_rate": float("inf")}, "inf is not a number"),
    (VIT, {"use_gated_mlp": 1}, "1 is not true or false"),
    (VIT, {"patch_size": 8}, "takes no 'patch_size'; it takes num_hidden_layers, hidden_size"),
    (VIT, {"x" * 10**6: 8}, "takes no 'xxx"),
    (VIT, {"num_attention_heads": 7}, "nearest are 364 and 392"),
    (CONVNEXT, {"hidden_sizes": 5}, "5 is not 4 whole numbers"),
    (CONVNEXT, {"hidden_sizes": [8, 8, 8]}, "[8, 8, 8] is not 4 whole numbers"),
    (CONVNEXT, {"hidden_sizes": [8, 8, 8, True]}, "is not 4 whole numbers"),
    (CONVNEXT, {"depths": [1000] * 4}, "is not 4 whole numbers from 1 to"),
    ("resnet18", {"width": 1}, "takes no 'width'; it takes none"),
]


@pytest.mark.parametrize(("name", "asked", "why"), WRONG)
def test_a_wrong_value_is_refused_by_name(name: str, asked: dict[str, Any], why: str) -> None:
    (found,) = check(name, asked)

    assert found.field == "arguments"
    assert why in found.description
    assert len(found.description) < 600


PUBLISHED = [name for name in CONFIGURATIONS if family_of(name).free_arguments]


@pytest.mark.parametrize("name", PUBLISHED)
def test_tiny_and_published_structures_are_taken(name: str) -> None:
    family = family_of(name)
    published = INDEX.recipe_for(name).arguments
    free = {key: value for key, value in published.items() if key in family.free_arguments}

    assert check(name, dict(family.tiny_arguments)) == []
    assert check(name, free) == []


def test_every_wrong_value_is_told() -> None:
    found = check(VIT, {"hidden_size": 0, "num_hidden_layers": 0, "depth": 1})

    assert len(found) == 3


def check(name: str, asked: dict[str, Any]) -> list[Any]:
    return check_arguments(name, asked, INDEX.recipe_for(name).arguments)

"""The packed table of layouts says what the installed libraries' modules have."""

import json
import subprocess
import sys
from importlib.resources import files

import pytest

from catalog_service.index.catalog_index import CatalogIndex
from catalog_service.index.layouts import PublishedLayout, published_layouts
from catalog_service.models.describe import describe
from catalog_service.models.families.table import families
from catalog_service.models.recipe import Recipe

SMALLEST = {family.tiny_architecture for family in families().values()}


def builder_of(published: PublishedLayout) -> str:
    return CatalogIndex.load().architecture(published.architecture_id).builder


@pytest.mark.parametrize(
    "published",
    [
        pytest.param(
            each,
            id=each.structure_of,
            marks=() if each.architecture_id in SMALLEST else pytest.mark.full,
        )
        for each in published_layouts()
    ],
)
def test_a_packed_layout_is_that_of_the_library(published: PublishedLayout) -> None:
    recipe = Recipe(builder=builder_of(published), arguments=published.arguments)

    assert describe(recipe) == published.layout


def test_every_structure_that_can_be_built_is_in_the_table() -> None:
    index = CatalogIndex.load()
    wanted = {
        (entry.architecture_id, json.dumps(index.weight(name).arguments, sort_keys=True))
        for entry in index.architectures
        if entry.is_buildable
        for name in entry.weights
    }

    found = [
        (each.architecture_id, json.dumps(each.arguments, sort_keys=True))
        for each in published_layouts()
    ]

    assert sorted(found) == sorted(wanted)


def test_the_default_structure_of_an_architecture_comes_first() -> None:
    first = {each.architecture_id: each.structure_of for each in reversed(published_layouts())}

    index = CatalogIndex.load()

    assert all(index.architecture(name).default_weights == weight for name, weight in first.items())


def test_the_table_is_small_and_read_without_torch() -> None:
    packed = files("catalog_service.index").joinpath("layouts.jsonl.xz").read_bytes()
    program = (
        "import sys; from catalog_service.index.layouts import published_layouts;"
        "assert published_layouts(); assert 'torch' not in sys.modules"
    )

    subprocess.run([sys.executable, "-c", program], check=True)

    assert len(packed) < 100_000

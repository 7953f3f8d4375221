"""The whole table of buildable architectures, described once a session on the meta device."""

import pytest
from torch import nn

from catalog_service.index.catalog_index import CatalogIndex
from catalog_service.models.describe import describe, layout_of
from catalog_service.models.layout import StateLayout
from catalog_service.models.recipe import classification_head
from catalog_service.models.skeleton import skeleton
from tests.fakes.watch import Watch, watch

CLASSIFY = "classification"


@pytest.fixture(scope="session")
def index() -> CatalogIndex:
    return CatalogIndex.load()


@pytest.fixture(scope="session")
def watched() -> Watch:
    """What the building of all skeletons did with the network and the disk."""
    return Watch()


@pytest.fixture(scope="session")
def skeletons(index: CatalogIndex, watched: Watch) -> dict[str, nn.Module]:
    """Architecture -> module on meta, structure of its default weights, of all 119."""
    with watch() as seen:
        built = {name: skeleton(index.recipe_for(name)) for name in buildable(index)}
    watched.connections.extend(seen.connections)
    watched.writes.extend(seen.writes)
    return built


@pytest.fixture(scope="session")
def layouts(index: CatalogIndex, skeletons: dict[str, nn.Module]) -> dict[str, StateLayout]:
    """Architecture -> layout with the published head, of all 119."""
    return {name: layout_of(module, index.recipe_for(name)) for name, module in skeletons.items()}


@pytest.fixture(scope="session")
def new_head_layouts(index: CatalogIndex) -> dict[str, StateLayout]:
    """Architecture -> layout with a new head of 7 classes, of the 80 that classify."""
    head = classification_head(7)
    return {
        name: describe(index.recipe_for(name, head=head)) for name in buildable(index, CLASSIFY)
    }


def buildable(index: CatalogIndex, task: str = "") -> list[str]:
    return [
        entry.architecture_id
        for entry in index.architectures
        if entry.is_buildable and task in ("", entry.task)
    ]

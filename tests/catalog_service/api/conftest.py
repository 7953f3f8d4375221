"""One real catalog on a mirror folder of synthetic published files, shared by this folder."""

from collections.abc import Callable, Iterator

import pytest
import torch

from tests.fakes.published_weights import PublishedFile, PublishedFolder
from tests.services import Service, running_catalog
from vertebra.catalog_client import CatalogClient
from vertebra.client_errors import RpcFailed

NAMES = ("squeezenet1_1", "mnasnet0_5", "densenet121", "googlenet", "shufflenet_v2_x0_5")

MISFIT = {"conv1.weight": torch.zeros(64, 1, 7, 7), "bn1.weight": torch.zeros(64)}
"""What the file of resnet18 holds: right digest, wrong state."""


@pytest.fixture(scope="session")
def published_folder(tmp_path_factory: pytest.TempPathFactory) -> PublishedFolder:
    """A plain mirror folder; what a test wants in it, it writes before its catalog starts."""
    return PublishedFolder(tmp_path_factory.mktemp("mirror"))


@pytest.fixture(scope="session")
def published(published_folder: PublishedFolder) -> dict[str, PublishedFile]:
    """One file of each historic layout that is small enough for every run."""
    published_folder.write_state("resnet18", MISFIT)
    published_folder.write_state("resnet34", MISFIT)  # seen, never built
    return {name: published_folder.write(name) for name in NAMES}


@pytest.fixture(scope="session")
def catalog(
    published: dict[str, PublishedFile],
    published_folder: PublishedFolder,
    tmp_path_factory: pytest.TempPathFactory,
) -> Iterator[Service]:
    """A running catalog that finds the published files in its mirror."""
    with running_catalog(
        tmp_path_factory.mktemp("catalog"),
        VERTEBRA_CATALOG_MIRRORS=str(published_folder.folder),
        VERTEBRA_CATALOG_INDEX=str(published_folder.index_path),
    ) as service:
        yield service


@pytest.fixture(scope="session")
def client(catalog: Service) -> Iterator[CatalogClient]:
    """A client of that catalog."""
    with CatalogClient(catalog.address) as client:
        yield client


def failure(call: Callable[[], object]) -> RpcFailed:
    """Return how a call fails; it must."""
    with pytest.raises(RpcFailed) as caught:
        call()
    return caught.value


@pytest.fixture
def fails() -> Callable[[Callable[[], object]], RpcFailed]:
    """`fails(lambda: call)` returns the error of a call that must fail."""
    return failure

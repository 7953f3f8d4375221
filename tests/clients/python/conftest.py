"""Clients of fake services, over real gRPC on free ports."""

from collections.abc import Callable, Iterator
from contextlib import ExitStack

import pytest

from tests.fakes.fake_catalog import FakeCatalog
from tests.fakes.fake_server import running_server
from tests.fakes.fake_trainer import FakeTrainer, training_script
from vertebra.catalog_client import CatalogClient
from vertebra.connection import Pace
from vertebra.trainer_client import TrainerClient

QUICK = Pace(first_wait_s=0.01, longest_wait_s=0.05, patience_s=2.0, first_patience_s=0.3)
"""Everything as usual, but nobody waits for it."""

Serve = Callable[[FakeCatalog | FakeTrainer], str]


@pytest.fixture
def serve() -> Iterator[Serve]:
    """Return a function that serves a fake until the test ends, and gives its address."""
    with ExitStack() as stack:
        yield lambda fake: stack.enter_context(running_server(fake.add_to))


@pytest.fixture
def catalog() -> FakeCatalog:
    """A fake catalog, not served yet."""
    return FakeCatalog()


@pytest.fixture
def trainer() -> FakeTrainer:
    """A fake trainer whose jobs say what a short successful job says."""
    return FakeTrainer(script=training_script())


@pytest.fixture
def catalog_client(catalog: FakeCatalog, serve: Serve) -> Iterator[CatalogClient]:
    """A client of `catalog`."""
    with CatalogClient(serve(catalog), pace=QUICK) as client:
        yield client


@pytest.fixture
def trainer_client(trainer: FakeTrainer, serve: Serve) -> Iterator[TrainerClient]:
    """A client of `trainer`."""
    with TrainerClient(serve(trainer), pace=QUICK) as client:
        yield client

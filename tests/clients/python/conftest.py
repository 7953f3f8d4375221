"""Clients of fake services, over real gRPC on free ports."""

from collections.abc import Callable, Iterator
from contextlib import ExitStack

import pytest

from tests.fakes.fake_catalog import FakeCatalog
from tests.fakes.fake_server import running_server
from tests.fakes.fake_trainer import FakeTrainer, training_script
from vertebra.catalog_client import CatalogClient
from vertebra.cli import main as cli_main
from vertebra.connection import Pace
from vertebra.trainer_client import TrainerClient

QUICK = Pace(first_wait_s=0.01, longest_wait_s=0.05, patience_s=30.0, first_patience_s=0.3)
"""Everything as usual, but nobody waits for it."""

Serve = Callable[[FakeCatalog | FakeTrainer], str]

Shell = Callable[..., tuple[int, str, str]]
"""Arguments -> exit code, standard output and standard error."""


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


@pytest.fixture
def shell(capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> Shell:
    """Return a function that runs one command and gives exit code, stdout and stderr."""
    monkeypatch.setenv("VERTEBRA_CATALOG_ADDRESS", "localhost:1")
    monkeypatch.setenv("VERTEBRA_TRAINER_ADDRESS", "localhost:1")

    def call(*arguments: str) -> tuple[int, str, str]:
        capsys.readouterr()
        code = cli_main.run(list(arguments))
        told = capsys.readouterr()
        return code, told.out, told.err

    return call


@pytest.fixture
def with_catalog(
    serve: Serve, catalog: FakeCatalog, monkeypatch: pytest.MonkeyPatch, shell: Shell
) -> FakeCatalog:
    """A fake catalog that `shell` finds."""
    monkeypatch.setenv("VERTEBRA_CATALOG_ADDRESS", serve(catalog))
    return catalog


@pytest.fixture
def with_trainer(
    serve: Serve, trainer: FakeTrainer, monkeypatch: pytest.MonkeyPatch, shell: Shell
) -> FakeTrainer:
    """A fake trainer that `shell` finds."""
    monkeypatch.setenv("VERTEBRA_TRAINER_ADDRESS", serve(trainer))
    return trainer

"""Workers that start quickly, and a trainer around them."""

import contextlib
from collections.abc import Iterator
from pathlib import Path

import psutil
import pytest

from tests.fakes.chaos_site import ChaosSite
from tests.fakes.nursery import Nursery, nursery
from tests.fakes.work_orders import write_tiny_order
from trainer_service.jobs import RunSpec, WorkOrder

EVERY_STEP = RunSpec(snapshot_interval_s=1e-6)
"""A snapshot after each: no more than one step may ever be lost."""


@pytest.fixture(scope="session")
def workers(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Nursery]:
    """Return a place where workers start quickly."""
    with nursery(tmp_path_factory.mktemp("nursery")) as made:
        yield made


@pytest.fixture(scope="session")
def order(tmp_path_factory: pytest.TempPathFactory) -> WorkOrder:
    """Return an order for a few steps in two epochs."""
    folder = tmp_path_factory.mktemp("order")
    return write_tiny_order(folder, num_images=4, batch_size=4, run=EVERY_STEP)


@pytest.fixture
def site(tmp_path: Path, order: WorkOrder, workers: Nursery) -> Iterator[ChaosSite]:
    """Return a trainer that nobody supervises yet; nothing of it is left running."""
    made = ChaosSite(tmp_path / "home", order, workers)
    yield made
    for process in processes_of(made):
        with contextlib.suppress(psutil.Error):
            process.kill()
    made.close()


def processes_of(site: ChaosSite) -> list[psutil.Process]:
    """Return what runs for the site besides this process."""
    return [process for process in psutil.process_iter() if _is_of(process, site.home)]


def _is_of(process: psutil.Process, home: Path) -> bool:
    """Whether a process is a supervisor of the home, or a worker: those look like their nursery,
    but for the files that they have open.
    """
    with contextlib.suppress(psutil.Error):
        words = process.cmdline()
        if not any(word.startswith("tests.fakes.") for word in words):
            return False
        return str(home) in words or any(
            Path(file.path).is_relative_to(home) for file in process.open_files()
        )
    return False

"""From the start of a service process to its first answer, and its memory; beside what a service
that imports torchvision pays before it can do anything.
"""

import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import psutil

from tests.benchmarks.rows import Metric, Row, Sample, Way, compare, take_turns
from tests.services import start_service
from vertebra.catalog_client import CatalogClient
from vertebra.trainer_client import TrainerClient

METRICS = (
    Metric(name="wall_s", title="to the first answer, s"),
    Metric(name="rss_mb", title="resident memory, MB"),
)
IMPORT = "import torchvision"
NOBODY = "127.0.0.1:9"
"""The trainer needs no catalog to start."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Size:
    """How much is measured."""

    num_rounds: int
    imported: str = IMPORT


def measure(size: Size) -> list[Row]:
    """Return rows for both services."""
    catalog = Way(
        name="catalog",
        command="python -m catalog_service; GetArchitecture(resnet50)",
        run=_catalog_start,
    )
    trainer = Way(
        name="trainer",
        command="python -m trainer_service; ListTrainJobs",
        run=_trainer_start,
    )
    peer = Way(
        name="import torchvision",
        command=f'python -c "{IMPORT}"',
        run=lambda: _import_cost(size.imported),
    )
    samples = take_turns([catalog, peer, trainer], size.num_rounds)
    return [
        row for ours in (catalog, trainer) for row in compare("start", ours, peer, METRICS, samples)
    ]


def _catalog_start() -> Sample:
    def ask(address: str) -> None:
        with CatalogClient(address) as client:
            client.get_architecture("resnet50")

    return _service_start("catalog_service", {}, ask)


def _trainer_start() -> Sample:
    def ask(address: str) -> None:
        with TrainerClient(address) as client:
            list(client.list())

    return _service_start("trainer_service", {"VERTEBRA_TRAINER_CATALOG": NOBODY}, ask)


def _service_start(module: str, variables: dict[str, str], ask: Callable[[str], None]) -> Sample:
    """Return the time until an answer, and the API process's memory after it. The process that the
    catalog starts beside it, which will import torch, is not waited for and not counted.
    """
    with tempfile.TemporaryDirectory() as folder:
        began = time.perf_counter()
        service = start_service(module, Path(folder), variables)
        try:
            ask(service.address)
            wall_s = time.perf_counter() - began
            rss_mb = psutil.Process(service.pid).memory_info().rss / 1e6
        finally:
            service.stop()
    return {"wall_s": wall_s, "rss_mb": rss_mb}


def _import_cost(statement: str) -> Sample:
    """Return the time and the memory that an interpreter needs for one import."""
    began = time.perf_counter()
    process = subprocess.Popen([sys.executable, "-c", statement])
    _, status, usage = os.wait4(process.pid, 0)
    process.returncode = os.waitstatus_to_exitcode(status)
    assert process.returncode == 0
    return {"wall_s": time.perf_counter() - began, "rss_mb": usage.ru_maxrss * 1024 / 1e6}

"""Both real services for examples in any language, and the README's commands to run with them."""

import os
import re
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from tests.end_to_end.test_readme import README, Shown
from tests.services import running_catalog, running_trainer
from vertebra.catalog_client import CatalogClient
from vertebra.trainer.v1 import train_job_pb2
from vertebra.trainer_client import TrainerClient

TIMEOUT_S = 280

COLOURS = re.compile(r"\x1b\[[0-9;]*m")
"""Maven sends one into a pipe, too."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Live:
    """A catalog without weights and a trainer."""

    catalog: str
    trainer: str

    @property
    def variables(self) -> dict[str, str]:
        """What the examples read."""
        return {
            "VERTEBRA_CATALOG_ADDRESS": self.catalog,
            "VERTEBRA_TRAINER_ADDRESS": self.trainer,
        }

    def exported_files(self) -> list[train_job_pb2.ExportFile]:
        """Return every file that any job left."""
        with TrainerClient(self.trainer) as client:
            exports = [one for job in client.list() for one in client.list_exports(job.name)]
        return [file for export in exports for file in export.files]

    def checkpoints(self) -> dict[str, str]:
        """Return the architecture of every registered backbone."""
        with CatalogClient(self.catalog) as client:
            return {one.checkpoint_id: one.architecture_id for one in client.list_checkpoints()}


@contextmanager
def live_services(home: Path) -> Iterator[Live]:
    """Start both, as `vertebra up` does."""
    with running_catalog(home) as catalog, running_trainer(home, catalog) as trainer:
        yield Live(catalog=catalog.address, trainer=trainer.address)


def told_by(live: Live, command: str, folder: Path) -> str:
    """Return what a command prints that must succeed."""
    done = subprocess.run(
        ["bash", "-c", command],
        cwd=folder,
        env={**os.environ, **live.variables},
        capture_output=True,
        text=True,
        timeout=TIMEOUT_S,
        check=False,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    return COLOURS.sub("", done.stdout)


def shown_in_readme(heading: str) -> Shown:
    """Return the command of a section's `sh` block, without options, and the `text` under it.

    A block is `cd <folder>` and one command line; `-out` and what follows differ from run to run.
    """
    section = README.read_text().partition(f"\n{heading}\n")[2]
    (block,) = re.findall(r"```sh\n(.*?)```", section.partition("\n## ")[0], re.DOTALL)[:1]
    (told,) = re.findall(r"```text\n(.*?)```", section.partition("\n## ")[0], re.DOTALL)[:1]
    command = block.strip().splitlines()[-1].partition("-out ")[0]
    return Shown(command=command, lines=tuple(told.splitlines()))

"""Both real services for examples in any language, and the pages' commands to run with them."""

import hashlib
import os
import re
import subprocess
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

from tests import pages
from tests.end_to_end.test_readme import Shown
from tests.fakes.authority import Authority
from tests.services import running_catalog, running_trainer
from vertebra.catalog_client import CatalogClient
from vertebra.trainer.v1 import train_job_pb2
from vertebra.trainer_client import TrainerClient

TIMEOUT_S = 280

COLOURS = re.compile(r"\x1b\[[0-9;]*m")
"""Maven sends one into a pipe, too."""


ACCESS = """
[[caller]]
name = "spiffe://studio/*"
roles = ["user"]

[[caller]]
name = "token:ann"
token_sha256 = "{digest}"
roles = ["user"]
"""


@dataclass(frozen=True, slots=True, kw_only=True)
class Live:
    """A catalog without weights and a trainer."""

    catalog: str
    trainer: str
    credentials: Mapping[str, str] = field(default_factory=dict)
    """What they want to see, as variables."""

    @property
    def variables(self) -> dict[str, str]:
        """What the examples read."""
        return {
            "VERTEBRA_CATALOG_ADDRESS": self.catalog,
            "VERTEBRA_TRAINER_ADDRESS": self.trainer,
            **self.credentials,
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


@contextmanager
def guarded_live_services(home: Path) -> Iterator[Live]:
    """Start both with TLS: the catalog wants a certificate of the caller, the trainer a token."""
    home.mkdir(parents=True, exist_ok=True)
    authority = Authority()
    ca = str(authority.file(home))
    names = {"server": {"hosts": ["127.0.0.1"]}, "trainer": {"uris": ["spiffe://studio/trainer"]}}
    names["ann"] = {"uris": ["spiffe://studio/ann"]}
    pairs = {name: authority.files(home, name, **what) for name, what in names.items()}
    token, access = home / "token", home / "access.toml"
    token.write_text("a-token-of-ann\n")
    access.write_text(ACCESS.format(digest=hashlib.sha256(b"a-token-of-ann").hexdigest()))
    with (
        running_catalog(home, **_door("CATALOG", access, pairs["server"], client_ca=ca)) as catalog,
        running_trainer(
            home,
            catalog,
            **_door("TRAINER", access, pairs["server"]),
            **{"VERTEBRA_TRAINER_CATALOG_CA": ca},
            **_shown("VERTEBRA_TRAINER_CATALOG_", pairs["trainer"]),
        ) as trainer,
    ):
        shown = {"VERTEBRA_CA": ca, "VERTEBRA_TOKEN_FILE": str(token)}
        shown |= _shown("VERTEBRA_", pairs["ann"])
        yield Live(catalog=catalog.address, trainer=trainer.address, credentials=shown)


def _shown(prefix: str, pair: tuple[Path, Path]) -> dict[str, str]:
    return {f"{prefix}CERT": str(pair[0]), f"{prefix}KEY": str(pair[1])}


def _door(
    service: str, access: Path, pair: tuple[Path, Path], *, client_ca: str = ""
) -> dict[str, str]:
    """Return the settings of a service that lets in whom `access` names."""
    prefix = f"VERTEBRA_{service}_"
    door = {f"{prefix}ACCESS": str(access)} | _shown(f"{prefix}TLS_", pair)
    return door | ({f"{prefix}TLS_CLIENT_CA": client_ca} if client_ca else {})


def told_by(live: Live, command: str, folder: Path) -> str:
    """Return what a command prints that must succeed."""
    done = run_with(live.variables, command, folder)
    assert done.returncode == 0, done.stdout + done.stderr
    return COLOURS.sub("", done.stdout)


def refusal_by(variables: Mapping[str, str], command: str, folder: Path) -> str:
    """Return what a command says that must fail."""
    done = run_with(variables, command, folder)
    assert done.returncode != 0, done.stdout
    return done.stdout + done.stderr


def run_with(
    variables: Mapping[str, str], command: str, folder: Path
) -> subprocess.CompletedProcess[str]:
    """Run a command with variables beside those of this process."""
    return subprocess.run(
        ["bash", "-c", command],
        cwd=folder,
        env={**os.environ, **variables},
        capture_output=True,
        text=True,
        timeout=TIMEOUT_S,
        check=False,
    )


PLAIN_TOKEN = {"VERTEBRA_CATALOG_ADDRESS": "studio.example:1", "VERTEBRA_TOKEN": "secret"}
"""A token that would leave this machine readable for others."""


def shown_on_page(heading: str) -> Shown:
    """Return the command of a section's `sh` block, without options, and the `text` under it.

    A block is `cd <folder>` and one command line; `-out` and what follows differ from run to run.
    """
    (block,) = pages.shown(heading, "sh")
    (told,) = pages.shown(heading, "text")
    command = block.strip().splitlines()[-1].partition("-out ")[0]
    return Shown(command=command, lines=tuple(told.splitlines()))

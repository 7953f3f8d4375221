"""A job over mutual TLS with a token, by the deploy page's certificates, followed to its end."""

import os
import shlex
import subprocess
import sys
from collections.abc import Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor, wait
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

import psutil
import pytest

from tests import pages
from tests.services import running_catalog, running_trainer

VERTEBRA = (sys.executable, "-m", "vertebra.cli")
TIMEOUT_S = 300
SECRETS = {
    "HF_TOKEN": "hidden-1",
    "OTEL_RESOURCE_ATTRIBUTES": "note=hidden-2",
    "STUDIO_PASSWORD": "hidden-3",
    "PGPASSWORD": "hidden-4",
}
TRAINER_ROW = '[[caller]]\nname = "spiffe://studio/trainer"\nroles = ["user"]\n'


@dataclass(frozen=True, slots=True, kw_only=True)
class Studio:
    """Two guarded services, and what somebody who may call shows them."""

    folder: Path
    trainer: psutil.Process
    variables: Mapping[str, str]

    def environments(self) -> list[dict[str, str]]:
        """Return those of the processes that train now."""
        found = []
        for child in self.trainer.children(recursive=True):
            with suppress(psutil.NoSuchProcess):
                # before that it is still a copy of the service
                if "trainer_service.worker" in child.cmdline():
                    found.append(child.environ())
        return [one for one in found if one]

    def vertebra(self, *words: str, **without: str) -> "subprocess.CompletedProcess[str]":
        """Run the command line as that person; `without` replaces variables."""
        return subprocess.run(
            [*VERTEBRA, *words],
            env={**os.environ, **self.variables, **without},
            cwd=self.folder,
            capture_output=True,
            text=True,
            timeout=TIMEOUT_S,
            check=False,
        )


@pytest.fixture(scope="module")
def studio(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Studio]:
    folder = tmp_path_factory.mktemp("studio")
    every = pages.blocks(pages.section("Who gets in"))
    (script,) = [block.text for block in every if block.file == "certificates.sh"]
    made = subprocess.run(["sh", "-e"], input=script, cwd=folder, text=True, check=True, timeout=60)
    assert made.returncode == 0
    token = [*VERTEBRA, "token", "ann", "--role", "user", "--out", folder / "ann.token"]
    row = subprocess.run(token, capture_output=True, text=True, check=True, timeout=60).stdout
    (folder / "access.toml").write_text(f"{row}\n{TRAINER_ROW}")
    with (
        running_catalog(folder / "catalog", **guarded(folder, "catalog")) as catalog,
        running_trainer(
            folder / "trainer",
            catalog,
            **guarded(folder, "trainer"),
            **to_catalog(folder),
            **SECRETS,
            VERTEBRA_TRAINER_DATABASE_URL=f"sqlite:///{folder / 'hidden-jobs.db'}",
        ) as trainer,
    ):
        yield Studio(
            folder=folder,
            trainer=psutil.Process(trainer.pid),
            variables={
                "VERTEBRA_CATALOG_ADDRESS": catalog.address,
                "VERTEBRA_TRAINER_ADDRESS": trainer.address,
                "VERTEBRA_CA": str(folder / "ca.pem"),
                "VERTEBRA_CERT": str(folder / "ann.pem"),
                "VERTEBRA_KEY": str(folder / "ann.key"),
                "VERTEBRA_TOKEN_FILE": str(folder / "ann.token"),
            },
        )


def guarded(folder: Path, name: str) -> dict[str, str]:
    """Return the settings of a service that nobody reaches in plain text."""
    prefix = f"VERTEBRA_{name.upper()}"
    return {
        f"{prefix}_TLS_CERT": str(folder / f"{name}.pem"),
        f"{prefix}_TLS_KEY": str(folder / f"{name}.key"),
        f"{prefix}_TLS_CLIENT_CA": str(folder / "ca.pem"),
        f"{prefix}_ACCESS": str(folder / "access.toml"),
    }


def to_catalog(folder: Path) -> dict[str, str]:
    """Return what the trainer shows the catalog."""
    files = {"CA": "ca.pem", "CERT": "trainer.pem", "KEY": "trainer.key"}
    return {f"VERTEBRA_TRAINER_CATALOG_{name}": str(folder / file) for name, file in files.items()}


def test_a_job_is_followed_to_its_end_over_mutual_tls_with_a_token(studio: Studio) -> None:
    """And what trains, which reads files of anybody's, has no secret of the service."""
    train = ("train", "--backbone", "squeezenet1_1", "--no-pretrained", "--digits")
    small = ("--image-size", "32", "--data-ratio", "0.05", "--epochs", "2", "--name", "guarded")
    with ThreadPoolExecutor(1) as pool:
        training = pool.submit(studio.vertebra, *train, *small)
        seen: list[dict[str, str]] = []
        while not training.done():
            seen += studio.environments()
            wait([training], timeout=0.05)
        trained = training.result()

    assert trained.returncode == 0, trained.stdout + trained.stderr
    assert "succeeded" in trained.stdout + trained.stderr
    listed = studio.vertebra("jobs", "ls")
    assert "guarded" in listed.stdout
    assert seen
    assert "hidden" not in str(seen)
    assert "hidden-jobs" in str(studio.trainer.environ())  # and would be found


def test_the_pages_flags_show_the_same_as_the_variables(studio: Studio) -> None:
    (line,) = [one for one in pages.shown("Who gets in", "sh") if one.startswith("vertebra ")]
    (studio.folder / "ci.token").write_bytes((studio.folder / "ann.token").read_bytes())
    address = {"VERTEBRA_CATALOG_ADDRESS": studio.variables["VERTEBRA_CATALOG_ADDRESS"]}

    done = subprocess.run(
        [*VERTEBRA, *shlex.split(line)[1:]],
        env={**os.environ, **address},
        cwd=studio.folder,
        capture_output=True,
        text=True,
        timeout=TIMEOUT_S,
        check=False,
    )

    assert done.returncode == 0, done.stderr
    assert "resnet18" in done.stdout


@pytest.mark.parametrize(
    ("without", "words"),
    [
        ({"VERTEBRA_TOKEN_FILE": ""}, "spiffe://studio/ann"),
        ({"VERTEBRA_CERT": "", "VERTEBRA_KEY": ""}, "certificate"),
        ({"VERTEBRA_CA": ""}, "authorit"),
    ],
    ids=["no token", "no certificate", "no authority"],
)
def test_without_one_of_them_nothing_is_told_but_what_is_missing(
    studio: Studio, without: dict[str, str], words: str
) -> None:
    refused = studio.vertebra("jobs", "ls", **without)

    assert refused.returncode != 0
    assert words in refused.stderr
    assert "Traceback" not in refused.stderr
    assert len(refused.stderr.strip().splitlines()) <= 3

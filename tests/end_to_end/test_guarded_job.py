"""A job over mutual TLS with a token, by the deploy page's certificates, followed to its end."""

import os
import shlex
import subprocess
import sys
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

import pytest

from tests import pages
from tests.services import running_catalog, running_trainer

VERTEBRA = (sys.executable, "-m", "vertebra.cli")
TIMEOUT_S = 300
TRAINER_ROW = '[[caller]]\nname = "spiffe://studio/trainer"\nroles = ["user"]\n'


@dataclass(frozen=True, slots=True, kw_only=True)
class Studio:
    """Two guarded services, and what somebody who may call shows them."""

    folder: Path
    variables: Mapping[str, str]

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
            folder / "trainer", catalog, **guarded(folder, "trainer"), **to_catalog(folder)
        ) as trainer,
    ):
        yield Studio(
            folder=folder,
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
    trained = studio.vertebra(
        *("train", "--backbone", "squeezenet1_1", "--no-pretrained", "--digits"),
        *("--image-size", "32", "--data-ratio", "0.05", "--epochs", "2", "--name", "guarded"),
    )

    assert trained.returncode == 0, trained.stdout + trained.stderr
    assert "succeeded" in trained.stdout + trained.stderr
    listed = studio.vertebra("jobs", "ls")
    assert "guarded" in listed.stdout


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

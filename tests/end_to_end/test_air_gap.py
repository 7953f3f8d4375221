"""The catalog page's way to a site without a network, run as it is written.

The connected side asks publishers on loopback. The isolated side runs in an empty network namespace
with a loopback of its own; strace writes down every connect() of its services and their children,
and a control run there is seen to try.
"""

import json
import os
import re
import subprocess
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import pytest
import torch
import torchvision

from tests import pages
from tests.end_to_end.test_offline import LOCAL, NOBODY, connections
from tests.end_to_end.test_readme import WITHOUT_A_NETWORK, Shell, assert_told, commands
from tests.fakes import isolated_program
from tests.fakes.publishers import Publishers, publishers
from tests.services import running_catalog
from vertebra.catalog_client import CatalogClient

IN_AN_EMPTY_NETWORK = ["unshare", "-rn"]
HEX = re.compile(r"\b[0-9a-f]{64}\b")

pytestmark = pytest.mark.timeout(900)


@dataclass(frozen=True, slots=True, kw_only=True)
class Answers:
    """What an isolated site printed."""

    outside: str
    told: tuple[str, ...]
    codes: tuple[int, ...]
    elsewhere: tuple[str, ...]
    """connect() calls that did not stay on the loopback."""

    num_connects: int


def isolated(shell: Shell, lines: Sequence[str]) -> Answers:
    """Run commands where there is no network."""
    orders, answers, trace = (
        shell.home / name for name in ("orders.json", "answers.json", "trace")
    )
    orders.write_text(json.dumps({"commands": lines, "trace": str(trace)}))
    program = str(Path(isolated_program.__file__))
    done = subprocess.run(
        [*IN_AN_EMPTY_NETWORK, sys.executable, program, str(orders), str(answers)],
        cwd=shell.home,
        env=shell.environment,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        timeout=800,
        check=False,
    )
    assert done.returncode == 0, done.stdout
    found = json.loads(answers.read_text())
    seen = connections(trace)
    return Answers(
        outside=found["outside"],
        told=tuple(one["told"] for one in found["commands"]),
        codes=tuple(one["code"] for one in found["commands"]),
        elsewhere=tuple(line for line in seen if not LOCAL.search(line)),
        num_connects=len(seen),
    )


@pytest.fixture
def world(tmp_path: Path) -> Publishers:
    """Publishers with the one weight that goes into the bundle."""
    with publishers(tmp_path / "published") as world:
        world.publish("mobilenet_v3_small").path.unlink()
        yield world


def register_digits(address: str, folder: Path) -> None:
    """Register a backbone of resnet18 as `vertebra train` does it on the page."""
    state = torchvision.models.resnet18().state_dict()
    torch.save({n: t for n, t in state.items() if not n.startswith("fc.")}, folder / "digits.pth")
    with CatalogClient(address) as catalog:
        blob = catalog.blobs.upload(folder / "digits.pth")
        catalog.register_checkpoint(
            checkpoint_id="digits", architecture_id="resnet18", blob_name=blob.name
        )


def test_a_bundle_made_where_there_is_a_network_serves_a_site_that_has_none(
    tmp_path: Path, world: Publishers
) -> None:
    """Every line is the page's; digests are those of this run."""
    desk = tmp_path / "desk"
    desk.mkdir()
    shell = Shell(home=desk, world=world)
    connected, away = pages.shown(WITHOUT_A_NETWORK, "console")
    with running_catalog(tmp_path / "connected", **world.variables) as catalog:
        register_digits(catalog.address, tmp_path)
        for shown in commands(connected):
            done = shell.run(f"VERTEBRA_CATALOG_ADDRESS={catalog.address} {shown.command}")
            assert_told(shell.told(done.stdout), shown, desk)
            assert done.returncode == 0
    digest = HEX.search(done.stdout)
    assert digest is not None

    lines = [HEX.sub(digest.group(), shown.command) for shown in commands(away)]
    found = isolated(shell, lines)

    assert found.outside == os.strerror(101)  # ENETUNREACH
    for shown, told, code in zip(commands(away), found.told, found.codes, strict=True):
        assert_told(shell.told(told), shown, desk)
        assert (code != 0) == shown.lines[0].startswith("error:"), told
    assert found.num_connects > 0
    assert found.elsewhere == ()


def test_a_site_that_is_not_offline_is_seen_to_try(tmp_path: Path, world: Publishers) -> None:
    shell = Shell(home=tmp_path, world=world)

    found = isolated(
        shell, [f"vertebra up --mirror http://{NOBODY}:9", "vertebra weights ensure resnet18"]
    )

    assert found.codes[1] != 0
    assert any(NOBODY in line for line in found.elsewhere)

"""What a person reads for a good, a corrupt, a missing and a gated weight, line by line.

Real catalog, real command line on a terminal of 80 columns; the publishers are on loopback.
"""

import os
import re
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

from tests.fakes import faults
from tests.fakes.publishers import GATED, Publishers, publishers
from tests.services import Service, running_catalog

TERMINAL = {"FORCE_COLOR": "1", "NO_COLOR": "1", "COLUMNS": "200"}
"""Wide enough that no path of this machine is folded. Source: rich.console.Console."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Desk:
    """A person's terminal, in front of a catalog."""

    world: Publishers
    catalog: Service
    home: Path

    def run(self, *arguments: str) -> tuple[int, list[str]]:
        """Return a command's exit code and its lines, with real hosts and a home for all paths."""
        done = subprocess.run(
            [sys.executable, "-m", "vertebra.cli", "weights", *arguments],
            env={**os.environ, **TERMINAL, "VERTEBRA_CATALOG_ADDRESS": self.catalog.address},
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            timeout=120,
            check=False,
        )
        text = re.sub(r"\x1b\[[0-9;?]*[A-Za-z]", "", done.stdout.rpartition("\x1b[2K")[2])
        text = self.world.named(text).replace(str(self.home), "~")
        text = re.sub(r"\b[0-9a-f]{8,}\b", "HEX", text)
        return done.returncode, [line.rstrip() for line in text.splitlines()]


@pytest.fixture(scope="module")
def desk(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Desk]:
    """`mobilenet_v3_small` is good, `squeezenet1_1` has a flipped bit, the rest is missing."""
    home = tmp_path_factory.mktemp("desk")
    with publishers(home / "published") as world:
        good, bad = world.publish("mobilenet_v3_small"), world.publish("squeezenet1_1")
        world.torchvision.always(world.path(bad.path), faults.flip(600_000))
        for file in (good, bad):
            file.path.unlink()
        with running_catalog(home / "catalog", **world.variables) as catalog:
            yield Desk(world=world, catalog=catalog, home=home / "catalog")


def test_a_good_weight_says_where_it_came_from_and_how_it_was_proven(desk: Desk) -> None:
    code, lines = desk.run("ensure", "mobilenet_v3_small")

    assert code == 0
    assert lines == [
        "torchvision/MobileNet_V3_Small_Weights.IMAGENET1K_V1  is in the store",
        "",
        "for      mobilenet_v3_small",
        "from     origin https://download.pytorch.org/models/mobilenet_v3_small-HEX.pth",
        "sha256   HEX...; its first 8 digits are published",
        "licence  unknown",
        "blob     HEX, 10.2 MB",
    ]


def test_a_good_weight_is_explained_by_its_whole_trail(desk: Desk) -> None:
    desk.run("ensure", "mobilenet_v3_small")

    code, lines = desk.run("explain", "mobilenet_v3_small")

    assert code == 0
    assert lines[0] == "torchvision/MobileNet_V3_Small_Weights.IMAGENET1K_V1  is in the store"
    trail = lines[lines.index("") + 5 :]
    assert [re.sub(" {2,}", "  ", line) for line in trail] == [
        "LOCATION  ANSWER  WHY OR WHERE",
        "store  has it",
        "torch-hub cache ~/no-torch-home  absent",
        "Hugging Face cache ~/no-hf-home/hub  absent  not a file of the hub",
        "origin  not asked  https://download.pytorch.org/models/mobilenet_v3_small-HEX.pth",
    ]


def test_a_corrupt_weight_says_which_copy_has_other_bytes_and_what_helps(desk: Desk) -> None:
    code, lines = desk.run("ensure", "squeezenet1_1")

    sentence, store, hub, hugging_face, origin, *remedies = lines
    assert code == 4
    assert sentence == (
        "error: every copy of torchvision/SqueezeNet1_1_Weights.IMAGENET1K_V1 has other bytes than"
        " published:"
    )
    assert store == "  store: absent"
    assert hub == "  torch-hub cache ~/no-torch-home: absent"
    assert hugging_face == "  Hugging Face cache ~/no-hf-home/hub: not a file of the hub"
    assert origin.startswith(
        "  origin: squeezenet1_1-HEX.pth has other bytes: sha256 HEX..., published is HEX..."
    )
    assert [line.split()[0] for line in remedies] == ["Put", "It", "How", "Ask"]


def test_a_missing_weight_says_where_it_was_looked_for_and_what_helps(desk: Desk) -> None:
    code, lines = desk.run("ensure", "resnet18")

    assert code == 4
    assert lines == [
        "error: no bytes for torchvision/ResNet18_Weights.IMAGENET1K_V1:",
        "  store: absent",
        "  torch-hub cache ~/no-torch-home: absent",
        "  Hugging Face cache ~/no-hf-home/hub: not a file of the hub",
        "  origin: https://download.pytorch.org/models/resnet18-HEX.pth: no such file (404)",
        "  Put resnet18-HEX.pth into a mirror folder (VERTEBRA_CATALOG_MIRRORS) or into the"
        " torch-hub cache ~/no-torch-home/hub/checkpoints",
        "  It is published at https://download.pytorch.org/models/resnet18-HEX.pth",
        "  How it was trained:"
        " https://github.com/pytorch/vision/tree/main/references/classification#resnet",
        "  Ask its makers: https://github.com/pytorch/vision/issues",
    ]


def test_a_gated_weight_names_the_page_where_access_is_granted(desk: Desk) -> None:
    code, lines = desk.run("ensure", GATED)

    assert code == 4
    assert lines[0] == f"error: the publisher does not hand huggingface/{GATED} to this catalog:"
    assert "token" in lines[4]
    assert f"https://huggingface.co/{GATED}" in lines[4]
    assert lines[-1] == f"  Access is granted at https://huggingface.co/{GATED}"


def test_an_id_that_people_write_by_mistake_is_answered_with_the_right_one(desk: Desk) -> None:
    """No server is asked."""
    before = len(desk.world.hub_origin.requests)

    code, lines = desk.run("ensure", "facebook/dinov3-vitb14")

    assert code == 2
    assert lines[0].endswith("write 'facebook/dinov3-vitb16-pretrain-lvd1689m'")
    assert len(desk.world.hub_origin.requests) == before


def test_a_good_and_a_bad_weight_are_a_table_and_an_error(desk: Desk) -> None:
    code, lines = desk.run("ensure", "mobilenet_v3_small", "resnet18")

    assert code == 4
    assert lines[0].split() == ["WEIGHT", "SIZE", "FROM"]
    assert lines[1].startswith("MobileNet_V3_Small_Weights.IMAGENET1K_V1  10.2 MB")
    assert lines[2] == "error: no bytes for torchvision/ResNet18_Weights.IMAGENET1K_V1:"

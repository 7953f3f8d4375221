"""Whatever the terminal's encoding is, a command ends as it should."""

import json
import os
import subprocess
import sys

import pytest

from tests.clients.python.conftest import Serve
from tests.fakes.fake_trainer import FakeTrainer

NAME = "données ⣿ 犬"


def run(trainer: FakeTrainer, serve: Serve, encoding: str, *arguments: str) -> bytes:
    """Return what a command prints into a pipe of an encoding."""
    trainer.keep("abcd").spec.display_name = NAME
    return subprocess.run(
        [sys.executable, "-m", "vertebra.cli", *arguments],
        env={
            **os.environ,
            "PYTHONIOENCODING": encoding,
            "VERTEBRA_TRAINER_ADDRESS": serve(trainer),
        },
        stdout=subprocess.PIPE,
        check=True,
    ).stdout


@pytest.mark.parametrize("encoding", ["latin-1", "utf-8"])
def test_json_says_the_same_in_every_encoding(
    trainer: FakeTrainer, serve: Serve, encoding: str
) -> None:
    out = run(trainer, serve, encoding, "jobs", "ls", "--json")

    assert json.loads(out.decode(encoding))["jobs"][0]["spec"]["display_name"] == NAME


def test_a_page_spells_what_its_encoding_lacks(trainer: FakeTrainer, serve: Serve) -> None:
    out = run(trainer, serve, "latin-1", "jobs", "ls").decode("latin-1")

    assert out.splitlines()[1].endswith("données \\u28ff \\u72ac")

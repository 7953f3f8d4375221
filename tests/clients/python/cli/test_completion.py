"""The Tab key, as bash asks for it."""

import os
import subprocess
import sys

import pytest

from tests.clients.python.conftest import Shell


@pytest.mark.parametrize("name", ["bash", "zsh", "fish"])
def test_each_shell_gets_its_program(shell: Shell, name: str) -> None:
    code, out, err = shell("completion", name)

    assert (code, err) == (0, "")
    assert "_VERTEBRA_COMPLETE" in out


@pytest.mark.parametrize(
    ("line", "completed"),
    [("vertebra mod", "models"), ("vertebra models bu", "build"), ("vertebra up --ho", "--home")],
)
def test_a_word_that_was_begun_is_completed(line: str, completed: str) -> None:
    words = line.split()
    variables = {"COMP_WORDS": line, "COMP_CWORD": str(len(words) - 1)}

    done = subprocess.run(
        [sys.executable, "-m", "vertebra.cli"],
        env={**os.environ, **variables, "_VERTEBRA_COMPLETE": "bash_complete"},
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )

    assert [row.partition(",")[2] for row in done.stdout.splitlines()] == [completed], done.stderr

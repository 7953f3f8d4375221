"""The pages' sessions are run as they are written, and print what they say.

Whoever publishes weights is on loopback; what is printed gets the real names.
"""

import os
import re
import shlex
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

from tests import pages
from tests.fakes.publishers import Publishers, publishers

SEEN_BY_PEOPLE = "vertebra models ls"
"""Into a pipe it writes tabs; the page shows what a person sees."""

TERMINAL = {"FORCE_COLOR": "1", "NO_COLOR": "1", "COLUMNS": "80"}
"""What makes output look as on a terminal without colours. Source: rich.console.Console."""

START_TIMEOUT_S = 180
COMMAND_TIMEOUT_S = 600
pytestmark = pytest.mark.timeout(1800)
"""Two minutes on two idle cores; a busy machine takes several times that."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Shown:
    """A command and the lines that a page prints under it."""

    command: str
    lines: tuple[str, ...]


WITHOUT_A_NETWORK = "A site without a network"
"""The section whose second half is for another machine: test_air_gap.py runs it."""


def session() -> list[pages.Block]:
    """Return the fenced blocks of all pages that one machine runs."""
    every = [block for page in pages.PAGES for block in pages.blocks(pages.text(page))]
    return [block for block in every if block.section != WITHOUT_A_NETWORK]


def commands(text: str) -> Iterator[Shown]:
    """Yield the commands of one console block."""
    for part in re.split(r"^\$ ", text, flags=re.MULTILINE)[1:]:
        command, *lines = part.rstrip().splitlines()
        yield Shown(command=command, lines=tuple(lines))


def plain(line: str, home: Path) -> str:
    """Return a line without what differs from run to run: numbers, digests, the home folder.

    A dot that stands alone is a zero of a confusion matrix.
    """
    line = re.sub(r"\x1b\[[0-9;]*m", "", line)
    line = re.sub(r"(?<=\s)\.(?=\s|$)", "0", line)
    line = re.sub(r"\b[0-9a-f]{8,}\b", "HEX", line.replace(str(home), "~").rstrip())
    return re.sub(r" +", " ", re.sub(r"\d[\d.,:]*", "N", line))


def assert_told(told: str, shown: Shown, home: Path) -> None:
    """Assert that the lines are there in order; `...` stands for any lines."""
    actual = [plain(line, home) for line in told.rstrip().splitlines()]
    position, may_skip = 0, False
    for line in shown.lines:
        if line == "...":
            may_skip = True
            continue
        wanted = plain(line, home)
        rest = actual[position:]
        found = rest.index(wanted) if may_skip and wanted in rest else 0
        assert rest[found : found + 1] == [wanted], f"$ {shown.command}\n{told}"
        position, may_skip = position + found + 1, False
    assert may_skip or position == len(actual), f"$ {shown.command}\n{told}"


@dataclass(frozen=True, slots=True, kw_only=True)
class Shell:
    """A newcomer's terminal: an empty home folder and the activated environment."""

    home: Path
    world: Publishers

    @property
    def environment(self) -> dict[str, str]:
        """Nothing of this machine's caches and settings."""
        kept = {
            name: value
            for name, value in os.environ.items()
            if not name.startswith(("VERTEBRA_", "TORCH_", "XDG_", "HF_", "PYTHON"))
        }
        path = f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}"
        return {**kept, **self.world.variables, "HOME": str(self.home), "PATH": path}

    def told(self, text: str) -> str:
        """Return what was printed, with the publishers' real names."""
        return self.world.named(text)

    def run(self, command: str) -> subprocess.CompletedProcess[str]:
        """Run one command line."""
        return subprocess.run(
            ["bash", "-o", "pipefail", "-c", command],
            cwd=self.home,
            env=self.environment | (TERMINAL if command.startswith(SEEN_BY_PEOPLE) else {}),
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            timeout=COMMAND_TIMEOUT_S,
            check=False,
        )


@pytest.fixture
def world(tmp_path_factory) -> Iterator[Publishers]:
    """Publishers with the one weight that the pages download."""
    with publishers(tmp_path_factory.mktemp("published")) as world:
        world.publish("mobilenet_v3_small").path.unlink()
        yield world


@pytest.fixture
def up(tmp_path, world) -> Iterator[tuple[Shell, Path]]:
    """`vertebra up` in its own terminal, and the file with what it printed."""
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind(("127.0.0.1", 50551))
        except OSError:
            pytest.skip("the pages' ports are taken: another vertebra is up on this machine")
    shell, screen = Shell(home=tmp_path, world=world), tmp_path / "screen.txt"
    with screen.open("w") as output:
        process = subprocess.Popen(
            ["vertebra", "up"], cwd=tmp_path, env=shell.environment, stdout=output, stderr=output
        )
    deadline = time.monotonic() + START_TIMEOUT_S
    while "stop: Ctrl-C" not in screen.read_text():
        assert process.poll() is None and time.monotonic() < deadline, screen.read_text()
        time.sleep(0.1)
    try:
        yield shell, screen
    finally:
        process.send_signal(signal.SIGINT)
        process.wait(timeout=60)


def test_the_sessions_print_what_the_pages_say(up):
    """Files first, then every command and every program without a name, in order."""
    shell, screen = up
    for block in session():
        if block.file:
            (shell.home / block.file).write_text(block.text)

    for shown in [shown for block in session() for shown in to_run(block)]:
        if shown.command == "vertebra up":
            assert_told(screen.read_text(), shown, shell.home)
            continue
        done = shell.run(shown.command)
        assert_told(shell.told(done.stdout), shown, shell.home)
        is_error = shown.lines[:1] != () and shown.lines[0].startswith("error:")
        assert (done.returncode != 0) == is_error, done.stdout


def to_run(block: pages.Block) -> list[Shown]:
    """Return the commands of a block; of a program without a name only that it runs is shown."""
    if block.kind == "python" and not block.file:
        return [Shown(command=f"python -c {shlex.quote(block.text)}", lines=("...",))]
    return list(commands(block.text)) if block.kind == "console" else []

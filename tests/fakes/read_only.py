"""Folders that cannot be written: on a read-only mount, and as a user without the right."""

import os
import shutil
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory

MOUNTED = 'mount --bind "$0" "$0" && mount -o remount,ro,bind "$0" && shift 0 && exec "$@"'


def on_a_read_only_mount(folder: Path, arguments: list[str]) -> list[str]:
    """Return a command line that runs `arguments` where `folder` is mounted read-only.

    In a user and mount namespace of its own, so it needs no rights and leaves nothing behind.
    """
    assert shutil.which("unshare"), "util-linux is needed"
    return ["unshare", "-rm", "sh", "-c", MOUNTED, str(folder), *arguments]


def run_read_only(
    folder: Path, program: str, *arguments: str
) -> "subprocess.CompletedProcess[str]":
    """Run a Python program where `folder` is read-only."""
    line = on_a_read_only_mount(folder, [sys.executable, "-c", program, *arguments])
    return subprocess.run(line, capture_output=True, text=True, timeout=120, check=False)


DROP_RIGHTS = """
import os
if os.getuid() == 0:
    os.setgroups([])
    os.setgid(65534)
    os.setuid(65534)
"""
"""What a program that should be nobody runs after its imports: root may write everywhere."""


@contextmanager
def open_to_all() -> Iterator[Path]:
    """Yield an empty folder that everybody can enter: pytest's own are for their owner alone."""
    with TemporaryDirectory(prefix="vertebra-") as folder:
        Path(folder).chmod(0o755)
        try:
            yield Path(folder)
        finally:
            _set_modes(Path(folder), 0o755)


def take_rights_away(root: Path) -> None:
    """Let nobody write into the folders of `root`, its owner included."""
    _set_modes(root, 0o555)


def run_program(program: str, *arguments: str) -> "subprocess.CompletedProcess[str]":
    """Run a Python program."""
    line = [sys.executable, "-c", program, *arguments]
    return subprocess.run(line, capture_output=True, text=True, timeout=120, check=False)


def _set_modes(root: Path, mode: int) -> None:
    for folder, _, _ in os.walk(root):
        Path(folder).chmod(mode)

"""A disk of so many bytes that a program finds at a folder: a file system that really gets full."""

import shutil
from pathlib import Path

MOUNTED = 'mount -t tmpfs -o size="$1" none "$0" && shift 1 && exec "$@"'


def on_a_small_disk(folder: Path, num_bytes: int, arguments: list[str]) -> list[str]:
    """Return a command line that runs `arguments` where `folder` is an empty disk of that size.

    In a user and mount namespace of its own, so it needs no rights and leaves nothing behind.
    """
    assert shutil.which("unshare"), "util-linux is needed"
    return ["unshare", "-rm", "sh", "-c", MOUNTED, str(folder), str(num_bytes), *arguments]

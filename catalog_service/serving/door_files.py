"""Files that decide who gets in: whether they changed, and whether too many may touch them."""

import logging
import stat
from pathlib import Path

log = logging.getLogger(__name__)

Stamp = tuple[int, int, int] | None
"""Inode, size in bytes and time of change in ns; None where there is no file."""


def stamp_of(file: Path) -> Stamp:
    """Return what changes when a file does; also when Kubernetes moves a link to a new folder."""
    try:
        found = file.stat()
    except OSError:
        return None
    return found.st_ino, found.st_size, found.st_mtime_ns


def warn_of_readers(key: Path) -> None:
    """Say aloud that a private key is no secret."""
    if _mode(key) & stat.S_IROTH:
        log.warning("everybody on this host may read the private key %s: chmod o-r", key)


def warn_of_writers(access: Path) -> None:
    """Say aloud that anybody may let anybody in."""
    if _mode(access) & stat.S_IWOTH:
        log.warning("everybody on this host may write %s, and so let anybody in: chmod o-w", access)


def _mode(file: Path) -> int:
    """Return the file's mode; 0 where it is gone again."""
    try:
        return file.stat().st_mode
    except OSError:
        return 0

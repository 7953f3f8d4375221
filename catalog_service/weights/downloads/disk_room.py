"""Room on the disk, asked for before it is needed; and a disk's refusals in our words."""

import errno
import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from catalog_service.blobs.disk import DiskFull
from catalog_service.errors import Precondition

SLACK_BYTES = 16 << 20
"""Left over for everything small that is written meanwhile."""

_NO_ROOM = frozenset({errno.ENOSPC, errno.EDQUOT, errno.EFBIG})
_NOT_OURS = frozenset({errno.EROFS, errno.EACCES, errno.EPERM})


class CacheReadOnly(Precondition):
    """The store's folder cannot be written: nothing new can be kept."""

    reason = "CACHE_READ_ONLY"


def ensure_room(folder: Path, need_bytes: int) -> None:
    """Check that bytes can still be written.

    Raises:
        DiskFull: there is not enough room, or no file can be made.
    """
    found = os.statvfs(folder)
    free_bytes = found.f_bavail * found.f_frsize
    if free_bytes < need_bytes + SLACK_BYTES:
        raise disk_full(folder, need_bytes, f"{free_bytes} are free")
    if found.f_files and not found.f_favail:
        raise disk_full(folder, need_bytes, "the file system has no inode left for a new file")


def disk_full(folder: Path, need_bytes: int, why: str) -> DiskFull:
    """Return the error, with what a program needs to make room."""
    return DiskFull(
        f"no room in {folder} for {need_bytes} bytes: {why}; make room there, or set"
        " VERTEBRA_CATALOG_HOME to a larger disk",
        metadata={
            "path": str(folder),
            "need_bytes": str(need_bytes),
            "free_bytes": str(_free_bytes(folder)),
        },
    )


@contextmanager
def naming_refusals(folder: Path, need_bytes: int = 0) -> Iterator[None]:
    """Turn a disk's refusal into `DiskFull` or `CacheReadOnly`.

    Args:
        need_bytes: what was still to be written.
    """
    try:
        yield
    except OSError as error:
        if error.errno in _NO_ROOM:
            raise disk_full(folder, need_bytes, os.strerror(error.errno or 0)) from error
        if error.errno in _NOT_OURS:
            raise CacheReadOnly(
                f"cannot write into {folder} as user {os.getuid()}: {error.strerror}; let that"
                " user write there, or set VERTEBRA_CATALOG_HOME to a folder of its own",
                metadata={"path": str(folder), "free_bytes": str(_free_bytes(folder))},
            ) from error
        raise


def _free_bytes(folder: Path) -> int:
    try:
        found = os.statvfs(folder)
    except OSError:
        return 0
    return found.f_bavail * found.f_frsize

"""Room on the disk, asked for before it is needed, and named where it runs out."""

import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from catalog_service.blobs.disk import DiskFull, free_bytes, naming_disk_errors

SLACK_BYTES = 16 << 20
"""Left over for everything small that is written meanwhile."""


def ensure_room(folder: Path, need_bytes: int) -> None:
    """Check that bytes can still be written.

    Raises:
        DiskFull: there is not enough room, or no file can be made.
    """
    free = free_bytes(folder)
    if free < need_bytes + SLACK_BYTES:
        why = f"{free} are free, of which {SLACK_BYTES} stay for what else is written"
        raise _disk_full(folder, need_bytes, why)
    found = os.statvfs(folder)
    if found.f_files and not found.f_favail:
        raise _disk_full(folder, need_bytes, "the file system has no inode left for a new file")


@contextmanager
def naming_refusals(folder: Path, need_bytes: int = 0) -> Iterator[None]:
    """Turn a disk's refusal into `DiskFull` or `CacheReadOnly`.

    Args:
        need_bytes: what was still to be written; 0 where nobody knows.
    """
    try:
        with naming_disk_errors("keep a download", folder):
            yield
    except DiskFull as error:
        if "need_bytes" in error.metadata:
            raise
        raise _disk_full(folder, need_bytes, error.message) from error


def _disk_full(folder: Path, need_bytes: int, why: str) -> DiskFull:
    need = f"{need_bytes} bytes" if need_bytes else "a download"
    return DiskFull(
        f"no room in {folder} for {need}: {why}; make room there, or set VERTEBRA_CATALOG_BLOBS"
        " to a folder on a larger disk",
        metadata={
            "path": str(folder),
            "need_bytes": str(need_bytes),
            "free_bytes": str(free_bytes(folder)),
        },
    )

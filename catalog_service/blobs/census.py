"""What a store holds and how it stands on its disk. Looking changes nothing."""

import os
import re
import stat
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

from catalog_service.blobs.disk import CacheReadOnly, free_bytes
from catalog_service.blobs.usage import last_used

_HEX = re.compile(r"[0-9a-f]{64}")


@dataclass(frozen=True, slots=True, kw_only=True)
class StoredBlob:
    """A blob as it lies there: `sha256:<hex>`, its size, and when it was used last."""

    digest: str
    size_bytes: int
    last_used_time: float


@dataclass(frozen=True, slots=True, kw_only=True)
class StoreState:
    """How a store stands on its disk."""

    free_bytes: int
    is_read_only: bool
    num_quarantined: int
    quarantined_bytes: int


def stored_blobs(root: Path) -> Iterator[StoredBlob]:
    """Yield every blob of the store under `root`; what is no blob is passed over."""
    for folder in sorted((root / "sha256").iterdir()):
        if folder.is_dir() and not folder.is_symlink():
            yield from _blobs_in(folder)


def is_read_only(root: Path) -> bool:
    """Return whether new blobs cannot be stored."""
    if os.statvfs(root).f_flag & os.ST_RDONLY:
        return True
    return not all(os.access(root / name, os.W_OK | os.X_OK) for name in ("staging", "sha256"))


def require_writable(root: Path) -> None:
    """Check that the store can be changed.

    Raises:
        CacheReadOnly: it cannot.
    """
    if is_read_only(root):
        free = free_bytes(root)
        raise CacheReadOnly(
            f"user {os.getuid()} cannot write into {root}, where {free} bytes are free; what is "
            "there is served as it is",
            metadata={"path": str(root), "free_bytes": str(free)},
        )


def self_check(root: Path) -> str:
    """Return a line for the log: where the store is, who we are, whether it can be written."""
    state = "read-only: nothing new is kept" if is_read_only(root) else "writable"
    return f"blob store {root} is {state} for user {os.getuid()}; {free_bytes(root)} bytes are free"


def _blobs_in(folder: Path) -> Iterator[StoredBlob]:
    with suppress(FileNotFoundError), os.scandir(folder) as found:
        for entry in found:
            with suppress(FileNotFoundError):
                status = entry.stat(follow_symlinks=False)
                if stat.S_ISREG(status.st_mode) and _HEX.fullmatch(entry.name):
                    yield StoredBlob(
                        digest=f"sha256:{entry.name}",
                        size_bytes=status.st_size,
                        last_used_time=last_used(status),
                    )

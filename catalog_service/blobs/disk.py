"""The few disk operations that make a file appear whole or not at all."""

import errno
import os
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from catalog_service.errors import Exhausted, Precondition

BLOB_MODE = 0o444
"""Stored bytes are read-only for everybody."""

SEAL_NS = 10**9
"""Modification time of a stored blob: one second after the epoch, so any later write shows.

Source: the Nix store marks its files the same way (`mtimeStore` in nix/src/libstore).
"""

_NO_ROOM = frozenset({errno.ENOSPC, errno.EDQUOT, errno.EFBIG})
_NOT_WRITABLE = frozenset({errno.EROFS, errno.EACCES, errno.EPERM})


class DiskFull(Exhausted):
    """No room for the bytes: disk, quota or file size limit."""

    reason = "DISK_FULL"


class CacheReadOnly(Precondition):
    """The folder cannot be written: what is in it is served, nothing new can be kept."""

    reason = "CACHE_READ_ONLY"


class ForeignFile(Precondition):
    """Something that the store did not make is where its files go."""

    reason = "STORE_OBSTRUCTED"


@contextmanager
def naming_disk_errors(doing: str, place: Path | None = None) -> Iterator[None]:
    """Turn a disk's refusals into `DiskFull` and `CacheReadOnly`, with the place and what is free.

    Args:
        doing: what the disk was wanted for, such as `store a blob`.
        place: a file or folder there; None: the one that the system names.

    Any other OSError goes through unchanged.
    """
    try:
        yield
    except OSError as error:
        if error.errno in _NO_ROOM:
            raise _refusal(DiskFull, f"no room to {doing}", error, place) from error
        if error.errno in _NOT_WRITABLE:
            doing = f"user {os.getuid()} cannot {doing}"
            raise _refusal(CacheReadOnly, doing, error, place) from error
        raise


def free_bytes(path: Path) -> int:
    """Return how much the disk under a path has left for us; 0 where it cannot be said."""
    for folder in (path, *path.parents):
        with suppress(OSError):
            found = os.statvfs(folder)
            return found.f_bavail * found.f_frsize
    return 0


def _refusal(
    kind: type[DiskFull] | type[CacheReadOnly], doing: str, error: OSError, place: Path | None
) -> DiskFull | CacheReadOnly:
    named = place or (Path(os.fsdecode(error.filename)) if error.filename else None)
    why = f"{doing}: {os.strerror(error.errno or 0)}"
    if named is None:
        return kind(why)
    free = free_bytes(named)
    return kind(
        f"{why}: {named}, where {free} bytes are free",
        metadata={"path": str(named), "free_bytes": str(free)},
    )


def ensure_folder(path: Path) -> None:
    """Make a folder unless it is there, and see that it is not a link to somewhere else.

    The root itself may be a link; what is below it is the store's own.
    """
    with naming_disk_errors("make a folder", path), _naming_obstruction(path):
        path.parent.mkdir(parents=True, exist_ok=True)
        with suppress(FileExistsError):
            path.mkdir()
            sync_folder(path.parent)
    os.close(_open_folder(path))


def sync_folder(path: Path) -> None:
    """Make renames within a folder survive a power cut."""
    descriptor = _open_folder(path)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def seal(path: Path) -> None:
    """Make a whole file read-only and just used, and give it the time that any write takes away."""
    with naming_disk_errors("store a blob", path):
        path.chmod(BLOB_MODE)
        os.utime(path, ns=(time.time_ns(), SEAL_NS), follow_symlinks=False)


def touched(path: Path) -> float:
    """Return when somebody last wrote, used or sealed a file, in seconds since the epoch."""
    found = path.lstat()
    return max(found.st_mtime, found.st_atime)


def move_sealed(staged: Path, place: Path) -> None:
    """Give a flushed and sealed file its final name; replaces what is there.

    Replacing the same bytes changes nothing for readers that hold the old file open. The folder is
    held by descriptor, so a link put in its place cannot lead the bytes elsewhere.

    Raises:
        ForeignFile: a folder has the final name, or a link is where the folder should be.
    """
    ensure_folder(place.parent)
    folder = _open_folder(place.parent)
    try:
        with naming_disk_errors("store a blob", place), _naming_obstruction(place):
            os.rename(staged, place.name, dst_dir_fd=folder)
            os.fsync(folder)
    finally:
        os.close(folder)


def discard(path: Path) -> None:
    """Delete what nobody needs any more; nothing happens where there is nothing.

    A disk that cannot be written refuses that even for what is not there.
    """
    try:
        path.unlink(missing_ok=True)
    except OSError as error:
        if error.errno not in _NOT_WRITABLE:
            raise


def write_whole(path: Path, data: bytes) -> None:
    """Write a small file so that a reader sees the old one or the new one, never a piece."""
    temporary = path.with_name(f".{path.name}.{os.urandom(8).hex()}")
    try:
        with naming_disk_errors("write a record", path), temporary.open("xb") as file:
            file.write(data)
            file.flush()
            os.fsync(file.fileno())
        temporary.replace(path)
    finally:
        discard(temporary)
    sync_folder(path.parent)


def _open_folder(path: Path) -> int:
    with _naming_obstruction(path):
        return os.open(path, os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW | os.O_CLOEXEC)


@contextmanager
def _naming_obstruction(path: Path) -> Iterator[None]:
    try:
        yield
    except (NotADirectoryError, IsADirectoryError, FileExistsError) as error:
        raise ForeignFile(
            f"{path} is in the way: the store did not make it, and follows no links; move it"
        ) from error

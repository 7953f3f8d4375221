"""Proves that a file is the published one, and remembers foreign files that are not.

A foreign file is never changed: a bad one is noted under its path and stamp, so that it is not
hashed again until somebody replaces it.
"""

from dataclasses import dataclass
from pathlib import Path

from catalog_service.blobs.digests import sha256_of_file
from catalog_service.blobs.records import Records
from catalog_service.index.entries import WeightEntry


@dataclass(frozen=True, slots=True, kw_only=True)
class Proof:
    """A file's sha256, and how it is known to be right."""

    digest: str
    kind: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Refutation:
    """A file is not the published one, and why."""

    detail: str


class Verification:
    """Compares files with the published hex digits.

    Args:
        records: of foreign files that turned out wrong.
    """

    def __init__(self, records: Records) -> None:
        self._bad_files = records

    def check(self, path: Path, weight: WeightEntry) -> Proof | Refutation:
        """Return whether `path` is the weight's published file; reads all of it at most once.

        Raises:
            OSError: the file cannot be read.
        """
        stamp = stamp_of(path)
        known = self._bad_files.get(_key(path, weight))
        if known is not None and known.get("stamp") == stamp:
            return Refutation(detail=f"{known['detail']} (unchanged since it was last checked)")
        digest = sha256_of_file(path)
        if not weight.sha256_prefix:
            return Proof(digest=digest, kind="first_use")
        if digest.removeprefix("sha256:").startswith(weight.sha256_prefix):
            return Proof(digest=digest, kind="prefix")
        detail = (
            f"{path} has sha256 {digest[7:15]}..., published is {weight.sha256_prefix}...; "
            "it was left as it is"
        )
        self._bad_files.put(_key(path, weight), {"stamp": stamp, "detail": detail})
        return Refutation(detail=detail)


def stamp_of(path: Path) -> list[int]:
    """Return what changes when a file does: size, times, inode and device."""
    found = path.stat()
    return [found.st_size, found.st_mtime_ns, found.st_ctime_ns, found.st_ino, found.st_dev]


def _key(path: Path, weight: WeightEntry) -> str:
    return f"{path.absolute()} {weight.sha256_prefix}"

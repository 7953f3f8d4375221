"""Where a checkpoint's file is: uploaded to the store, or in a folder that the catalog may read."""

import stat
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from catalog_service.blobs.digests import parse_digest
from catalog_service.blobs.store import BlobInfo, BlobStore
from catalog_service.errors import InvalidRequest, NotFound, Violation, listed


class PathNotAllowed(InvalidRequest):
    """The path is outside of the folders that the catalog may read."""

    reason = "PATH_NOT_ALLOWED"


class FileNotThere(NotFound):
    """There is no file at an allowed path."""

    reason = "FILE_NOT_FOUND"


@dataclass(frozen=True, slots=True, kw_only=True)
class NamedFile:
    """What a caller calls a file: `blobs/sha256:...`, or an absolute path on this host."""

    blob_name: str = ""
    path: str = ""

    def __str__(self) -> str:
        return self.path or self.blob_name


class CheckpointFiles:
    """Finds the files that callers name.

    Args:
        folders: that may be read; links that lead out of them are not followed. None: no paths.
    """

    def __init__(self, store: BlobStore, folders: Sequence[Path]) -> None:
        self._store = store
        self._folders = tuple(folders)

    def find(self, named: NamedFile) -> Path:
        """Return where the file is; nothing is copied.

        Raises:
            BlobNotFound, DigestMismatch: as `stored`.
            PathNotAllowed, FileNotThere: a path that cannot be read, and why.
        """
        if named.blob_name:
            return self._store.path(self._store.ensure_intact(parse_digest(named.blob_name)).digest)
        return self._allowed(named.path)

    def stored(self, named: NamedFile) -> BlobInfo:
        """Return the file as a blob of the store; a file at a path is copied.

        Raises:
            BlobNotFound: it was not uploaded.
            DigestMismatch: the stored upload changed; it is in quarantine now.
            PathNotAllowed, FileNotThere: a path that cannot be read, and why.
            DiskFull: no room for the copy.
        """
        if named.blob_name:
            return self._store.ensure_intact(parse_digest(named.blob_name))
        return self._store.adopt_file(self._allowed(named.path))

    def _allowed(self, path: str) -> Path:
        """Return the real path; outside of the folders nobody learns what exists."""
        try:
            real = Path(path).resolve() if Path(path).is_absolute() else None
        except (OSError, ValueError, RuntimeError):
            real = None
        if real is None or not self._is_inside(real):
            raise self._refusal(path)
        try:
            is_file = stat.S_ISREG(real.stat().st_mode)
        except OSError as error:
            why = error.strerror or "it cannot be read"
            raise FileNotThere(f"no file {path[:200]!r} on the catalog's host: {why}") from error
        if not is_file:
            raise FileNotThere(f"{path[:200]!r} on the catalog's host is not a file")
        return real

    def _is_inside(self, real: Path) -> bool:
        return any(real.is_relative_to(folder.resolve()) for folder in self._folders)

    def _refusal(self, path: str) -> PathNotAllowed:
        allowed = (
            f"the catalog may read {listed([str(folder) for folder in self._folders])}"
            if self._folders
            else "the catalog may read no folder (VERTEBRA_CATALOG_CHECKPOINT_FOLDERS)"
        )
        why = f"{path[:200]!r} is not an absolute path that may be read: {allowed}, or upload it"
        violation = Violation(field="path", description=why)
        return PathNotAllowed(f"path: {why}", violations=[violation])

"""Writes one blob: staged, hashed on the way, flushed, compared, and only then named."""

import hashlib
import os
from collections.abc import Callable
from pathlib import Path
from types import TracebackType

from catalog_service.blobs.blob import BlobInfo, DigestMismatch, SizeMismatch
from catalog_service.blobs.disk import discard, naming_disk_errors

Publish = Callable[[Path, str], bool]
"""Gives a finished file its final name; returns whether the blob was there before."""


class BlobWriter:
    """A file in staging, made by the first `write` or `commit`.

    Leaving the `with` block without `commit` discards it.

    Args:
        path: an unused path in staging.
        publish: what `commit` calls with the path and the digest.
    """

    def __init__(
        self,
        *,
        path: Path,
        publish: Publish,
        expected_digest: str | None = None,
        expected_size_bytes: int | None = None,
    ) -> None:
        self.size_bytes = 0
        self.already_existed = False
        self._path = path
        self._publish = publish
        self._expected_digest = expected_digest
        self._expected_size_bytes = expected_size_bytes
        self._hash = hashlib.sha256()
        self._descriptor: int | None = None
        self._is_over = False

    def __enter__(self) -> "BlobWriter":
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.leave()

    def leave(self) -> None:
        """Forget what was written, unless it was committed."""
        self._close()
        discard(self._path)

    def write(self, data: bytes | memoryview) -> None:
        """Append bytes.

        Raises:
            SizeMismatch: more than was announced.
            DiskFull: no room.
        """
        self._check_size(self.size_bytes + len(data), is_end=False)
        self._hash.update(data)
        rest = memoryview(data)
        with naming_disk_errors("store a blob", self._path):
            descriptor = self._open()
            while rest:
                rest = rest[os.write(descriptor, rest) :]
        self.size_bytes += len(data)

    def commit(self) -> BlobInfo:
        """Store the bytes under their digest. Storing bytes that are here already succeeds.

        Raises:
            DigestMismatch: not the announced digest; nothing was stored.
            SizeMismatch: fewer bytes than announced; nothing was stored.
        """
        self._check_size(self.size_bytes, is_end=True)
        digest = f"sha256:{self._hash.hexdigest()}"
        if self._expected_digest not in (None, digest):
            raise DigestMismatch.between(str(self._expected_digest), digest)
        with naming_disk_errors("store a blob", self._path):
            os.fsync(self._open())
            self._close()
        self.already_existed = self._publish(self._path, digest)
        return BlobInfo(digest=digest, size_bytes=self.size_bytes)

    def _check_size(self, size_bytes: int, *, is_end: bool) -> None:
        expected = self._expected_size_bytes
        if expected is not None and (size_bytes > expected or (is_end and size_bytes != expected)):
            raise SizeMismatch.between(expected, size_bytes)

    def _open(self) -> int:
        assert not self._is_over, "this blob is committed or discarded"
        if self._descriptor is None:
            flags = os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW | os.O_CLOEXEC
            self._descriptor = os.open(self._path, flags, 0o600)
        return self._descriptor

    def _close(self) -> None:
        self._is_over = True
        descriptor, self._descriptor = self._descriptor, None
        if descriptor is not None:
            os.close(descriptor)

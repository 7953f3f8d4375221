"""Writes one upload that can be resumed: what arrives stays, also when the call ends early."""

import os
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from catalog_service.blobs.blob import BlobInfo, SizeMismatch
from catalog_service.blobs.disk import naming_disk_errors
from catalog_service.errors import Precondition


class UploadInUse(Precondition):
    """Another call is writing it."""

    reason = "UPLOAD_IN_USE"


@dataclass(frozen=True, slots=True, kw_only=True)
class Announced:
    """What a sender says of its blob; empty and None where it does not know.

    Attributes:
        digest: of the blob that the upload has become; empty before.
    """

    expected_digest: str = ""
    expected_size_bytes: int | None = None
    digest: str = ""


class UploadWriter:
    """One call that writes an upload; ends with `commit` or `leave`.

    Args:
        path: of the bytes.
        finish: stores the file; returns the blob, and whether it was there before.
        leave: lets others write.
    """

    def __init__(
        self,
        path: Path,
        announced: Announced,
        *,
        finish: Callable[[], tuple[BlobInfo, bool]],
        leave: Callable[[], None],
    ) -> None:
        flags = os.O_WRONLY | os.O_CREAT | os.O_NOFOLLOW | os.O_CLOEXEC
        with naming_disk_errors("keep an upload", path):
            self._descriptor = os.open(path, flags, 0o600)
        self.size_bytes = os.fstat(self._descriptor).st_size
        self.already_existed = False
        self.written_at = time.monotonic()
        self.is_replaced = False
        self._path = path
        self._announced = announced
        self._finish = finish
        self._leave = leave
        self._has_begun = False

    def begin_at(self, offset: int) -> None:
        """Go back to where the sender goes on; heard at its first bytes only."""
        if not self._has_begun and 0 <= offset <= self.size_bytes:
            self.size_bytes = offset
        self._has_begun = True

    def write(self, data: bytes | memoryview) -> None:
        """Append bytes.

        Raises:
            UploadInUse: a later call has taken over.
            SizeMismatch: more than was announced.
            DiskFull: no room; what was there stays.
        """
        self._check_size(self.size_bytes + len(data), is_end=False)
        self._check_ours()
        rest = memoryview(data)
        with naming_disk_errors("keep an upload", self._path):
            while rest:
                num_bytes = os.pwrite(self._descriptor, rest, self.size_bytes)
                rest, self.size_bytes = rest[num_bytes:], self.size_bytes + num_bytes
        self.written_at = time.monotonic()

    def commit(self) -> BlobInfo:
        """Store the bytes under their digest.

        Raises:
            SizeMismatch: fewer bytes than announced; they stay.
            DigestMismatch: not the announced digest; the upload is gone.
        """
        self._check_size(self.size_bytes, is_end=True)
        self._check_ours()
        os.ftruncate(self._descriptor, self.size_bytes)
        info, self.already_existed = self._finish()
        return info

    def leave(self) -> None:
        """End the call; what has arrived stays."""
        os.close(self._descriptor)
        self._leave()

    def _check_ours(self) -> None:
        if self.is_replaced:
            raise UploadInUse("a later call goes on with this upload; this one was silent too long")

    def _check_size(self, size_bytes: int, *, is_end: bool) -> None:
        expected = self._announced.expected_size_bytes
        if expected is not None and (size_bytes > expected or (is_end and size_bytes != expected)):
            raise SizeMismatch.between(expected, size_bytes)

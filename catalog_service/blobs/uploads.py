"""Uploads that outlive their call: what has arrived of each, under the name that its sender chose.

In `uploads/`: `<id>.part` has the bytes, `<id>.json` what was announced and, once all is here, the
digest. The same id always means the same bytes, so what two calls write at one place is equal; what
becomes a blob is hashed as it is on the disk. Not for: who may upload, and how much.
"""

import json
import os
import threading
import time
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from uuid import UUID

from catalog_service.blobs.blob import BlobInfo
from catalog_service.blobs.disk import discard, ensure_folder, touched, write_whole
from catalog_service.blobs.store import BlobStore
from catalog_service.blobs.upload_writer import Announced, UploadInUse, UploadWriter
from catalog_service.errors import InvalidRequest, NotFound, Violation, invalid

KEPT_S = 24 * 3600.0
"""An upload untouched for this long is forgotten."""

SILENT_S = 5.0
"""A call that brought nothing for this long makes room for another one with its upload."""


class UploadNotFound(NotFound):
    """Nothing of the upload is here."""

    reason = "UPLOAD_NOT_FOUND"


@dataclass(frozen=True, slots=True, kw_only=True)
class UploadState:
    """What is here of an upload."""

    committed_bytes: int
    blob: BlobInfo | None


class Uploads:
    """All uploads of a store that have a name. Threads may share it.

    Args:
        store: takes what is whole.
    """

    def __init__(self, store: BlobStore) -> None:
        self._store = store
        self._folder = store.root / "uploads"
        self._guard = threading.Lock()
        self._writers: dict[str, UploadWriter] = {}
        self._swept_at = -KEPT_S

    def open(self, upload_id: str, announced: Announced) -> UploadWriter:
        """Return a writer that goes on behind what is here.

        Raises:
            InvalidRequest: no UUID, or one that was used for another blob.
            UploadInUse: another call writes it now.
        """
        name = parse_upload_id(upload_id, field="header.upload_id")
        ensure_folder(self._folder)
        self._sweep_now_and_then()
        with self._guard:
            self._replace_silent(name)
            self._begin(name, announced)
            writer = UploadWriter(
                self._part(name),
                announced,
                finish=lambda: self._finish(name, announced),
                leave=lambda: self._left(name, writer),
            )
            self._writers[name] = writer
        return writer

    def state(self, upload_id: str) -> UploadState:
        """Return what is safely on the disk of an upload.

        Raises:
            InvalidRequest: no UUID.
            UploadNotFound: nothing is here.
        """
        name = parse_upload_id(upload_id, field="upload_id")
        record = self._record(name)
        digest = (record.digest or record.expected_digest) if record else ""
        blob = self._store.find(digest) if digest else None
        if blob is not None:
            return UploadState(committed_bytes=blob.size_bytes, blob=blob)
        try:
            return UploadState(committed_bytes=_flushed_size(self._part(name)), blob=None)
        except FileNotFoundError as error:
            raise UploadNotFound(
                f"nothing is here of upload {name}; begin at 0", metadata={"upload_id": name}
            ) from error

    def sweep(self, *, older_than_s: float = KEPT_S) -> int:
        """Forget uploads that nobody touched; return how many files that was."""
        limit = time.time() - older_than_s
        files = list(self._folder.iterdir()) if self._folder.is_dir() else []
        stale = [path for path in files if _touched(path) < limit]
        for path in stale:
            discard(path)
        return len(stale)

    def _begin(self, name: str, announced: Announced) -> None:
        """Compare with what was announced before, or note it."""
        before = self._record(name)
        if before is None or before.digest:
            discard(self._part(name))
            self._note(name, announced)
        elif before != announced:
            raise _reused(name, before)

    def _finish(self, name: str, announced: Announced) -> tuple[BlobInfo, bool]:
        expected = announced.expected_digest or None
        info, existed = self._store.take_whole(self._part(name), expected_digest=expected)
        self._note(name, Announced(digest=info.digest))
        return info, existed

    def _replace_silent(self, name: str) -> None:
        other = self._writers.get(name)
        if other is None:
            return
        if time.monotonic() - other.written_at < SILENT_S:
            raise UploadInUse(
                f"another call is writing upload {name}; wait until it ends, or choose a new UUID",
                metadata={"upload_id": name},
                retry_after_s=1.0,
            )
        other.is_replaced = True

    def _left(self, name: str, writer: UploadWriter) -> None:
        with self._guard:
            if self._writers.get(name) is writer:
                del self._writers[name]

    def _sweep_now_and_then(self) -> None:
        if time.monotonic() - self._swept_at > KEPT_S / 24:
            self._swept_at = time.monotonic()
            self.sweep()

    def _record(self, name: str) -> Announced | None:
        try:
            return Announced(**json.loads(self._note_path(name).read_bytes()))
        except (OSError, ValueError, TypeError):
            return None

    def _note(self, name: str, announced: Announced) -> None:
        value = {field: getattr(announced, field) for field in Announced.__dataclass_fields__}
        write_whole(self._note_path(name), json.dumps(value).encode())

    def _part(self, name: str) -> Path:
        return self._folder / f"{name}.part"

    def _note_path(self, name: str) -> Path:
        return self._folder / f"{name}.json"


def parse_upload_id(text: str, *, field: str) -> str:
    """Return a UUID as it is written: nothing else becomes a file name.

    Raises:
        InvalidRequest: something else.
    """
    with suppress(ValueError):
        name = str(UUID(text))
        if name == text.lower():
            return name
    description = f"{text[:60]!r} is not a UUID such as 123e4567-e89b-42d3-a456-426614174000"
    raise invalid([Violation(field=field, description=description)])


def _reused(name: str, before: Announced) -> InvalidRequest:
    known = before.expected_digest or "a blob of unknown digest"
    description = f"{name} was used for {known}; choose a new UUID for another blob"
    return invalid([Violation(field="header.upload_id", description=description)])


def _flushed_size(path: Path) -> int:
    descriptor = os.open(path, os.O_RDONLY | os.O_NOFOLLOW | os.O_CLOEXEC)
    try:
        size_bytes = os.fstat(descriptor).st_size
        os.fsync(descriptor)
        return size_bytes
    finally:
        os.close(descriptor)


def _touched(path: Path) -> float:
    try:
        return touched(path)
    except FileNotFoundError:
        return time.time()

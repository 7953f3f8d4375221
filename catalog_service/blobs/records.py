"""Small JSON documents by key, beside the blobs: what was learnt once and need not be again.

A record is a hint that can be recomputed: one that is torn, foreign or unreadable counts as absent.
"""

import hashlib
import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from catalog_service.blobs.disk import ensure_folder, naming_disk_errors, write_whole


@dataclass(frozen=True, slots=True, kw_only=True)
class Record:
    """A document as it lies there; `noted_time` in seconds since the epoch."""

    key: str
    value: dict[str, Any]
    noted_time: float


class Records:
    """Documents of one kind, in `<root>/records/<name>/<sha256 of the key>.json`.

    Args:
        root: the blob store's folder.
        name: the kind, such as `conversions`.
    """

    def __init__(self, root: Path, name: str) -> None:
        assert name.isidentifier(), f"{name!r} is not a name for records"
        self.folder = root / "records" / name

    def get(self, key: str) -> dict[str, Any] | None:
        """Return the document stored last under `key`, or None."""
        record = read_record(self._path(key))
        return record.value if record is not None and record.key == key else None

    def put(self, key: str, value: dict[str, Any]) -> None:
        """Store a document, replacing the one before it at once and whole.

        Raises:
            DiskFull, CacheReadOnly: the one before is still there.
        """
        for folder in (self.folder.parent, self.folder):
            ensure_folder(folder)
        document = json.dumps({"key": key, "value": value}, sort_keys=True, allow_nan=False)
        write_whole(self._path(key), document.encode())

    def remove(self, key: str) -> None:
        """Forget what is stored under `key`, if anything.

        Raises:
            CacheReadOnly: it is still there.
        """
        path = self._path(key)
        with naming_disk_errors("forget a record", path):
            path.unlink(missing_ok=True)

    def _path(self, key: str) -> Path:
        return self.folder / f"{hashlib.sha256(key.encode()).hexdigest()}.json"


def read_record(path: Path) -> Record | None:
    """Return the document of a file, or None where it is none."""
    try:
        noted_time = path.stat().st_mtime
        document = json.loads(path.read_bytes())
    except (OSError, ValueError, RecursionError):
        return None
    if not isinstance(document, dict):
        return None
    key, value = document.get("key"), document.get("value")
    if not isinstance(key, str) or not isinstance(value, dict):
        return None
    return Record(key=key, value=value, noted_time=noted_time)

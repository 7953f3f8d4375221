"""Small JSON documents by key, beside the blobs: what was learnt once and need not be again.

A record is a hint that can be recomputed: one that is torn, foreign or unreadable counts as absent.
"""

import hashlib
import json
from pathlib import Path
from typing import Any

from catalog_service.blobs.disk import ensure_folder, write_whole


class Records:
    """Documents of one kind, in `<root>/records/<name>/<sha256 of the key>.json`.

    Args:
        root: the blob store's folder.
        name: the kind, such as `conversions`.
    """

    def __init__(self, root: Path, name: str) -> None:
        assert name.isidentifier(), f"{name!r} is not a name for records"
        self._folder = root / "records" / name
        ensure_folder(root / "records")
        ensure_folder(self._folder)

    def get(self, key: str) -> dict[str, Any] | None:
        """Return the document stored last under `key`, or None."""
        try:
            document = json.loads(self._path(key).read_bytes())
        except (OSError, ValueError, RecursionError):
            return None
        if not isinstance(document, dict) or document.get("key") != key:
            return None
        value = document.get("value")
        return value if isinstance(value, dict) else None

    def put(self, key: str, value: dict[str, Any]) -> None:
        """Store a document, replacing the one before it at once and whole.

        Raises:
            DiskFull: no room; the one before is still there.
        """
        document = json.dumps({"key": key, "value": value}, sort_keys=True, allow_nan=False)
        write_whole(self._path(key), document.encode())

    def _path(self, key: str) -> Path:
        return self._folder / f"{hashlib.sha256(key.encode()).hexdigest()}.json"

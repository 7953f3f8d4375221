"""All records of a kind, each read once for as long as it stays the same."""

from collections.abc import Callable, Iterator
from contextlib import suppress
from pathlib import Path
from threading import Lock
from typing import Generic, TypeVar

from catalog_service.blobs.records import Record, Records, read_record

T = TypeVar("T")

_Stamp = tuple[int, int, int]


class RecordScan(Generic[T]):
    """Goes over records again and again. Threads may share it.

    Args:
        pick: what is wanted of a record, kept in memory: documents may be large. None passes it
            over.
    """

    def __init__(self, records: Records, pick: Callable[[Record], T | None]) -> None:
        self._folder = records.folder
        self._pick = pick
        self._lock = Lock()
        self._known: dict[str, tuple[_Stamp, T | None]] = {}

    def all(self) -> list[T]:
        """Return what is wanted of every record; what is torn or foreign is passed over."""
        with self._lock:
            self._known = {path.name: self._looked(path, stamp) for path, stamp in self._files()}
            return [wanted for _, wanted in self._known.values() if wanted is not None]

    def _looked(self, path: Path, stamp: _Stamp) -> tuple[_Stamp, T | None]:
        known = self._known.get(path.name)
        if known is not None and known[0] == stamp:
            return known
        record = read_record(path)
        return stamp, None if record is None else self._pick(record)

    def _files(self) -> Iterator[tuple[Path, _Stamp]]:
        for path in sorted(self._folder.glob("*.json")):
            with suppress(FileNotFoundError):
                found = path.stat()
                yield path, (found.st_size, found.st_mtime_ns, found.st_ino)

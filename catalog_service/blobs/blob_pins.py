"""Who wants a blob to stay. A pin is a record of its own, so owners need no lock."""

from pathlib import Path

from catalog_service.blobs.record_scan import RecordScan
from catalog_service.blobs.records import Record, Records


class BlobPins:
    """Pins by blob and owner.

    Args:
        records: of pins.
    """

    def __init__(self, records: Records) -> None:
        self._records = records
        self._scan = RecordScan(records, _pin)

    def pin(self, digest: str, owner: str) -> None:
        """Pin a blob; twice is the same as once.

        Raises:
            DiskFull, CacheReadOnly: it is not pinned.
        """
        if self._records.get(_key(digest, owner)) is None:
            self._records.put(_key(digest, owner), {"digest": digest, "owner": owner})

    def unpin(self, digest: str, owner: str) -> None:
        """Take one owner's pin away.

        Raises:
            CacheReadOnly: it is still pinned.
        """
        self._records.remove(_key(digest, owner))

    def all(self) -> dict[str, tuple[str, ...]]:
        """Return the owners of every pinned blob, sorted."""
        owners: dict[str, list[str]] = {}
        for digest, owner in self._scan.all():
            owners.setdefault(digest, []).append(owner)
        return {digest: tuple(sorted(names)) for digest, names in owners.items()}


def pins_of(root: Path) -> BlobPins:
    """Return the pins of the store in a folder; whoever shares the store sees and makes them."""
    return BlobPins(Records(root, "blob_pins"))


def _key(digest: str, owner: str) -> str:
    return f"{digest} {owner}"


def _pin(record: Record) -> tuple[str, str] | None:
    digest, owner = record.value.get("digest"), record.value.get("owner")
    if not isinstance(digest, str) or not isinstance(owner, str):
        return None
    return digest, owner

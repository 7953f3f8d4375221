"""When a blob came and when it was last read again: what its file does not say."""

from pathlib import Path

from catalog_service.blobs.record_scan import RecordScan
from catalog_service.blobs.records import Record, Records


class Notes:
    """Times by digest, in seconds since the epoch.

    Args:
        root: the store's folder.
    """

    def __init__(self, root: Path) -> None:
        self._arrivals = Records(root, "arrivals")
        self._checks = Records(root, "checks")
        self._scans = (RecordScan(self._arrivals, _time), RecordScan(self._checks, _time))

    def arrived(self, digest: str, when: float) -> None:
        """Note when a blob came.

        Raises:
            DiskFull, CacheReadOnly: it is not noted.
        """
        self._arrivals.put(digest, {"time": when})

    def checked(self, digest: str, when: float) -> None:
        """Note that a blob was read again and was right. Raises as `arrived`."""
        self._checks.put(digest, {"time": when})

    def all(self) -> tuple[dict[str, float], dict[str, float]]:
        """Return when blobs came, and when they were last read again."""
        arrivals, checks = self._scans
        return dict(arrivals.all()), dict(checks.all())

    def forget(self, digest: str) -> None:
        """Forget a blob that went. Raises CacheReadOnly."""
        for records in (self._arrivals, self._checks):
            records.remove(digest)


def _time(record: Record) -> tuple[str, float] | None:
    """Return a blob's digest and the time that was noted for it."""
    noted = record.value.get("time")
    return (record.key, float(noted)) if isinstance(noted, int | float) else None

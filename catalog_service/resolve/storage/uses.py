"""What blobs are for, gathered from where it was noted: conversions, builds and the registry."""

from collections.abc import Callable, Iterable
from dataclasses import dataclass, replace

from catalog_service.blobs.record_scan import RecordScan
from catalog_service.blobs.records import Record, Records
from catalog_service.checkpoints.checkpoint import Checkpoint
from catalog_service.resolve.builds import model_name
from catalog_service.resolve.storage.entry import Use
from catalog_service.weights.locations.store import reference_of

FORGOTTEN_AFTER_S = 3600.0
"""A record younger than this may be of a blob that is on its way."""

RegisteredCheckpoints = Callable[[], Iterable[Checkpoint]]


@dataclass(frozen=True, slots=True, kw_only=True)
class _Noted:
    """What a record says."""

    key: str
    noted_time: float
    uses: tuple[Use, ...]


class Uses:
    """Finds the uses of every blob.

    Args:
        conversions, builds, backbones: where those are remembered.
        checkpoints: lists what is registered.
    """

    def __init__(
        self,
        *,
        conversions: Records,
        builds: Records,
        backbones: Records,
        checkpoints: RegisteredCheckpoints,
    ) -> None:
        self._checkpoints = checkpoints
        self._weights = RecordScan(conversions, _of_conversion)
        self._scans = (
            (conversions, self._weights),
            (builds, RecordScan(builds, _of_build)),
            (backbones, RecordScan(backbones, _of_backbone)),
        )

    def all(self) -> dict[str, list[Use]]:
        """Return the uses of every blob by its digest, also of blobs that went."""
        found: dict[str, list[Use]] = {}
        for _, scan in self._scans:
            for noted in scan.all():
                for use in noted.uses:
                    found.setdefault(use.digest, []).append(use)
        for one in self._checkpoints():
            use = Use(digest=one.blob_digest, kind="checkpoint", name=one.name)
            found.setdefault(use.digest, []).append(use)
        return found

    def consumed(self) -> frozenset[str]:
        """Return the digests of uploads that a checkpoint was made of."""
        return frozenset(one.lineage.source_digest for one in self._checkpoints())

    def digests_of(self, reference: str) -> list[str]:
        """Return the blobs that a published weight was converted to."""
        uses = (use for noted in self._weights.all() for use in noted.uses)
        return [use.digest for use in uses if use.name == reference]

    def forget_gone(self, is_here: Callable[[str], bool], now: float) -> None:
        """Forget conversions and builds whose blobs went; who wants them makes them anew.

        Raises:
            CacheReadOnly: nothing is forgotten.
        """
        for records, scan in self._scans:
            for noted in scan.all():
                is_old = now - noted.noted_time > FORGOTTEN_AFTER_S
                if is_old and not all(is_here(use.digest) for use in noted.uses):
                    records.remove(noted.key)


def _of_conversion(record: Record) -> _Noted:
    name = reference_of(record.key)
    return _noted(record, ("blob_digest",), Use(digest="", kind="weights", name=name))


def _of_build(record: Record) -> _Noted:
    use = Use(digest="", kind="model", name=model_name(record.key))
    return _noted(record, ("backbone", "head"), use)


def _of_backbone(record: Record) -> _Noted:
    return _noted(record, ("blob",), Use(digest="", kind="model"))


def _noted(record: Record, fields: Iterable[str], use: Use) -> _Noted:
    """Return the use of each blob that a record names in `fields`."""
    digests = (record.value.get(field) for field in fields)
    uses = tuple(replace(use, digest=digest) for digest in digests if isinstance(digest, str))
    return _Noted(key=record.key, noted_time=record.noted_time, uses=uses)

"""What blobs are for, gathered from where it was noted: conversions, builds and the registry."""

from collections.abc import Callable, Iterable, Mapping
from typing import Any

from catalog_service.blobs.record_scan import RecordScan
from catalog_service.blobs.records import Record, Records
from catalog_service.checkpoints.checkpoint import Checkpoint
from catalog_service.resolve.builds import model_name
from catalog_service.resolve.storage.entry import Use
from catalog_service.weights.locations.store import reference_of

RegisteredCheckpoints = Callable[[], Iterable[Checkpoint]]


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
            self._weights,
            RecordScan(builds, _of_build),
            RecordScan(backbones, _of_backbone),
        )

    def all(self) -> dict[str, list[Use]]:
        """Return the uses of every blob by its digest, also of blobs that went."""
        found: dict[str, list[Use]] = {}
        for scan in self._scans:
            for uses in scan.all():
                for use in uses:
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
        uses = (use for uses in self._weights.all() for use in uses)
        return [use.digest for use in uses if use.name == reference]


def _of_conversion(record: Record) -> tuple[Use, ...]:
    name = reference_of(record.key)
    return _uses(record.value, ("blob_digest",), lambda d: Use(digest=d, kind="weights", name=name))


def _of_build(record: Record) -> tuple[Use, ...]:
    name = model_name(record.key)
    parts = ("backbone", "head")
    return _uses(record.value, parts, lambda d: Use(digest=d, kind="model", name=name))


def _of_backbone(record: Record) -> tuple[Use, ...]:
    return _uses(record.value, ("blob",), lambda d: Use(digest=d, kind="model"))


def _uses(
    value: Mapping[str, Any], fields: Iterable[str], use: Callable[[str], Use]
) -> tuple[Use, ...]:
    digests = (value.get(field) for field in fields)
    return tuple(use(digest) for digest in digests if isinstance(digest, str))

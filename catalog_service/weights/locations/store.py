"""Our own store: what was proven and converted before."""

from typing import Any

from catalog_service.blobs.records import Records
from catalog_service.blobs.store import BlobNotFound, BlobStore, DigestMismatch
from catalog_service.index.entries import WeightEntry
from catalog_service.weights.locations.location import Miss, Source
from catalog_service.weights.trail import Outcome

_FIELDS = {"blob_digest", "source_digest", "proof", "rules"}
"""What a record must have; one of another release may have others, and counts as absent."""


class Store:
    """Remembers conversions and finds them again.

    Args:
        store: holds the converted blobs.
        records: from a weight's pin to its blob.
    """

    name = "store"

    def __init__(self, store: BlobStore, records: Records) -> None:
        self._store = store
        self._records = records

    def look(self, weight: WeightEntry) -> Source | Miss:
        """Return the converted weight; a blob that changed is quarantined and is a miss."""
        source = self._recorded(weight)
        if source is None or self._store.find(source.blob_digest) is None:
            return Miss(detail="absent")
        try:
            self._store.ensure_intact(source.blob_digest)
        except BlobNotFound:  # evicted just now
            return Miss(detail="absent")
        except DigestMismatch:
            detail = f"the bytes of {source.blob_digest} changed; the blob was quarantined"
            return Miss(detail=detail, outcome=Outcome.WRONG_DIGEST)
        return source

    def has(self, weight: WeightEntry) -> bool:
        """Return whether a conversion is here, without reading it."""
        source = self._recorded(weight)
        return source is not None and self._store.find(source.blob_digest) is not None

    def remember(self, weight: WeightEntry, source: Source) -> None:
        """Record a conversion whose blob is stored."""
        value: dict[str, Any] = {
            "blob_digest": source.blob_digest,
            "source_digest": source.source_digest,
            "proof": source.proof,
            "rules": list(source.rules),
            "ignored": list(source.ignored),
            "non_finite": list(source.non_finite),
        }
        self._records.put(_key(weight), value)

    def _recorded(self, weight: WeightEntry) -> Source | None:
        value = self._records.get(_key(weight))
        if value is None or not value.keys() >= _FIELDS:
            return None
        return Source(
            blob_digest=value["blob_digest"],
            source_digest=value["source_digest"],
            proof=value["proof"],
            rules=tuple(value["rules"]),
            ignored=tuple(value.get("ignored", ())),
            non_finite=tuple(value.get("non_finite", ())),
        )


def _key(weight: WeightEntry) -> str:
    """A changed file name is another pin, and must not find the old conversion."""
    return f"{weight.reference} {weight.file_name}"


def reference_of(key: str) -> str:
    """Return the reference of a record's key."""
    return key.partition(" ")[0]

"""The blobs of the store as entries: what they are for, when they were used, whether they stay."""

import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace

from catalog_service.blobs.blob import BlobInfo
from catalog_service.blobs.blob_pins import BlobPins
from catalog_service.blobs.census import StoredBlob, stored_blobs
from catalog_service.blobs.store import BlobStore
from catalog_service.resolve.storage.entry import Entry, KeepRules, Use, kind_of
from catalog_service.resolve.storage.notes import Notes
from catalog_service.resolve.storage.uses import Uses

__all__ = ["Entries", "Entry"]


@dataclass(frozen=True, slots=True, kw_only=True)
class _Known:
    """Everything that was noted about blobs, at one moment."""

    uses: Mapping[str, list[Use]]
    consumed: frozenset[str]
    pins: Mapping[str, tuple[str, ...]]
    created: Mapping[str, float]
    verified: Mapping[str, float]


class Entries:
    """Lists the store.

    Args:
        notes: of when blobs came and when they were read again.
        rules: of what stays.
        clock: seconds since the epoch.
    """

    def __init__(
        self,
        store: BlobStore,
        *,
        uses: Uses,
        pins: BlobPins,
        notes: Notes,
        rules: KeepRules,
        clock: Callable[[], float] = time.time,
    ) -> None:
        self._store = store
        self._uses = uses
        self._pins = pins
        self._notes = notes
        self.rules = rules
        self._clock = clock

    def all(self, rules: KeepRules | None = None) -> list[Entry]:
        """Return every blob, by digest."""
        known = self._known()
        found = stored_blobs(self._store.root)
        return [self._entry(blob, known, rules or self.rules) for blob in found]

    def of(self, blob: StoredBlob, rules: KeepRules | None = None) -> Entry:
        """Return what is known now about one blob."""
        return self._entry(blob, self._known(), rules or self.rules)

    def is_wanted_now(self, blob: StoredBlob) -> bool:
        """Return whether a blob is pinned or in use: what changes from one moment to the next."""
        is_leased = self._clock() - blob.last_used_time < self.rules.lease_s
        return is_leased or blob.digest in self._pins.all()

    def forget_gone(self) -> None:
        """Forget what was noted about blobs that went. Raises CacheReadOnly."""
        here = {blob.digest for blob in stored_blobs(self._store.root)}
        self._uses.forget_gone(here.__contains__, self._clock())
        created, verified = self._notes.all()
        for digest in (created.keys() | verified.keys()) - here:
            if self._store.find(digest) is None:
                self._notes.forget(digest)

    def _known(self) -> _Known:
        created, verified = self._notes.all()
        return _Known(
            uses=self._uses.all(),
            consumed=self._uses.consumed(),
            pins=self._pins.all(),
            created=created,
            verified=verified,
        )

    def _entry(self, blob: StoredBlob, known: _Known, rules: KeepRules) -> Entry:
        uses = known.uses.get(blob.digest, [])
        now = self._clock()
        entry = Entry(
            blob=BlobInfo(digest=blob.digest, size_bytes=blob.size_bytes),
            kind=kind_of(uses),
            used_by=tuple(sorted({use.name for use in uses if use.name})),
            last_used_time=blob.last_used_time,
            create_time=known.created.get(blob.digest),
            last_verified_time=known.verified.get(blob.digest),
            pins=known.pins.get(blob.digest, ()),
            is_consumed=blob.digest in known.consumed,
            is_leased=now - blob.last_used_time < rules.lease_s,
        )
        return replace(entry, kept_because=rules.reason(entry, now))

"""Reads every byte of the store again and compares it with its digest. Needs no network."""

import hashlib
import re
import time
from collections.abc import Callable, Generator, Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

from catalog_service.blobs.blob import BlobNotFound
from catalog_service.blobs.disk import CacheReadOnly
from catalog_service.blobs.store import BlobStore
from catalog_service.blobs.usage import unused
from catalog_service.errors import VertebraError
from catalog_service.resolve.storage.entry import Entry
from catalog_service.resolve.storage.notes import Notes

PIECE_BYTES = 8 << 20
"""Read between two reports, so that a large blob neither looks stuck nor holds up a shutdown."""


@dataclass(frozen=True, slots=True, kw_only=True)
class VerifyProgress:
    """How far a check is."""

    num_done: int
    num_total: int
    bytes_done: int
    bytes_total: int


@dataclass(frozen=True, slots=True, kw_only=True)
class CorruptBlob:
    """A blob whose bytes are not what they were.

    Attributes:
        found_digest: of what is there; empty where it cannot be read.
        text: what happened and what to do, for people.
    """

    entry: Entry
    found_digest: str
    quarantined: bool
    text: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Checked:
    """What a check found."""

    num_verified: int = 0
    bytes_verified: int = 0
    num_corrupt: int = 0


Event = VerifyProgress | CorruptBlob | Checked


class Checking:
    """Reads blobs again.

    Args:
        notes: of when a blob was right.
        clock: seconds since the epoch.
    """

    def __init__(
        self, store: BlobStore, notes: Notes, *, clock: Callable[[], float] = time.time
    ) -> None:
        self._store = store
        self._notes = notes
        self._clock = clock

    def check(self, entries: Sequence[Entry]) -> Generator[Event, None, None]:
        """Yield progress after every few megabytes, what is wrong, and the summary.

        A blob that is evicted meanwhile is passed over. Ending early leaves nothing behind.
        """
        total = VerifyProgress(
            num_done=0,
            num_total=len(entries),
            bytes_done=0,
            bytes_total=sum(entry.blob.size_bytes for entry in entries),
        )
        yield total
        found = Checked()
        bytes_before = 0
        for number, entry in enumerate(entries):
            digest = yield from self._digest(entry, number, bytes_before, total)
            bytes_before += entry.blob.size_bytes
            if digest == entry.blob.digest:
                found = _with_good(found, entry)
                self._note(digest)
            elif digest is not None:
                found = _with_bad(found)
                yield self._corrupt(entry, digest)
            yield _at(total, number + 1, bytes_before)
        yield found

    def _digest(
        self, entry: Entry, number: int, bytes_before: int, total: VerifyProgress
    ) -> Generator[Event, None, str | None]:
        """Return the digest of a blob's bytes: empty if unreadable, None if the blob went."""
        try:
            path = self._store.path(entry.blob.digest)
            with unused(path):
                hashed = hashlib.sha256()
                for bytes_done in _hashing(path, hashed):
                    yield _at(total, number, bytes_before + bytes_done)
        except (BlobNotFound, FileNotFoundError):
            return None
        except OSError:
            return ""
        return f"sha256:{hashed.hexdigest()}"

    def _corrupt(self, entry: Entry, found_digest: str) -> CorruptBlob:
        quarantined = self._quarantine(entry, found_digest)
        return CorruptBlob(
            entry=entry,
            found_digest=found_digest,
            quarantined=quarantined,
            text=_text(entry, found_digest, quarantined=quarantined),
        )

    def _quarantine(self, entry: Entry, found_digest: str) -> bool:
        """Return whether the blob was put away; it stays where the store cannot be written."""
        why = f"a check found {found_digest or 'bytes that cannot be read'}"
        try:
            self._store.quarantine(entry.blob.digest, why)
        except CacheReadOnly:
            return False
        except (BlobNotFound, FileNotFoundError):
            return self._store.find(entry.blob.digest) is None
        return True

    def _note(self, digest: str) -> None:
        with suppress(VertebraError):  # a store that is read-only or full forgets when
            self._notes.checked(digest, self._clock())


def _hashing(path: Path, hashed: "hashlib._Hash") -> Generator[int, None, None]:
    """Hash a file; yield how many bytes are done after every piece."""
    num_bytes = 0
    with path.open("rb") as file:
        while piece := file.read(PIECE_BYTES):
            hashed.update(piece)
            num_bytes += len(piece)
            yield num_bytes


def _at(total: VerifyProgress, num_done: int, bytes_done: int) -> VerifyProgress:
    return VerifyProgress(
        num_done=num_done,
        num_total=total.num_total,
        bytes_done=bytes_done,
        bytes_total=total.bytes_total,
    )


def _with_good(found: Checked, entry: Entry) -> Checked:
    return Checked(
        num_verified=found.num_verified + 1,
        bytes_verified=found.bytes_verified + entry.blob.size_bytes,
        num_corrupt=found.num_corrupt,
    )


def _with_bad(found: Checked) -> Checked:
    return Checked(
        num_verified=found.num_verified,
        bytes_verified=found.bytes_verified,
        num_corrupt=found.num_corrupt + 1,
    )


_AGAIN = {
    "weights": "EnsureWeights brings it again",
    "model": "BuildModel builds it again",
    "checkpoint": "register it again from a copy",
    "upload": "upload it again",
}
"""What to do about a bad blob, by what it is."""


_DIGITS = re.compile(r"([0-9a-f]{12})[0-9a-f]{52}")
"""Digests, of which people compare the beginning."""


def _text(entry: Entry, found_digest: str, *, quarantined: bool) -> str:
    name = entry.used_by[0] if entry.used_by else f"blobs/{entry.blob.digest}"
    has = f"has bytes of {found_digest}, not of {entry.blob.digest}"
    place = "it is in quarantine" if quarantined else "it could not be put into quarantine"
    what = has if found_digest else "cannot be read"
    return _DIGITS.sub(r"\1...", f"{name} {what}; {place}: {_AGAIN[entry.kind]}")

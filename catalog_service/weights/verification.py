"""Proves that bytes are the published ones, and says in which way they are not.

A foreign file is never changed: its digest is noted under its path and stamp, right or wrong, so
that it is not hashed again until somebody replaces it.
"""

import time
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from catalog_service.blobs.digests import sha256_of_file
from catalog_service.blobs.records import Records
from catalog_service.errors import VertebraError
from catalog_service.weights.pins import SUPPLIED, Pins, without_secrets
from catalog_service.weights.wanted_file import WantedFile

Kind = Literal["truncated", "replaced", "corrupted"]
"""Cut short; whole but something else; of the right length, or announced otherwise, but damaged."""

ROUNDED_BY_BYTES = 525
"""Half a thousandth of a MiB: how far torchvision's sizes are off (`_file_size` in its `meta`)."""

CLOCK_TICK_S = 0.05
"""Coarsest step of the times that a file system notes; a kernel tick is at most 10 ms."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Proof:
    """A file's sha256, `sha256:<hex>`, and how it is known to be right.

    Attributes:
        kind: `full`, `prefix` or `first_use`, as DigestProof.
    """

    digest: str
    kind: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Refutation:
    """A file is not the published one, and why."""

    detail: str
    kind: Kind = "corrupted"


@dataclass(frozen=True, slots=True, kw_only=True)
class _Seen:
    """Bytes that came from somewhere."""

    sha256: str
    size_bytes: int
    place: str
    declared_sha256: str


class Verification:
    """Compares bytes with pins and published digits, and lets pins grow.

    Args:
        records: of the digests of foreign files.
    """

    def __init__(self, records: Records, pins: Pins) -> None:
        self._hashed = records
        self._pins = pins

    def judge(
        self,
        file: WantedFile,
        digest: str,
        size_bytes: int,
        place: str,
        *,
        declared_sha256: str = "",
    ) -> Proof | Refutation:
        """Return whether bytes with this digest are the file.

        Args:
            file: before or after `Pins.completed`.
            digest: `sha256:<hex>` of the bytes, or the 64 hex digits alone.
            place: the path or URL they came from, for people.
            declared_sha256: 64 hex digits that the server announced for them; empty: none.
        """
        seen = _Seen(
            sha256=digest.removeprefix("sha256:"),
            size_bytes=size_bytes,
            place=without_secrets(place),
            declared_sha256=declared_sha256,
        )
        known = self._pins.completed(file)
        why = _mismatch(known, seen, self._pinned(file))
        if why:
            kind = _kind(known, seen)
            detail = f"{seen.place} {_HOW[kind]}: {why}{_sizes(known, seen)}"
            return Refutation(detail=detail, kind=kind)
        return Proof(digest=f"sha256:{seen.sha256}", kind=self._proof(file))

    def trust(self, file: WantedFile, proof: Proof, size_bytes: int, place: str) -> None:
        """Note proven bytes as the pin of a file that has none, once they turned out usable.

        Not before: a page with an error, kept under the name of a weight that nobody pinned, would
        refuse the right file ever after.
        """
        self._pins.learn(file, proof.digest.removeprefix("sha256:"), size_bytes, place)

    def check(self, path: Path, file: WantedFile) -> Proof | Refutation:
        """Return whether `path` is the file; reads it only if it changed since the last time.

        Raises:
            OSError: the file cannot be read.
        """
        digest, size_bytes = self._digest(path)
        judged = self.judge(file, digest, size_bytes, str(path))
        if isinstance(judged, Proof):
            return judged
        return Refutation(detail=f"{judged.detail}; it was left as it is", kind=judged.kind)

    def completed(self, file: WantedFile) -> WantedFile:
        """Return the file with what its pin says; see `Pins.completed`."""
        return self._pins.completed(file)

    def expected_proof(self, file: WantedFile) -> str:
        """Return what right bytes will be proven by; empty where there is nothing to compare."""
        is_known = file.sha256 or file.sha256_prefix or self._pins.of(file) is not None
        return self._proof(file) if is_known else ""

    def remembered(self, path: Path, file: WantedFile) -> Proof | Refutation | None:
        """Return what an earlier look at an unchanged file found; None where it must be hashed."""
        try:
            stamp = stamp_of(path)
        except OSError:
            return None
        known = self._hashed.get(str(path.absolute())) or {}
        if known.get("stamp") != stamp or not isinstance(known.get("digest"), str):
            return None
        return self.judge(file, str(known["digest"]), stamp[0], str(path))

    def _digest(self, path: Path) -> tuple[str, int]:
        """Return a file's digest and size, from the records where it is unchanged."""
        stamp = stamp_of(path)
        known = self._hashed.get(str(path.absolute())) or {}
        if known.get("stamp") == stamp and isinstance(known.get("digest"), str):
            return str(known["digest"]), stamp[0]
        is_settled = _outlast_tick(stamp)
        digest = sha256_of_file(path)
        if is_settled and stamp_of(path) == stamp:
            with suppress(OSError, VertebraError):  # a store that is read-only or full hashes again
                self._hashed.put(str(path.absolute()), {"stamp": stamp, "digest": digest})
        return digest, stamp[0]

    def _pinned(self, file: WantedFile) -> str:
        """Return where the full digest comes from, as the end of a sentence."""
        pin = None if file.sha256 else self._pins.of(file)
        return pin.source if pin else "as published"

    def _proof(self, file: WantedFile) -> str:
        """Return what the bytes were compared with in the end: a learnt pin is no better."""
        pin = self._pins.of(file)
        is_learnt = pin is None or pin.origin != SUPPLIED
        if (file.sha256 and (pin is None or file.sha256 != pin.sha256)) or not is_learnt:
            return "full"
        return "prefix" if file.sha256_prefix else "first_use"


def stamp_of(path: Path) -> list[int]:
    """Return what changes when a file does: size, times, inode and device."""
    found = path.stat()
    return [found.st_size, found.st_mtime_ns, found.st_ctime_ns, found.st_ino, found.st_dev]


_HOW: dict[Kind, str] = {
    "truncated": "is cut short",
    "replaced": "is another file",
    "corrupted": "has other bytes",
}


def _mismatch(known: WantedFile, seen: _Seen, pinned: str) -> str:
    """Return which comparison failed, or nothing."""
    has = f"sha256 {seen.sha256[:8]}..."
    if known.sha256 and seen.sha256 != known.sha256:
        return f"{has}, {pinned} it is {known.sha256[:8]}..."
    if not seen.sha256.startswith(known.sha256_prefix):
        return f"{has}, published is {known.sha256_prefix}..."
    if seen.declared_sha256 and seen.sha256 != seen.declared_sha256:
        return f"{has}, the server announced {seen.declared_sha256[:8]}..."
    if not known.sha256 and known.size_bytes and seen.size_bytes != known.size_bytes:
        return "its length is wrong"
    return ""


def _kind(known: WantedFile, seen: _Seen) -> Kind:
    """Return in which way bytes are wrong; what cannot be told counts as damage."""
    wanted_bytes, slack_bytes = _wanted_size(known)
    if wanted_bytes and seen.size_bytes < wanted_bytes - slack_bytes:
        return "truncated"
    if wanted_bytes and seen.size_bytes > wanted_bytes + slack_bytes:
        return "replaced"
    return "replaced" if seen.declared_sha256 == seen.sha256 else "corrupted"


def _sizes(known: WantedFile, seen: _Seen) -> str:
    """Return what the sizes say, where they are not the same."""
    wanted_bytes, slack_bytes = _wanted_size(known)
    if not wanted_bytes or abs(seen.size_bytes - wanted_bytes) <= slack_bytes:
        return ""
    about = "about " if slack_bytes else ""
    return f"; it has {seen.size_bytes} of {about}{wanted_bytes} bytes"


def _wanted_size(known: WantedFile) -> tuple[int, int]:
    """Return how many bytes a file should have and by how many that may be off; 0 is unknown."""
    if known.size_bytes:
        return known.size_bytes, 0
    return known.about_bytes, ROUNDED_BY_BYTES


def _outlast_tick(stamp: list[int]) -> bool:
    """Wait until a write from now on must change the stamp; return whether that can be said."""
    age_s = (time.time_ns() - stamp[2]) / 1e9
    if 0 <= age_s < CLOCK_TICK_S:
        time.sleep(CLOCK_TICK_S - age_s)
    return age_s >= 0

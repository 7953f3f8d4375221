"""The content-addressed store: where bytes live once they are whole and verified.

The life of a blob: bytes arrive in `staging/` under a random name and are hashed on the way; they
are flushed to the disk, compared with what was announced, made read-only, sealed, and renamed to
`sha256/<2 hex>/<hex>`. A reader sees all of a blob or none of it, whatever was killed when.
What turns out to be wrong moves to `quarantine/`; nothing is deleted here but unfinished staging.
A store on a disk that cannot be written serves what is in it.

Not for: who may read, where bytes come from, how long they are kept.
"""

import os
import secrets
import stat
import time
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path

from catalog_service.blobs.blob import BlobInfo, BlobNotFound, DigestMismatch
from catalog_service.blobs.blob_writer import BlobWriter
from catalog_service.blobs.digests import hex_of, parse_digest, sha256_of_file
from catalog_service.blobs.disk import (
    SEAL_NS,
    CacheReadOnly,
    discard,
    ensure_folder,
    move_sealed,
    naming_disk_errors,
    seal,
    touched,
)
from catalog_service.blobs.quarantine import Quarantine
from catalog_service.blobs.usage import note_use

__all__ = ["BlobInfo", "BlobNotFound", "BlobStore", "DigestMismatch"]

COPY_BYTES = 1 << 20
"""Files are copied in pieces of this size."""

STALE_STAGING_S = 24 * 3600.0
"""Staging untouched for this long belongs to nobody: a writer that lives touches its file."""


class BlobStore:
    """Blobs under one folder. Safe to use from many threads and processes at once.

    Args:
        root: made when it is missing; several services on one host may share it.
        arrived: told the digest of every new blob, from the thread that stored it.
    """

    def __init__(self, root: Path, *, arrived: Callable[[str], None] = lambda _: None) -> None:
        self.root = root
        self._arrived = arrived
        for name in ("staging", "sha256", "quarantine"):
            ensure_folder(root / name)
        self.quarantined = Quarantine(root / "quarantine")

    def find(self, digest: str) -> BlobInfo | None:
        """Return the blob if it is here. What a link leads to is not here."""
        place = self._place(digest)
        try:
            found, folder = place.lstat(), place.parent.lstat()
        except (FileNotFoundError, NotADirectoryError):
            return None
        if not stat.S_ISREG(found.st_mode) or not stat.S_ISDIR(folder.st_mode):
            return None
        return BlobInfo(digest=parse_digest(digest), size_bytes=found.st_size)

    def info(self, digest: str) -> BlobInfo:
        """Return the blob.

        Raises:
            BlobNotFound: it is not here.
        """
        info = self.find(digest)
        if info is None:
            raise BlobNotFound(
                f"no blob {parse_digest(digest)} in this store",
                metadata={"digest": parse_digest(digest)},
            )
        return info

    def path(self, digest: str) -> Path:
        """Return where a blob's bytes are. Read-only: never write there.

        Raises:
            BlobNotFound: it is not here.
        """
        self.info(digest)
        return self._place(digest)

    def ensure_intact(self, digest: str) -> BlobInfo:
        """Return a blob that is used now, hashed again if its file was touched since it was stored.

        Cheap for an untouched file: the seal is looked at, not the bytes. A disk that changes bytes
        behind the file system's back is found only by `verify`, or by the reader's own sha256.

        Raises:
            BlobNotFound: it is not here.
            DigestMismatch: the bytes changed; the blob is in quarantine now.
        """
        info = self.info(digest)
        place = self._place(digest)
        if _is_sealed(place):
            note_use(place)
            return self.info(digest)  # it may have been evicted before the use was noted
        if not self.verify(digest):
            with suppress(CacheReadOnly):
                self.quarantine(digest, "the bytes changed after they were stored")
            where = "the blob was quarantined" if self.find(digest) is None else f"see {place}"
            raise DigestMismatch(
                f"the stored bytes of {info.digest} changed; {where}",
                metadata={"digest": info.digest},
            )
        with suppress(CacheReadOnly), naming_disk_errors("seal a blob", place):
            os.utime(place, ns=(time.time_ns(), SEAL_NS), follow_symlinks=False)
        return info

    def verify(self, digest: str) -> bool:
        """Return whether the stored bytes still have their digest. Reads all of them.

        Raises:
            BlobNotFound: it is not here.
        """
        return sha256_of_file(self.path(digest)) == parse_digest(digest)

    def quarantine(self, digest: str, why: str) -> None:
        """Move a blob out of sight, with a note that says why. Its bytes are kept for inspection.

        Raises:
            BlobNotFound: it is not here.
            CacheReadOnly: it stays where it is.
        """
        path = self.path(digest)
        self.quarantined.take(path, path.name, why)

    def quarantine_file(self, path: Path, name: str, why: str) -> Path:
        """Move a finished download out of sight, with a note that says why; return where to.

        Args:
            path: on the store's disk, such as below `downloads/`; gone afterwards.
            name: what it should have been, such as the published file name; any text.
        """
        return self.quarantined.take(path, name, why)

    def open_writer(
        self, *, expected_digest: str | None = None, expected_size_bytes: int | None = None
    ) -> BlobWriter:
        """Return a writer for a new blob. Use it in `with`; without `commit` nothing is stored.

        Args:
            expected_digest: `commit` refuses other bytes.
            expected_size_bytes: `commit` refuses another size, and `write` more than that.
        """
        if expected_digest is not None:
            expected_digest = parse_digest(expected_digest)
        return BlobWriter(
            path=self.new_staging_path(),
            publish=self._publish,
            expected_digest=expected_digest,
            expected_size_bytes=expected_size_bytes,
        )

    def adopt_file(self, path: Path, *, expected_digest: str | None = None) -> BlobInfo:
        """Copy a file into the store; the file itself is left as it is.

        Raises:
            DigestMismatch: it is not `expected_digest`; nothing was stored.
            DiskFull: no room; nothing was stored.
        """
        writer = self.open_writer(expected_digest=expected_digest)
        with path.open("rb") as source, writer:
            while piece := source.read(COPY_BYTES):
                writer.write(piece)
            return writer.commit()

    def new_staging_path(self) -> Path:
        """Return an unused path for a file that another process writes; then `commit_staged`."""
        return self.root / "staging" / f"{secrets.token_hex(16)}.part"

    def commit_staged(self, path: Path, *, expected_digest: str | None = None) -> BlobInfo:
        """Take a finished file from staging into the store, without a copy.

        Args:
            path: from `new_staging_path`; gone afterwards, whatever happens.

        Raises:
            DigestMismatch: it is not `expected_digest`; nothing was stored.
        """
        assert path.parent == self.root / "staging", f"{path} is not a staging path"
        return self.take_whole(path, expected_digest=expected_digest)[0]

    def take_whole(
        self, path: Path, *, expected_digest: str | None = None
    ) -> tuple[BlobInfo, bool]:
        """Take a finished file below the store's root, without a copy.

        Returns:
            The blob, and whether it was here before. `path` is gone, whatever happens.

        Raises:
            DigestMismatch: it is not `expected_digest`; nothing was stored.
        """
        assert path.is_relative_to(self.root), f"{path} is not below {self.root}"
        try:
            with path.open("rb") as file:
                assert stat.S_ISREG(os.fstat(file.fileno()).st_mode)
                os.fsync(file.fileno())
            seal(path)  # before it is hashed: whoever writes it still takes the seal away
            digest = sha256_of_file(path)
            if expected_digest is not None and digest != parse_digest(expected_digest):
                raise DigestMismatch.between(parse_digest(expected_digest), digest)
            size_bytes = path.lstat().st_size
            existed = self._place_sealed(path, digest)
        finally:
            discard(path)
        return BlobInfo(digest=digest, size_bytes=size_bytes), existed

    def sweep_staging(self, *, older_than_s: float = STALE_STAGING_S) -> int:
        """Delete what dead writers left behind; return how many files that was."""
        limit = time.time() - older_than_s
        stale = [p for p in (self.root / "staging").iterdir() if touched(p) < limit]
        for path in stale:
            discard(path)
        return len(stale)

    def _place(self, digest: str) -> Path:
        hexadecimal = hex_of(digest)
        return self.root / "sha256" / hexadecimal[:2] / hexadecimal

    def _publish(self, staged: Path, digest: str) -> bool:
        """Seal whole, verified bytes of ours; return whether they were here before."""
        seal(staged)
        return self._place_sealed(staged, digest)

    def _place_sealed(self, staged: Path, digest: str) -> bool:
        """Give sealed bytes their final name; return whether they were here before."""
        existed = self.find(digest) is not None
        move_sealed(staged, self._place(digest))
        if not existed:
            self._arrived(parse_digest(digest))
        return existed


def _is_sealed(place: Path) -> bool:
    """Return whether nobody touched a blob since it was stored; one that went is as it was."""
    try:
        return place.lstat().st_mtime_ns == SEAL_NS
    except FileNotFoundError:
        return True

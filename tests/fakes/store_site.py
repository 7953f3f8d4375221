"""A store on a real disk with everything that looks after it, and a clock of its own."""

import os
import random
from dataclasses import dataclass, field
from pathlib import Path
from typing import cast

from catalog_service.blobs.blob_pins import BlobPins
from catalog_service.blobs.disk import SEAL_NS
from catalog_service.blobs.records import Records
from catalog_service.blobs.store import BlobStore
from catalog_service.blobs.uploads import Uploads
from catalog_service.checkpoints.checkpoint import Checkpoint, CheckpointNotFound
from catalog_service.models.lineage import Lineage
from catalog_service.resolve.storage.entries import Entries
from catalog_service.resolve.storage.entry import Entry, KeepRules
from catalog_service.resolve.storage.notes import Notes
from catalog_service.resolve.storage.prune import Pruning
from catalog_service.resolve.storage.storage import Storage
from catalog_service.resolve.storage.upkeep import Arrivals, Upkeep
from catalog_service.resolve.storage.uses import Uses
from catalog_service.resolve.storage.verify import Checking

NOW = 2_000_000_000.0
LONG_AGO_S = 30 * 24 * 3600.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Row:
    """What the care of the store reads of a registered checkpoint."""

    name: str
    blob_digest: str
    lineage: Lineage = field(default_factory=Lineage)


class StoreSite:
    """A store whose blobs were used long ago unless a test says otherwise.

    Args:
        root: the store's folder; several sites may share one, as processes do.
    """

    def __init__(self, root: Path, *, is_offline: bool = False, budget_bytes: int = 0) -> None:
        self.now = NOW
        self.arrivals = Arrivals(self.clock)
        self.store = BlobStore(root, arrived=self.arrivals.note)
        self.checkpoints: list[Row] = []
        self.conversions = Records(root, "conversions")
        self.builds = Records(root, "builds")
        self.pins = BlobPins(Records(root, "blob_pins"))
        notes = Notes(root)
        uses = Uses(
            conversions=self.conversions,
            builds=self.builds,
            backbones=Records(root, "backbones"),
            checkpoints=lambda: cast(list[Checkpoint], self.checkpoints),
        )
        self.entries = Entries(
            self.store,
            uses=uses,
            pins=self.pins,
            notes=notes,
            rules=KeepRules(is_offline=is_offline),
            clock=self.clock,
        )
        self.uploads = Uploads(self.store)
        self.pruning = Pruning(
            self.store,
            self.entries,
            unfinished=[lambda age_s: self.uploads.sweep(older_than_s=age_s)],
        )
        self.upkeep = Upkeep(self.pruning, self.arrivals, notes, budget_bytes=budget_bytes)
        self.storage = Storage(
            store=self.store,
            entries=self.entries,
            uses=uses,
            pins=self.pins,
            pruning=self.pruning,
            checking=Checking(self.store, notes, clock=self.clock),
            canonical=lambda name: name.removeprefix("weights/"),
            checkpoint=self._checkpoint,
            budget_bytes=budget_bytes,
        )

    def clock(self) -> float:
        """Return what time it is here."""
        return self.now

    def blob(self, data: bytes, *, used_ago_s: float = LONG_AGO_S) -> str:
        """Store bytes; return their digest."""
        with self.store.open_writer() as writer:
            writer.write(data)
            digest = writer.commit().digest
        self.use(digest, ago_s=used_ago_s)
        return digest

    def use(self, digest: str, *, ago_s: float = 0.0) -> None:
        """Have a blob used last so long ago."""
        used_ns = int((self.now - ago_s) * 1e9)
        os.utime(self.store.path(digest), ns=(used_ns, SEAL_NS))

    def weights(self, reference: str, data: bytes, *, used_ago_s: float = LONG_AGO_S) -> str:
        """Store a published weight as a search does."""
        digest = self.blob(data, used_ago_s=used_ago_s)
        self.conversions.put(f"{reference} {reference}.pth", {"blob_digest": digest})
        return digest

    def model(self, key: str, data: bytes, *, used_ago_s: float = LONG_AGO_S) -> str:
        """Store a built model whose head is part of its backbone's blob."""
        digest = self.blob(data, used_ago_s=used_ago_s)
        self.builds.put(key, {"backbone": digest, "head": digest})
        return digest

    def checkpoint(self, checkpoint_id: str, data: bytes, *, source: str = "") -> str:
        """Register a checkpoint, made of an upload."""
        digest = self.blob(data)
        lineage = Lineage(source_digest=source)
        name = f"checkpoints/{checkpoint_id}"
        self.checkpoints.append(Row(name=name, blob_digest=digest, lineage=lineage))
        return digest

    def entry(self, digest: str) -> Entry:
        """Return a blob's entry."""
        return next(one for one in self.entries.all() if one.blob.digest == digest)

    def digests(self) -> set[str]:
        """Return what the store holds."""
        return {one.blob.digest for one in self.entries.all()}

    def _checkpoint(self, name: str) -> Checkpoint:
        for row in self.checkpoints:
            if row.name == name:
                return cast(Checkpoint, row)
        raise CheckpointNotFound(f"no checkpoint {name!r}")


def some_bytes(number: int, num_bytes: int = 1000) -> bytes:
    """Return bytes of their own for each number."""
    return random.Random(number).randbytes(num_bytes)


def flip_a_bit(path: Path, position: int) -> None:
    """Change one bit, and leave size and times as they are."""
    times = path.stat()
    mode = times.st_mode
    path.chmod(0o600)
    with path.open("r+b") as file:
        file.seek(position)
        byte = file.read(1)[0]
        file.seek(position)
        file.write(bytes([byte ^ 1]))
    path.chmod(mode)
    os.utime(path, ns=(times.st_atime_ns, times.st_mtime_ns))

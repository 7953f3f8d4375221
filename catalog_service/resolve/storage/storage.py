"""The use cases of the store: list, check, prune, pin. Plain functions: the API has threads."""

import sys
from collections.abc import Callable, Generator, Sequence
from dataclasses import dataclass, replace

from catalog_service.blobs.blob import BlobNotFound
from catalog_service.blobs.blob_pins import BlobPins
from catalog_service.blobs.census import StoreState, is_read_only, require_writable
from catalog_service.blobs.digests import parse_digest
from catalog_service.blobs.disk import free_bytes
from catalog_service.blobs.store import BlobStore
from catalog_service.checkpoints.checkpoint import Checkpoint
from catalog_service.errors import VertebraError, Violation, invalid
from catalog_service.resolve.storage.entries import Entries, Entry
from catalog_service.resolve.storage.prune import Pruned, PruneOrder, Pruning
from catalog_service.resolve.storage.uses import Uses
from catalog_service.resolve.storage.verify import Checking, Event


@dataclass(frozen=True, slots=True, kw_only=True)
class Storage:
    """Everything that the care of the store needs.

    Attributes:
        canonical: the reference that a weight is stored under, from any spelling.
        checkpoint: a registered one by name.
        budget_bytes: what the store may hold; 0 is no limit.
    """

    store: BlobStore
    entries: Entries
    uses: Uses
    pins: BlobPins
    pruning: Pruning
    checking: Checking
    canonical: Callable[[str], str]
    checkpoint: Callable[[str], Checkpoint]
    budget_bytes: int = 0

    def listed(self) -> list[Entry]:
        """Return every blob of the store."""
        return self.entries.all()

    def state(self) -> StoreState:
        """Return how the store stands on its disk."""
        quarantined = [size_bytes for _, size_bytes in self.store.quarantined.files()]
        return StoreState(
            free_bytes=free_bytes(self.store.root),
            is_read_only=is_read_only(self.store.root),
            num_quarantined=len(quarantined),
            quarantined_bytes=sum(quarantined),
        )

    def chosen(self, names: Sequence[str]) -> list[Entry]:
        """Return the entries of names, each once; of everything where there are none.

        Raises:
            InvalidRequest: a malformed name.
            BlobNotFound, WeightsNotFound, CheckpointNotFound: one of them is not in the store.
        """
        if not names:
            return self.entries.all()
        wanted = set(self._digests(names))
        return [entry for entry in self.entries.all() if entry.blob.digest in wanted]

    def check(self, entries: Sequence[Entry]) -> Generator[Event, None, None]:
        """Read entries again; as Checking.check."""
        return self.checking.check(entries)

    def prune(self, order: PruneOrder) -> Pruned:
        """Make room; without a target, as much as the settings say.

        Raises:
            CacheReadOnly: nothing can be removed.
        """
        if not order.dry_run:
            require_writable(self.store.root)
        if order.target_bytes is None:
            order = replace(order, target_bytes=self.budget_bytes or sys.maxsize)
        return self.pruning.prune(order)

    def pin(self, names: Sequence[str], owner: str, *, unpin: bool) -> list[Entry]:
        """Pin blobs for an owner, or take the owner's pins away; return them as they are now.

        Raises:
            InvalidRequest: a malformed name.
            BlobNotFound, WeightsNotFound, CheckpointNotFound: nothing was pinned.
            CacheReadOnly: pins cannot be noted.
        """
        digests = self._digests(names, also_gone=unpin)
        act = self.pins.unpin if unpin else self.pins.pin
        for digest in digests:
            act(digest, owner)
        gone = [] if unpin else [d for d in digests if self.store.find(d) is None]
        if gone:  # evicted between the look and the pin
            for digest in digests:
                self.pins.unpin(digest, owner)
            self.store.info(gone[0])
        wanted = set(digests)
        return [entry for entry in self.entries.all() if entry.blob.digest in wanted]

    def _digests(self, names: Sequence[str], *, also_gone: bool = False) -> list[str]:
        """Return the blobs of names; every malformed name is told at once."""
        violations: list[Violation] = []
        found: list[str] = []
        for number, name in enumerate(names):
            try:
                found.append(self._digest(name, also_gone=also_gone))
            except VertebraError as error:
                if not error.violations:
                    raise
                violations += [replace(each, field=f"names[{number}]") for each in error.violations]
        if violations:
            raise invalid(violations)
        return found

    def _digest(self, name: str, *, also_gone: bool) -> str:
        if name.startswith(("blobs/", "sha256:")):
            digest = _parsed(name)
            return digest if also_gone else self.store.info(digest).digest
        if name.startswith("checkpoints/"):
            return self._registered(self.checkpoint(name))
        reference = self.canonical(name)
        stored = [d for d in self.uses.digests_of(reference) if self.store.find(d) is not None]
        if not stored:
            raise BlobNotFound(
                f"{reference} is not in the store; EnsureWeights brings it",
                metadata={"weights": reference},
            )
        return stored[-1]

    def _registered(self, checkpoint: Checkpoint) -> str:
        if not checkpoint.blob_digest:
            raise BlobNotFound(
                f"{checkpoint.name} is listed without bytes; EnsureWeights brings them",
                metadata={"checkpoint": checkpoint.name},
            )
        return self.store.info(checkpoint.blob_digest).digest


def _parsed(name: str) -> str:
    try:
        return parse_digest(name)
    except VertebraError as error:
        raise invalid([Violation(field="names", description=error.message)]) from error

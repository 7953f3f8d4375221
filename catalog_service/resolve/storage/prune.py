"""Makes room: what can be had again goes, least recently used first, until enough is free."""

from collections.abc import Callable, Collection, Sequence
from dataclasses import dataclass, replace

from catalog_service.blobs.removal import Removal
from catalog_service.blobs.store import BlobStore
from catalog_service.resolve.storage.entries import Entries
from catalog_service.resolve.storage.entry import Entry, Kind


@dataclass(frozen=True, slots=True, kw_only=True)
class PruneOrder:
    """How much is to go.

    Attributes:
        target_bytes: what the store may hold at most; 0 is all that may go, None what the settings
            say.
        dry_run: say it, and remove nothing.
        quarantine: also empty the quarantine.
        kinds: only these; empty is all.
    """

    target_bytes: int | None
    dry_run: bool = False
    quarantine: bool = False
    kinds: Collection[Kind] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Choice:
    """What goes, and what stays although the store is over its target."""

    removed: tuple[Entry, ...] = ()
    kept: tuple[Entry, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Pruned:
    """What became of an order.

    Attributes:
        total_bytes: what is left.
        kept: what stays although the store is over the target.
    """

    removed: tuple[Entry, ...]
    total_bytes: int
    kept: tuple[Entry, ...] = ()
    quarantined_bytes: int = 0


def choose(entries: Sequence[Entry], order: PruneOrder) -> Choice:
    """Return what has to go so that the rest fits into the target. Pure."""
    assert order.target_bytes is not None
    total_bytes = _bytes(entries)
    going: list[Entry] = []
    candidates = [entry for entry in entries if not order.kinds or entry.kind in order.kinds]
    for entry in sorted(candidates, key=_age):
        if total_bytes <= order.target_bytes:
            break
        if not entry.kept_because:
            going.append(entry)
            total_bytes -= entry.blob.size_bytes
    if total_bytes <= order.target_bytes:
        return Choice(removed=tuple(going))
    kept = tuple(entry for entry in candidates if entry.kept_because)
    return Choice(removed=tuple(going), kept=kept)


Sweep = Callable[[float], int]
"""Forgets what nobody touched for so many seconds; returns how many files that was."""

UNFINISHED_S = 600.0
"""Where all that may go is to go, so does a transfer that has stood still for this long."""


class Pruning:
    """Carries orders out.

    Args:
        unfinished: forget transfers that stand still.
    """

    def __init__(
        self, store: BlobStore, entries: Entries, *, unfinished: Sequence[Sweep] = ()
    ) -> None:
        self._store = store
        self._unfinished = tuple(unfinished)
        self._entries = entries
        self._removal = Removal(store.root)

    def prune(self, order: PruneOrder) -> Pruned:
        """Remove what the order says, unless somebody pins or uses it meanwhile.

        Raises:
            CacheReadOnly: nothing can be removed.
        """
        if order.target_bytes == 0 and not order.dry_run and not order.kinds:
            for sweep in self._unfinished:
                sweep(UNFINISHED_S)
        rules = replace(self._entries.rules, forced_kinds=order.kinds)
        entries = self._entries.all(rules)
        choice = choose(entries, order)
        removed = [entry for entry in choice.removed if order.dry_run or self._take(entry)]
        total_bytes = _bytes(entries) - _bytes(removed)
        return Pruned(
            removed=tuple(removed),
            total_bytes=total_bytes,
            kept=choice.kept,
            quarantined_bytes=self._empty_quarantine(order) if order.quarantine else 0,
        )

    def finish(self) -> int:
        """Finish removals of processes that died; return how many blobs went."""
        return self._removal.sweep(lambda blob: bool(self._entries.of(blob).kept_because))

    def forget_gone(self) -> None:
        """Forget what was noted about blobs that went.

        Raises:
            CacheReadOnly: nothing is forgotten.
        """
        self._entries.forget_gone()

    def _take(self, entry: Entry) -> bool:
        """Return whether a blob is gone now, also where another process took it.

        Whatever gives a blob a new meaning pins or uses it, so only that is asked again.
        """
        taken = self._removal.take_away(entry.blob.digest, self._entries.is_wanted_now)
        return taken or self._store.find(entry.blob.digest) is None

    def _empty_quarantine(self, order: PruneOrder) -> int:
        if order.dry_run:
            return sum(size_bytes for _, size_bytes in self._store.quarantined.files())
        return self._store.quarantined.empty()


def _age(entry: Entry) -> tuple[float, str]:
    return entry.last_used_time, entry.blob.digest


def _bytes(entries: Sequence[Entry]) -> int:
    return sum(entry.blob.size_bytes for entry in entries)

"""Puts the care of a store together."""

from dataclasses import dataclass

from catalog_service.blobs.blob_pins import pins_of
from catalog_service.blobs.records import Records
from catalog_service.blobs.store import BlobStore
from catalog_service.blobs.uploads import Uploads
from catalog_service.resolve.catalog import Catalog
from catalog_service.resolve.storage.entries import Entries
from catalog_service.resolve.storage.entry import KeepRules
from catalog_service.resolve.storage.notes import Notes
from catalog_service.resolve.storage.prune import Pruning, Sweep
from catalog_service.resolve.storage.storage import Storage
from catalog_service.resolve.storage.upkeep import Arrivals, Upkeep
from catalog_service.resolve.storage.uses import Uses
from catalog_service.resolve.storage.verify import Checking
from catalog_service.weights.downloads.downloads import Downloads
from catalog_service.weights.references import is_repository


@dataclass(frozen=True, slots=True, kw_only=True)
class StoreCare:
    """What looks after a store: on demand, and by itself."""

    storage: Storage
    upkeep: Upkeep


def store_care(
    catalog: Catalog, arrivals: Arrivals, *, budget_bytes: int, is_offline: bool
) -> StoreCare:
    """Return what looks after the catalog's store; nothing runs yet.

    Args:
        arrivals: what the store tells of new blobs.
        budget_bytes: what the store may hold; 0 is no limit.
        is_offline: whether weights cannot be had again.
    """
    store = catalog.store
    notes, pins = Notes(store.root), pins_of(store.root)
    uses = Uses(
        conversions=Records(store.root, "conversions"),
        builds=Records(store.root, "builds"),
        backbones=Records(store.root, "backbones"),
        checkpoints=catalog.registry.all,
    )
    entries = Entries(
        store, uses=uses, pins=pins, notes=notes, rules=KeepRules(is_offline=is_offline)
    )
    pruning = Pruning(store, entries, unfinished=_sweeps(store))
    storage = Storage(
        store=store,
        entries=entries,
        uses=uses,
        pins=pins,
        pruning=pruning,
        checking=Checking(store, notes),
        canonical=lambda name: _stored_reference(catalog, name),
        checkpoint=catalog.registry.get,
        budget_bytes=budget_bytes,
    )
    return StoreCare(
        storage=storage, upkeep=Upkeep(pruning, arrivals, notes, budget_bytes=budget_bytes)
    )


def _sweeps(store: BlobStore) -> tuple[Sweep, ...]:
    """Return what forgets transfers that stand still."""
    uploads, downloads = Uploads(store), Downloads(store.root / "downloads")
    return (
        lambda age_s: uploads.sweep(older_than_s=age_s),
        lambda age_s: downloads.sweep(older_than_s=age_s),
    )


def _stored_reference(catalog: Catalog, name: str) -> str:
    """Return the reference that a weight is stored under: of a repository, with its commit."""
    reference = catalog.canonical_reference(name)
    if not is_repository(reference):
        return reference
    return catalog.supply.hub.at_hand(reference).reference

"""Looks after the store: what is in it, whether it is still right, what may go.

Not for: finding or building what is asked for; a blob that went is had again by whoever asks.
"""

from catalog_service.resolve.storage.entry import Entry, Kind
from catalog_service.resolve.storage.make import StoreCare, store_care
from catalog_service.resolve.storage.prune import Pruned, PruneOrder
from catalog_service.resolve.storage.storage import Storage
from catalog_service.resolve.storage.upkeep import Arrivals, Upkeep
from catalog_service.resolve.storage.verify import Checked, CorruptBlob, Event, VerifyProgress

__all__ = [
    "Arrivals",
    "Checked",
    "CorruptBlob",
    "Entry",
    "Event",
    "Kind",
    "PruneOrder",
    "Pruned",
    "Storage",
    "StoreCare",
    "Upkeep",
    "VerifyProgress",
    "store_care",
]

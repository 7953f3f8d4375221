"""What a blob store holds and how its disk stands, for Prometheus; both services have a store."""

import shutil

from prometheus_client import Gauge

from catalog_service.blobs.census import stored_blobs
from catalog_service.blobs.store import BlobStore
from catalog_service.serving.telemetry import Telemetry

STORE_EVERY_S = 60.0
"""Counting a store looks at every file of it: 20,000 take a tenth of a second."""

LONG_DURATIONS_S = (0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0, 30.0, 60.0, 300.0, 1800.0)
"""Upper bounds of histograms of what takes from moments to half an hour."""


class StoreMetrics:
    """Shows one store.

    Args:
        budget_bytes: what it may hold; 0 is no limit.
    """

    def __init__(self, telemetry: Telemetry, store: BlobStore, *, budget_bytes: int = 0) -> None:
        self._store = store
        registry = telemetry.registry

        def gauge(name: str, text: str) -> Gauge:
            return Gauge(f"vertebra_store_{name}", text, registry=registry)

        self._bytes = gauge("bytes", "Bytes of all blobs.")
        self._blobs = gauge("blobs", "Blobs in the store.")
        self._quarantined = gauge("quarantined_files", "Files that were not what they should be.")
        self._free = gauge("free_bytes", "Room on the store's disk.")
        self._free.set_function(lambda: shutil.disk_usage(store.root).free)
        self._size = gauge("disk_bytes", "Size of the store's disk.")
        self._size.set_function(lambda: shutil.disk_usage(store.root).total)
        gauge("budget_bytes", "What the blobs may take; 0 is no limit.").set(budget_bytes)
        telemetry.figures.add("store", self._count, every_s=STORE_EVERY_S)

    def _count(self) -> None:
        sizes = [blob.size_bytes for blob in stored_blobs(self._store.root)]
        self._bytes.set(sum(sizes))
        self._blobs.set(len(sizes))
        self._quarantined.set(sum(1 for _ in self._store.quarantined.files()))

"""`python -m catalog_service`: reads the settings, makes the objects, serves until told to stop.

The only place where settings become objects; torch is not reachable from here.
"""

import asyncio
import os
import sys
import threading

from catalog_service.api.architecture_servicer import (
    ArchitectureServicer,
    architecture_registration,
)
from catalog_service.api.bundle_calls import BundleCalls
from catalog_service.api.checkpoint_servicer import CheckpointServicer, checkpoint_registration
from catalog_service.api.model_servicer import ModelServicer, model_registration
from catalog_service.api.storage_servicer import StorageServicer, storage_registration
from catalog_service.api.weights_servicer import WeightsServicer, weights_registration
from catalog_service.catalog_metrics import CatalogMetrics
from catalog_service.errors import VertebraError
from catalog_service.make_objects import Objects, make_objects
from catalog_service.serving.blob_servicer import BlobServicer, blob_registration
from catalog_service.serving.door_settings import doors_of
from catalog_service.serving.logs import configure_logging
from catalog_service.serving.path_servicer import PathServicer, path_registration
from catalog_service.serving.run import Service, leave_at_once, serve_until_signalled
from catalog_service.serving.server import Registration, ServerParts
from catalog_service.serving.settings_reader import read_settings
from catalog_service.serving.store_metrics import StoreMetrics
from catalog_service.settings import CatalogSettings
from vertebra.malloc import keep_freed_megabytes
from vertebra.tracing import Tracing, start_tracing


def main() -> None:
    """Serve; exit with 2 and one line a problem where the settings or the port are unusable."""
    keep_freed_megabytes()
    try:
        settings = read_settings(CatalogSettings)
        configure_logging(settings.log_level, settings.log_format == "json")
        asyncio.run(_serve(settings, start_tracing("vertebra-catalog", os.environ)))
    except VertebraError as error:
        sys.exit(_complain(error))


async def _serve(settings: CatalogSettings, tracing: Tracing | None) -> None:
    parts = ServerParts(doors=doors_of(settings), tracing=tracing)
    objects = make_objects(settings, CatalogMetrics(parts.telemetry.registry))
    StoreMetrics(parts.telemetry, objects.catalog.store, budget_bytes=settings.cache_bytes)
    servicers = Servicers(objects, settings, parts)

    async def stop() -> None:
        objects.pool.close()
        objects.care.upkeep.close()
        servicers.close()
        objects.catalog.registry.close()

    async def start() -> None:
        threading.Thread(target=objects.pool.prewarm, daemon=True).start()
        objects.care.upkeep.start()

    service = Service(
        listen=settings.listen,
        admin_listen=settings.admin_listen,
        registrations=servicers.registrations(),
        parts=parts,
        ready_file=settings.ready_file,
        on_start=start,
        on_stop=stop,
    )
    await serve_until_signalled(service)
    leave_at_once()


class Servicers:
    """Everything that answers calls."""

    def __init__(self, objects: Objects, settings: CatalogSettings, parts: ServerParts) -> None:
        catalog, drain = objects.catalog, parts.drain
        self._architectures = ArchitectureServicer(catalog.index, catalog.search)
        self._weights = WeightsServicer(catalog, drain)
        self._models = ModelServicer(catalog, drain)
        self._checkpoints = CheckpointServicer(catalog, catalog.registry)
        self._blobs = BlobServicer(
            catalog.store, drain=drain, models=catalog, shares_paths=settings.shares_paths
        )
        bundles = BundleCalls(objects.bundles, objects.importing, catalog.search, drain)
        self._storage = StorageServicer(objects.care.storage, bundles, drain)
        self._path = PathServicer(drain)

    def registrations(self) -> list[Registration]:
        """Return how each is added to a server."""
        return [
            architecture_registration(self._architectures),
            weights_registration(self._weights),
            model_registration(self._models),
            checkpoint_registration(self._checkpoints),
            blob_registration(self._blobs),
            storage_registration(self._storage),
            path_registration(self._path),
        ]

    def close(self) -> None:
        """Take no more work; what is under way ends by itself."""
        for servicer in (self._weights, self._models, self._checkpoints, self._storage):
            servicer.close()


def _complain(error: VertebraError) -> int:
    sys.stderr.write(f"{error.message}\n")
    return 2


if __name__ == "__main__":
    main()

"""`python -m catalog_service`: reads the settings, makes the objects, serves until told to stop.

The only place where settings become objects; torch is not reachable from here.
"""

import asyncio
import json
import logging
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass

from sqlalchemy.exc import SQLAlchemyError

from catalog_service.api.architecture_servicer import (
    ArchitectureServicer,
    architecture_registration,
)
from catalog_service.api.checkpoint_servicer import CheckpointServicer, checkpoint_registration
from catalog_service.api.model_servicer import ModelServicer, model_registration
from catalog_service.api.storage_servicer import StorageServicer, storage_registration
from catalog_service.api.weights_servicer import WeightsServicer, weights_registration
from catalog_service.blobs.census import self_check
from catalog_service.blobs.disk import CacheReadOnly, ensure_folder
from catalog_service.blobs.records import Records
from catalog_service.blobs.store import BlobStore
from catalog_service.checkpoints.registry import Registry
from catalog_service.errors import InvalidRequest, VertebraError
from catalog_service.index.catalog_index import CatalogIndex, index_from_json
from catalog_service.make_search import make_finders
from catalog_service.resolve import Catalog
from catalog_service.resolve.backbones import Backbones
from catalog_service.resolve.builds import Builds
from catalog_service.resolve.checkpoint_files import CheckpointFiles
from catalog_service.resolve.definitions import Definitions
from catalog_service.resolve.description import Descriptions
from catalog_service.resolve.fitting import Fitting
from catalog_service.resolve.registrar import Registrar
from catalog_service.resolve.single_flight import SingleFlight
from catalog_service.resolve.storage import Arrivals, StoreCare, store_care
from catalog_service.resolve.supply import Supply
from catalog_service.serving.blob_servicer import BlobServicer, blob_registration
from catalog_service.serving.logs import configure_logging
from catalog_service.serving.run import Service, leave_at_once, serve_until_signalled
from catalog_service.serving.server import Registration, ServerParts
from catalog_service.serving.settings_reader import read_settings
from catalog_service.settings import CatalogSettings
from catalog_service.weights.pins import Pins, supplied_pins
from catalog_service.worker_pool import WorkerPool
from vertebra.malloc import keep_freed_megabytes

log = logging.getLogger(__name__)


def main() -> None:
    """Serve; exit with 2 and one line a problem where the settings or the port are unusable."""
    keep_freed_megabytes()
    try:
        settings = read_settings(CatalogSettings)
        configure_logging(settings.log_level, settings.log_format == "json")
        asyncio.run(_serve(settings))
    except VertebraError as error:
        sys.exit(_complain(error))


async def _serve(settings: CatalogSettings) -> None:
    parts = ServerParts()
    objects = make_objects(settings)
    models = ModelServicer(objects.catalog, parts.drain)
    weights = WeightsServicer(objects.catalog, parts.drain)
    blobs = BlobServicer(
        objects.catalog.store,
        drain=parts.drain,
        models=objects.catalog,
        shares_paths=settings.shares_paths,
    )
    checkpoints = CheckpointServicer(objects.catalog, objects.catalog.registry)
    storage = StorageServicer(objects.care.storage, parts.drain)

    async def stop() -> None:
        objects.pool.close()
        storage.close()
        objects.care.upkeep.close()
        models.close()
        weights.close()
        checkpoints.close()
        objects.catalog.registry.close()

    async def start() -> None:
        threading.Thread(target=objects.pool.prewarm, daemon=True).start()
        objects.care.upkeep.start()

    service = Service(
        listen=settings.listen,
        admin_listen=settings.admin_listen,
        registrations=[
            *_registrations(objects.catalog, models, weights, checkpoints, blobs),
            storage_registration(storage),
        ],
        parts=parts,
        ready_file=settings.ready_file,
        on_start=start,
        on_stop=stop,
    )
    await serve_until_signalled(service)
    leave_at_once()


@dataclass(frozen=True, slots=True, kw_only=True)
class Objects:
    """What lives as long as the process."""

    catalog: Catalog
    pool: WorkerPool
    care: StoreCare


def make_objects(settings: CatalogSettings) -> Objects:
    """Return the catalog and its workers; no worker is started yet."""
    arrivals = Arrivals()
    with _blaming("HOME", settings.home):
        ensure_folder(settings.home)
    with _blaming("BLOBS", settings.blobs_folder):
        store = BlobStore(settings.blobs_folder, arrived=arrivals.note)
        store.sweep_staging()
        log.info(self_check(store.root))
        records = Records(store.root, "builds")
        backbones = Backbones(store, Records(store.root, "backbones"))
    with _blaming("INDEX", settings.index):
        index = _index(settings)
    with _blaming("BLOBS", settings.blobs_folder):
        finders = make_finders(settings, store, _pins(settings), index)
    with _blaming("DATABASE_URL", "of the registry"):
        registry = Registry(settings.registry_url)
    pool = WorkerPool(settings.workers)
    definitions, flights = Definitions(pool), SingleFlight()
    registrar = Registrar(
        index=index,
        registry=registry,
        files=CheckpointFiles(store, settings.checkpoint_folders),
        fitting=Fitting(store=store, pool=pool, definitions=definitions),
    )
    supply = Supply(
        index=index,
        store=store,
        registry=registry,
        search=finders.search,
        hub=finders.hub,
        registered_files=finders.registered_files,
        complete=registrar.complete,
        flights=flights,
    )
    catalog = Catalog(
        index=index,
        store=store,
        registry=registry,
        search=finders.search,
        supply=supply,
        definitions=definitions,
        descriptions=Descriptions(pool),
        builds=Builds(store=store, records=records, backbones=backbones, pool=pool),
        registrar=registrar,
        flights=flights,
    )
    care = store_care(
        catalog, arrivals, budget_bytes=settings.cache_bytes, is_offline=settings.is_offline
    )
    return Objects(catalog=catalog, pool=pool, care=care)


class SettingUnusable(InvalidRequest):
    """A setting has the right form, but what it names cannot be used."""


@contextmanager
def _blaming(setting: str, value: object) -> Iterator[None]:
    """Say which setting it is that cannot be used; a database URL is not shown: it has secrets."""
    try:
        yield
    except (
        OSError,
        ValueError,
        LookupError,
        TypeError,
        ImportError,
        SQLAlchemyError,
        CacheReadOnly,
    ) as error:
        why = str(error).splitlines()[0] if str(error) else type(error).__name__
        name = f"{CatalogSettings.model_config['env_prefix']}{setting}"
        raise SettingUnusable(f"{name} {value} cannot be used: {why}") from error


def _index(settings: CatalogSettings) -> CatalogIndex:
    if settings.index is None:
        return CatalogIndex.load()
    return index_from_json(json.loads(settings.index.read_bytes()))


def _pins(settings: CatalogSettings) -> Pins:
    with _blaming("PINS", settings.pins):
        supplied = supplied_pins(settings.pins) if settings.pins else {}
    return Pins(supplied, settings.home / "pins.json")


def _registrations(
    catalog: Catalog,
    models: ModelServicer,
    weights: WeightsServicer,
    checkpoints: CheckpointServicer,
    blobs: BlobServicer,
) -> list[Registration]:
    return [
        architecture_registration(ArchitectureServicer(catalog.index, catalog.search)),
        weights_registration(weights),
        model_registration(models),
        checkpoint_registration(checkpoints),
        blob_registration(blobs),
    ]


def _complain(error: VertebraError) -> int:
    sys.stderr.write(f"{error.message}\n")
    return 2


if __name__ == "__main__":
    main()

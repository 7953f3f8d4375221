"""Makes everything that lives as long as the process out of the settings, for `__main__`."""

import json
import logging
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace

from sqlalchemy.exc import SQLAlchemyError

from catalog_service.api.checkpoint_wire import checkpoint_message
from catalog_service.blobs.census import self_check
from catalog_service.blobs.disk import CacheReadOnly, ensure_folder
from catalog_service.blobs.records import Records
from catalog_service.blobs.store import BlobStore
from catalog_service.catalog_metrics import CatalogMetrics
from catalog_service.checkpoints.registry import Registry
from catalog_service.errors import InvalidRequest
from catalog_service.index.catalog_index import CatalogIndex, index_from_json
from catalog_service.make_search import Finders, Told, make_finders
from catalog_service.resolve import Catalog
from catalog_service.resolve.backbones import Backbones
from catalog_service.resolve.builds import Builds
from catalog_service.resolve.bundles import Bundles, Entries, Importing, LicenceFiles
from catalog_service.resolve.checkpoint_files import CheckpointFiles
from catalog_service.resolve.definitions import Definitions
from catalog_service.resolve.description import Descriptions
from catalog_service.resolve.fitting import Fitting
from catalog_service.resolve.registrar import Registrar
from catalog_service.resolve.single_flight import SingleFlight
from catalog_service.resolve.storage import Arrivals, StoreCare, store_care
from catalog_service.resolve.supply import Supply
from catalog_service.settings import CatalogSettings
from catalog_service.weights.pins import Pins, supplied_pins
from catalog_service.worker_pool import WorkerPool

log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True, kw_only=True)
class Objects:
    """What lives as long as the process."""

    catalog: Catalog
    pool: WorkerPool
    care: StoreCare
    bundles: Bundles
    importing: Importing


@dataclass(frozen=True, slots=True, kw_only=True)
class _Ground:
    """What the catalog stands on: its store, its data, its registry, and what finds bytes."""

    store: BlobStore
    index: CatalogIndex
    registry: Registry
    finders: Finders


def make_objects(settings: CatalogSettings, metrics: CatalogMetrics | None = None) -> Objects:
    """Return the catalog and its workers; no worker is started yet.

    Args:
        metrics: what counts their work; None counts it for nobody.

    Raises:
        SettingUnusable: a folder, a file or the database that a setting names.
    """
    arrivals, metrics = Arrivals(), metrics or CatalogMetrics()
    ground = _ground(settings, arrivals, metrics)
    pool = WorkerPool(settings.workers, called=metrics.called)
    metrics.watch_pool(pool)
    catalog = replace(_catalog(settings, ground, pool), built=metrics.built)
    care = store_care(
        catalog, arrivals, budget_bytes=settings.cache_bytes, is_offline=settings.is_offline
    )
    care.upkeep.evicted = metrics.evicted
    return Objects(
        catalog=catalog,
        pool=pool,
        care=care,
        bundles=Bundles(
            supply=catalog.supply,
            entries=Entries(supply=catalog.supply),
            text_of=LicenceFiles(files=ground.finders.small_files).text_of,
        ),
        importing=Importing(
            supply=catalog.supply,
            store=ground.store,
            own=ground.finders.own,
            registry=ground.registry,
            shown=checkpoint_message,
        ),
    )


def _ground(settings: CatalogSettings, arrivals: Arrivals, metrics: CatalogMetrics) -> _Ground:
    with _blaming("HOME", settings.home):
        ensure_folder(settings.home)
    with _blaming("BLOBS", settings.blobs_folder):
        store = BlobStore(settings.blobs_folder, arrived=arrivals.note)
        store.sweep_staging()
        checked = self_check(store.root)
    with _blaming("INDEX", settings.index):
        index = _index(settings)
    with _blaming("BLOBS", settings.blobs_folder):
        finders = make_finders(
            settings, store, _pins(settings), index, Told(metrics.tried, metrics.arrived)
        )
    with _blaming("DATABASE_URL", "of the registry"):
        registry = Registry(settings.registry_url)
    log.info(checked)
    return _Ground(store=store, index=index, registry=registry, finders=finders)


def _catalog(settings: CatalogSettings, ground: _Ground, pool: WorkerPool) -> Catalog:
    store, index, registry = ground.store, ground.index, ground.registry
    definitions, flights = Definitions(pool), SingleFlight()
    registrar = Registrar(
        index=index,
        registry=registry,
        files=CheckpointFiles(store, settings.checkpoint_folders),
        fitting=Fitting(store=store, pool=pool, definitions=definitions),
    )
    with _blaming("BLOBS", settings.blobs_folder):
        records = Records(store.root, "builds")
        backbones = Backbones(store, Records(store.root, "backbones"))
    return Catalog(
        index=index,
        store=store,
        registry=registry,
        search=ground.finders.search,
        supply=_supply(ground, registrar, flights),
        definitions=definitions,
        descriptions=Descriptions(pool),
        builds=Builds(store=store, records=records, backbones=backbones, pool=pool),
        registrar=registrar,
        flights=flights,
    )


def _supply(ground: _Ground, registrar: Registrar, flights: SingleFlight) -> Supply:
    return Supply(
        index=ground.index,
        store=ground.store,
        registry=ground.registry,
        search=ground.finders.search,
        hub=ground.finders.hub,
        registered_files=ground.finders.registered_files,
        complete=registrar.complete,
        flights=flights,
    )


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

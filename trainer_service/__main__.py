"""`python -m trainer_service`: reads the settings, makes the objects, serves until told to stop.

The only place where settings become objects; torch is not reachable from here.
"""

import asyncio
import os
import socket
import sys
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace

from sqlalchemy.exc import ArgumentError

from catalog_service.blobs.disk import ensure_folder
from catalog_service.blobs.store import BlobStore
from catalog_service.errors import VertebraError, Violation
from catalog_service.serving.blob_servicer import BlobServicer, blob_registration
from catalog_service.serving.door_settings import doors_of
from catalog_service.serving.drain import Drain, DrainTiming
from catalog_service.serving.logs import configure_logging
from catalog_service.serving.path_servicer import PathServicer, path_registration
from catalog_service.serving.run import Service, serve_until_signalled
from catalog_service.serving.server import Registration, ServerParts
from catalog_service.serving.settings_reader import read_settings, settings_invalid
from catalog_service.serving.store_metrics import StoreMetrics
from catalog_service.serving.telemetry import Telemetry
from trainer_service.api.event_feed import EventFeed
from trainer_service.api.planning import TrainingHost
from trainer_service.api.rooms import TrainerRooms
from trainer_service.api.train_job_servicer import train_job_registration
from trainer_service.catalog_gateway import CatalogGateway
from trainer_service.engines.engine import Engine
from trainer_service.engines.process import ProcessEngine
from trainer_service.engines.ray import RayEngine
from trainer_service.job_store import JobStore
from trainer_service.jobs import HostDevice, HostRecord
from trainer_service.jobs.run_spec import EngineName
from trainer_service.settings import (
    ENV_PREFIX,
    TrainerSettings,
    num_cores,
    visible_gpus,
    worker_environment,
)
from trainer_service.supervisor import Rooms, Supervisor
from trainer_service.supervisor.devices import cpu_devices, cuda_devices, require_cuda
from trainer_service.supervisor.host_home import host_id
from trainer_service.supervisor.job_metrics import JobMetrics
from trainer_service.supervisor.queue_metrics import QueueMetrics
from trainer_service.supervisor.supervision import Supervision
from vertebra.catalog_client import CatalogClient
from vertebra.credentials import Credentials, CredentialsUnusable
from vertebra.malloc import keep_freed_megabytes
from vertebra.tracing import Tracing, start_tracing

NUM_THREADS = 32
"""That wait for the disk and the database: as many as asyncio has on large hosts. On two cores it
would have six, which a few jobs and their watchers fill."""
SPOOLS_EVERY_S = 5.0
"""Between two looks at how much workers said that is not stored."""
HOOKS_S = 15.0
"""Beside the workers' grace, for what the service itself has to close."""


def main() -> None:
    """Serve; exit with 2 and one line a problem where the settings or the port are unusable."""
    keep_freed_megabytes()
    try:
        settings = read_settings(TrainerSettings)
        configure_logging(settings.log_level, settings.log_format == "json")
        asyncio.run(_serve(settings, start_tracing("vertebra-trainer", os.environ)))
    except VertebraError as error:
        sys.stderr.write(f"{error.message}\n")
        sys.exit(2)


async def _serve(settings: TrainerSettings, tracing: Tracing | None) -> None:
    asyncio.get_running_loop().set_default_executor(ThreadPoolExecutor(NUM_THREADS))
    timing = DrainTiming(hooks_s=settings.grace_s + HOOKS_S)
    parts = ServerParts(timing=timing, doors=doors_of(settings), tracing=tracing)
    ensure_folder(settings.home)
    blobs = BlobStore(settings.blobs_folder)
    client = _catalog_client(settings)
    gateway = CatalogGateway(client, blobs)
    host = await asyncio.to_thread(_host, settings)
    metrics = JobMetrics(parts.telemetry.registry)
    rooms = replace(_rooms(settings, gateway, blobs, host, metrics), tracing=tracing)
    supervisor = Supervisor(rooms, host)
    supervision = Supervision(
        supervisor, parts.drain.draining, preempts=settings.on_stop == "preempt"
    )
    _show_figures(parts.telemetry, rooms, supervisor)

    async def start() -> None:
        if settings.supervise:
            await asyncio.to_thread(blobs.sweep_staging)
            await supervision.start()

    async def stop() -> None:
        await supervision.stop()
        client.close()
        gateway.close()
        rooms.store.close()

    service = Service(
        listen=settings.listen,
        admin_listen=settings.admin_listen,
        registrations=_registrations(rooms, parts.drain, shares_paths=settings.shares_paths),
        parts=parts,
        ready_file=settings.ready_file,
        on_start=start,
        on_stop=stop,
    )
    await serve_until_signalled(service)


def _show_figures(telemetry: Telemetry, rooms: Rooms, supervisor: Supervisor) -> None:
    """Have the metrics page ask for what is not counted."""
    StoreMetrics(telemetry, rooms.blobs)
    QueueMetrics(telemetry.registry, telemetry.figures, rooms.store)
    telemetry.figures.add("spools", supervisor.measure_spools, every_s=SPOOLS_EVERY_S)


def _catalog_client(settings: TrainerSettings) -> CatalogClient:
    """Return a client that shows the catalog who this trainer is.

    Raises:
        SettingsInvalid: certificates or a token that cannot be used.
    """
    try:
        shown = Credentials(
            tls=settings.catalog_tls,
            ca=settings.catalog_ca,
            cert=settings.catalog_cert,
            key=settings.catalog_key,
            token_file=settings.catalog_token_file,
            server_name=settings.catalog_server_name,
        )
        return CatalogClient(settings.catalog, credentials=shown)
    except CredentialsUnusable as error:
        which = f"{ENV_PREFIX}CATALOG_*"
        raise settings_invalid([Violation(field=which, description=str(error))]) from error


def _host(settings: TrainerSettings) -> HostRecord:
    """Return who this host is, and what its jobs train on and are run by."""
    return HostRecord(
        host_id=host_id(settings.home),
        name=socket.gethostname(),
        devices=_devices(settings),
        engines=tuple(sorted(settings.engines)),
    )


def _devices(settings: TrainerSettings) -> tuple[HostDevice, ...]:
    """Return what jobs of this host train on.

    Raises:
        DeviceUnavailable: CUDA is asked for and there is no GPU.
    """
    cpu = cpu_devices(settings.slots, max(1, num_cores() // settings.slots))
    if settings.device == "cpu":
        return cpu
    gpus = cuda_devices(visible_gpus())
    return require_cuda(gpus) if settings.device == "cuda" else gpus or cpu


def _rooms(
    settings: TrainerSettings,
    gateway: CatalogGateway,
    blobs: BlobStore,
    host: HostRecord,
    metrics: JobMetrics,
) -> Rooms:
    num_threads = max(1, num_cores() // len(host.devices))
    return Rooms(
        store=_store(settings.jobs_url),
        engines=_engines(settings, host, num_threads),
        catalog=gateway,
        blobs=blobs,
        home=settings.home,
        num_threads=num_threads,
        device=host.devices[0].kind,
        allowed_roots=(*map(str, settings.data_roots), *settings.data_urls),
        features_budget_bytes=settings.feature_cache_bytes,
        host_id=host.host_id,
        artifacts=settings.artifacts,
        host_timeout_s=settings.host_timeout,
        grace_s=settings.grace_s,
        max_remote_jobs=settings.ray_jobs,
        events_kept=settings.events_kept,
        metrics=metrics,
    )


def _store(url: str) -> JobStore:
    """Return the job store.

    Raises:
        SettingsInvalid: the URL is none, or its driver is not installed; it is not shown, since
            it may hold a password.
        StoreUnavailable: the database does not answer.
    """
    try:
        return JobStore(url)
    except (ArgumentError, ImportError) as error:
        why = " ".join(str(error).split())
        name = f"{ENV_PREFIX}DATABASE_URL"
        raise settings_invalid([Violation(field=name, description=why)]) from error


def _engines(
    settings: TrainerSettings, host: HostRecord, num_threads: int
) -> dict[EngineName, Engine]:
    environment = worker_environment()
    engines: dict[EngineName, Engine] = {
        "process": ProcessEngine(
            environment=environment,
            num_threads=num_threads,
            device_handles=[device.handle for device in host.devices if device.handle],
        )
    }
    if settings.ray:
        engines["ray"] = RayEngine(settings.ray, environment=environment, num_threads=num_threads)
    return engines


def _registrations(rooms: Rooms, drain: Drain, *, shares_paths: bool) -> list[Registration]:
    feed = EventFeed(rooms.store, drain.draining)
    feed.readers.show(rooms.metrics.registry)
    trainer = TrainerRooms(
        store=rooms.store,
        catalog=rooms.catalog,
        feed=feed,
        host=TrainingHost(
            allowed_roots=rooms.allowed_roots,
            device=rooms.device,
            staging_folder=str(rooms.staging_folder),
            engines=frozenset(rooms.engines),
        ),
        tracing=rooms.tracing,
    )
    return [
        train_job_registration(trainer),
        blob_registration(BlobServicer(rooms.blobs, drain=drain, shares_paths=shares_paths)),
        path_registration(PathServicer(drain)),
    ]


if __name__ == "__main__":
    main()

"""`python -m trainer_service`: reads the settings, makes the objects, serves until told to stop.

The only place where settings become objects; torch is not reachable from here.
"""

import asyncio
import sys

from catalog_service.blobs.disk import ensure_folder
from catalog_service.blobs.store import BlobStore
from catalog_service.errors import VertebraError
from catalog_service.serving.blob_servicer import BlobServicer, blob_registration
from catalog_service.serving.drain import Drain
from catalog_service.serving.logs import configure_logging
from catalog_service.serving.run import Service, serve_until_signalled
from catalog_service.serving.server import Registration, ServerParts
from catalog_service.serving.settings_reader import read_settings
from trainer_service.api.event_feed import EventFeed
from trainer_service.api.planning import TrainingHost
from trainer_service.api.train_job_servicer import (
    TrainerRooms,
    TrainJobServicer,
    train_job_registration,
)
from trainer_service.catalog_gateway import CatalogGateway
from trainer_service.engines.process import ProcessEngine
from trainer_service.job_store import JobStore
from trainer_service.jobs import HostDevice
from trainer_service.settings import (
    TrainerSettings,
    num_cores,
    visible_gpus,
    worker_environment,
)
from trainer_service.supervisor import Rooms, Supervisor
from trainer_service.supervisor.devices import cpu_devices, cuda_devices, require_cuda
from trainer_service.supervisor.host_home import host_id
from vertebra.catalog_client import CatalogClient
from vertebra.malloc import keep_freed_megabytes


def main() -> None:
    """Serve; exit with 2 and one line a problem where the settings or the port are unusable."""
    keep_freed_megabytes()
    try:
        settings = read_settings(TrainerSettings)
        configure_logging(settings.log_level, settings.log_format == "json")
        asyncio.run(_serve(settings))
    except VertebraError as error:
        sys.stderr.write(f"{error.message}\n")
        sys.exit(2)


async def _serve(settings: TrainerSettings) -> None:
    parts = ServerParts()
    ensure_folder(settings.home)
    blobs = BlobStore(settings.blobs_folder)
    client = CatalogClient(settings.catalog)
    gateway = CatalogGateway(client, blobs)
    devices = await asyncio.to_thread(_devices, settings)
    rooms = _rooms(settings, gateway, blobs, devices)
    supervisor = Supervisor(rooms, num_slots=len(devices))

    async def start() -> None:
        await asyncio.to_thread(blobs.sweep_staging)
        await supervisor.start()

    async def stop() -> None:
        await supervisor.stop()
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
    devices: tuple[HostDevice, ...],
) -> Rooms:
    num_threads = max(1, num_cores() // len(devices))
    process = ProcessEngine(environment=worker_environment(), num_threads=num_threads)
    return Rooms(
        store=JobStore(settings.jobs_url),
        engine=process,
        catalog=gateway,
        blobs=blobs,
        home=settings.home,
        num_threads=num_threads,
        device=devices[0].kind,
        allowed_roots=(*map(str, settings.data_roots), *settings.data_urls),
        features_budget_bytes=settings.feature_cache_bytes,
        host_id=host_id(settings.home),
        artifacts=settings.artifacts,
        host_timeout_s=settings.host_timeout,
        grace_s=settings.grace_s,
    )


def _registrations(rooms: Rooms, drain: Drain, *, shares_paths: bool) -> list[Registration]:
    servicer = TrainJobServicer(
        TrainerRooms(
            store=rooms.store,
            catalog=rooms.catalog,
            feed=EventFeed(rooms.store),
            drain=drain,
            host=TrainingHost(
                allowed_roots=rooms.allowed_roots,
                device=rooms.device,
                staging_folder=str(rooms.staging_folder),
            ),
        )
    )
    return [
        train_job_registration(servicer),
        blob_registration(BlobServicer(rooms.blobs, drain=drain, shares_paths=shares_paths)),
    ]


if __name__ == "__main__":
    main()

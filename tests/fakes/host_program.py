"""One host of several: a supervisor as a program of its own, with a home and a share of the queue.

python host_program.py '{"home": "...", "script": "...", "url": "...", ...}'
"""

import asyncio
import json
import os
import sys
from dataclasses import dataclass
from pathlib import Path

from catalog_service.blobs.store import BlobStore
from tests.fakes.fake_catalog_gateway import FakeCatalogGateway
from tests.fakes.supervisor_program import QUICK, WORKER
from trainer_service.engines.process import ProcessEngine
from trainer_service.job_store import JobStore
from trainer_service.jobs import HostRecord
from trainer_service.supervisor import Rooms, Supervisor
from trainer_service.supervisor.devices import cpu_devices
from trainer_service.supervisor.host_home import host_id


@dataclass(frozen=True, slots=True, kw_only=True)
class HostOrder:
    """What a host is told."""

    home: str
    script: str
    """Of its fake workers."""
    url: str
    artifacts: str
    """Shared by all hosts."""
    timeout_s: float = 0.0
    num_devices: int = 1


def rooms_of_host(order: HostOrder) -> Rooms:
    """Return the rooms of a host; its exports and snapshots are where every host finds them."""
    home, shared = Path(order.home), Path(order.artifacts)
    command = (sys.executable, str(WORKER), order.script)
    return Rooms(
        store=JobStore(order.url),
        engines={"process": ProcessEngine(environment=os.environ, num_threads=1, command=command)},
        catalog=FakeCatalogGateway(),
        blobs=BlobStore(shared / "blobs"),
        home=home,
        num_threads=1,
        device="cpu",
        allowed_roots=("/data",),
        host_id=host_id(home),
        artifacts=shared,
        host_timeout_s=order.timeout_s,
    )


async def main(order: HostOrder) -> None:
    """Supervise until killed."""
    rooms = rooms_of_host(order)
    devices = cpu_devices(order.num_devices, 1)
    host = HostRecord(host_id=rooms.host_id, name=Path(order.home).name, devices=devices)
    await Supervisor(rooms, host, timing=QUICK).start()
    await asyncio.Event().wait()


if __name__ == "__main__":
    asyncio.run(main(HostOrder(**json.loads(sys.argv[1]))))

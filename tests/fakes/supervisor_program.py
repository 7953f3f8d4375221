"""A supervisor as a program of its own, so that a test can kill it at a step of its choice.

python supervisor_program.py <home> <worker script.json> [before|after <step> <count>]
"""

import asyncio
import os
import signal
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

from catalog_service.blobs.store import BlobStore
from tests.fakes.fake_catalog_gateway import FakeCatalogGateway
from trainer_service.engines.process import ProcessEngine
from trainer_service.job_store import JobStore
from trainer_service.jobs import HostRecord
from trainer_service.supervisor import Rooms, Supervisor, Timing
from trainer_service.supervisor.devices import cpu_devices

WORKER = Path(__file__).with_name("fake_worker.py")
QUICK = Timing(
    poll_s=0.02,
    tick_s=0.1,
    care_s=0.2,
    grace_s=1.0,
    exit_s=0.5,
    trouble_s=0.5,
    first_wait_s=0.02,
    patience_s=0.5,
    stacks_s=0.5,
    first_backoff_s=0.05,
)


def rooms_of(home: Path, script: Path, catalog: FakeCatalogGateway) -> Rooms:
    """Return rooms that start the fake worker."""
    command = (sys.executable, str(WORKER), str(script))
    return Rooms(
        store=JobStore(f"sqlite:///{home / 'jobs.db'}"),
        engines={"process": ProcessEngine(environment=os.environ, num_threads=1, command=command)},
        catalog=catalog,
        blobs=BlobStore(home / "blobs"),
        home=home,
        num_threads=1,
        device="cpu",
        allowed_roots=("/data",),
    )


def this_host(rooms: Rooms, num_devices: int = 1) -> HostRecord:
    """Return the host of these rooms."""
    return HostRecord(host_id=rooms.host_id, name="here", devices=cpu_devices(num_devices, 1))


def die_at(target: Any, step: str, when: str, count: int) -> None:
    """Make the `count`-th call of a method the last thing that this process does."""
    method: Callable[..., Any] = getattr(target, step)
    num_calls = 0

    def dying(*args: Any, **named: Any) -> Any:
        nonlocal num_calls
        num_calls += 1
        if when == "before" and num_calls == count:
            os.kill(os.getpid(), signal.SIGKILL)
        answer = method(*args, **named)
        if when == "after" and num_calls == count:
            os.kill(os.getpid(), signal.SIGKILL)
        return answer

    setattr(target, step, dying)


async def main(home: Path, script: Path, death: list[str]) -> None:
    """Supervise until killed."""
    rooms = rooms_of(home, script, FakeCatalogGateway())
    if death:
        when, step, count = death
        engine = rooms.engines["process"]
        target = next(t for t in (rooms.store, engine, rooms.blobs) if hasattr(t, step))
        die_at(target, step, when, int(count))
    await Supervisor(rooms, this_host(rooms), timing=QUICK).start()
    await asyncio.Event().wait()


if __name__ == "__main__":
    asyncio.run(main(Path(sys.argv[1]), Path(sys.argv[2]), sys.argv[3:]))

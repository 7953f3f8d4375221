"""A job whose worker fills the disk that the home, the job store and the spool lie on.

    python full_disk_program.py <folder on a small disk>

Prints, as JSON, how the job stood while the disk was full, and how it ended once there was room.
"""

import asyncio
import json
import sys
import time
import uuid
from collections.abc import Callable
from pathlib import Path

from tests.fakes.fake_catalog_gateway import FakeCatalogGateway
from tests.fakes.job_values import job_spec
from tests.fakes.supervisor_program import QUICK, rooms_of, this_host
from trainer_service.job_store import NewJob
from trainer_service.jobs import JobState
from trainer_service.supervisor import Supervisor


async def until(is_so: Callable[[], bool], seconds: float = 20.0) -> None:
    """Wait until something is so, or long enough."""
    deadline = time.monotonic() + seconds
    while not is_so():
        if time.monotonic() > deadline:
            return
        await asyncio.sleep(0.05)


async def main(home: Path) -> dict[str, object]:
    """Return what a caller saw."""
    script = home / "script.json"
    script.write_text(json.dumps({"steps": 4, "ends": ["fills_disk", "finished"]}))
    rooms = rooms_of(home, script, FakeCatalogGateway())
    new = NewJob(spec=job_spec(), sent_spec="{}", request_id=str(uuid.uuid4()), request_hash="h")
    job_id = rooms.store.create_job(new).job.job_id
    supervisor = Supervisor(rooms, this_host(rooms), timing=QUICK)
    await supervisor.start()
    await until(lambda: rooms.store.look(job_id).state is JobState.PAUSED)
    full = rooms.store.find_job(job_id)
    for filler in (home / "jobs").glob("*/attempt-1/*"):
        filler.unlink() if filler.name in ("filler", "rest") else None
    if full.state is JobState.PAUSED:
        resume = {"request_id": str(uuid.uuid4()), "request_hash": "h", "reason": "room again"}
        rooms.store.request_resume(job_id, **resume)
    await until(lambda: rooms.store.look(job_id).state is JobState.SUCCEEDED)
    await supervisor.stop()
    steps = [e.event for e in rooms.store.events(job_id, after_seq=0, limit=1000)]
    return {
        "while_full": [full.state.value, full.state_reason],
        "at_the_end": rooms.store.look(job_id).state.value,
        "steps": [event.step for event in steps if hasattr(event, "images_per_s")],
    }


if __name__ == "__main__":
    print(json.dumps(asyncio.run(main(Path(sys.argv[1])))))

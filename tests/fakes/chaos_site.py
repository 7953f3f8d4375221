"""A trainer without its API: a real store, a real supervisor, and real workers on a tiny model.

    python -m tests.fakes.chaos_site <home> <socket of a nursery>

runs the supervisor alone, so that a test can kill it.
"""

import asyncio
import contextlib
import json
import subprocess
import sys
import time
import uuid
from collections.abc import AsyncIterator, Callable
from dataclasses import replace
from pathlib import Path

from catalog_service.blobs.store import BlobStore
from catalog_service.models.plain_json import from_plain, to_plain
from tests.fakes.fake_catalog_gateway import FakeCatalogGateway
from tests.fakes.nursery import ROOT, Nursery
from tests.fakes.nursery_engine import NurseryEngine
from trainer_service.engines.engine import Engine
from trainer_service.job_store import EventRecord, JobRecord, JobStore, NewJob
from trainer_service.jobs import (
    FINAL_STATES,
    HostRecord,
    JobModel,
    JobSpec,
    JobState,
    RunSpec,
    WorkOrder,
)
from trainer_service.jobs.json_file import write_json_file
from trainer_service.supervisor import Rooms, Supervisor, Timing
from trainer_service.supervisor.devices import cpu_devices

BRISK = Timing(
    poll_s=0.05, tick_s=0.1, care_s=0.5, exit_s=1.0, first_wait_s=0.02, first_backoff_s=0.05
)
"""A supervisor that looks often; how long workers are waited for is as it is in earnest."""
PATIENCE_S = 120.0
STARTED_FILE = "started"
"""When the newest supervisor program began to supervise, on the host's clock."""


class OneModel(FakeCatalogGateway):
    """A catalog that has one model, whose files are there."""

    def __init__(self, model: JobModel) -> None:
        super().__init__()
        self._model = model

    async def prepare(self, spec: object) -> JobModel:
        """Return the model."""
        return self._model


def rooms_of(home: Path, model: JobModel, roots: tuple[str, ...], engine: Engine) -> Rooms:
    """Return rooms for a host with one device."""
    return Rooms(
        store=JobStore(f"sqlite:///{home / 'jobs.db'}"),
        engines={"process": engine},
        catalog=OneModel(model),
        blobs=BlobStore(home / "blobs"),
        home=home,
        num_threads=1,
        device="cpu",
        allowed_roots=roots,
    )


def this_host(rooms: Rooms) -> HostRecord:
    """Return the host of these rooms."""
    return HostRecord(host_id=rooms.host_id, name="here", devices=cpu_devices(1, 1))


class ChaosSite:
    """One home, its store, and whoever supervises it.

    Args:
        order: of whose job this site has the model and the data.
        engine: None starts workers in the nursery.
    """

    def __init__(
        self, home: Path, order: WorkOrder, nursery: Nursery, engine: Engine | None = None
    ) -> None:
        self.home = home
        self.order = order
        self._nursery = nursery
        home.mkdir(parents=True, exist_ok=True)
        write_json_file(home / "model.json", to_plain(order.model))
        write_json_file(home / "roots.json", list(order.allowed_roots))
        self.rooms = rooms_of(
            home, order.model, order.allowed_roots, engine or NurseryEngine(nursery, home)
        )
        self.store = self.rooms.store

    def create(self, run: RunSpec | None = None, **changed: object) -> str:
        """Store the order's job and return its id."""
        spec: JobSpec = replace(self.order.spec, run=run or self.order.spec.run, **changed)  # type: ignore[arg-type]
        new = NewJob(spec=spec, sent_spec="{}", request_id=str(uuid.uuid4()), request_hash="h")
        return self.store.create_job(new).job.job_id

    def folder(self, job_id: str, attempt: int = 1) -> Path:
        """Return the folder of an attempt."""
        return self.rooms.attempt_folder(job_id, attempt)

    @contextlib.asynccontextmanager
    async def supervising(self, timing: Timing = BRISK) -> AsyncIterator[None]:
        """Run a supervisor for the length of a block."""
        supervisor = Supervisor(self.rooms, this_host(self.rooms), timing=timing)
        await supervisor.start()
        try:
            yield
        finally:
            await supervisor.stop()

    def start_supervisor(self) -> subprocess.Popen[bytes]:
        """Start a supervisor as a program of its own."""
        command = [sys.executable, "-m", "tests.fakes.chaos_site", str(self.home)]
        return subprocess.Popen([*command, str(self._nursery.place)], cwd=ROOT)

    def events(self, job_id: str) -> list[EventRecord]:
        """Return the whole log of a job."""
        return self.store.events(job_id, after_seq=0, limit=100_000)

    def step(self, job_id: str) -> int:
        """Return the last step that is stored."""
        return self.store.find_job(job_id).progress.step

    def until(self, is_so: Callable[[], object]) -> None:
        """Wait until something is so."""
        deadline = time.monotonic() + PATIENCE_S
        while not is_so():
            assert time.monotonic() < deadline, "it never came to be so"
            time.sleep(0.05)

    async def until_so(self, is_so: Callable[[], object]) -> None:
        """Wait in a loop until something is so."""
        await asyncio.to_thread(self.until, is_so)

    async def until_state(self, job_id: str, *states: JobState) -> JobRecord:
        """Return the job once it is in one of these states."""

        def is_there() -> bool:
            state = self.store.look(job_id).state
            assert state in states or state not in FINAL_STATES, self.story(job_id)
            return state in states

        await self.until_so(is_there)
        return self.store.find_job(job_id)

    def story(self, job_id: str) -> str:
        """Return what happened, for whoever reads a failed test."""
        told = [str(each.event) for each in self.events(job_id) if hasattr(each.event, "to_state")]
        logs = [path.read_text()[-1500:] for path in self.home.glob("jobs/*/attempt-*/log.txt")]
        return "\n".join([*told, *logs])

    def close(self) -> None:
        """Let go of the store."""
        self.store.close()


async def supervise(home: Path, place: Path) -> None:
    """Supervise until killed."""
    model = from_plain(JobModel, json.loads((home / "model.json").read_text()))
    roots = tuple(json.loads((home / "roots.json").read_text()))
    rooms = rooms_of(home, model, roots, NurseryEngine(Nursery(place), home))
    (home / STARTED_FILE).write_text(str(time.monotonic()))
    await Supervisor(rooms, this_host(rooms), timing=BRISK).start()
    await asyncio.Event().wait()


if __name__ == "__main__":
    asyncio.run(supervise(Path(sys.argv[1]), Path(sys.argv[2])))

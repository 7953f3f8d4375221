"""A supervisor over the fake worker and the fake catalog, in this process."""

import asyncio
import contextlib
import json
import os
import signal
import time
import uuid
from collections.abc import AsyncIterator, Callable
from dataclasses import replace
from pathlib import Path

import psutil
import pytest

from tests.fakes.fake_catalog_gateway import FakeCatalogGateway
from tests.fakes.job_values import job_spec
from tests.fakes.supervisor_program import QUICK, rooms_of, this_host
from trainer_service.engines.process import NONCE_VARIABLE
from trainer_service.job_store import EventRecord, JobRecord, NewJob
from trainer_service.jobs import FINAL_STATES, ExitClass, JobState, RunSpec, SnapshotTaken
from trainer_service.supervisor import Supervisor, Timing


class Bench:
    """One home folder, its store, and supervisors over it."""

    def __init__(self, home: Path) -> None:
        self.home = home
        self.script = home / "script.json"
        self.script.write_text("{}")
        self.catalog = FakeCatalogGateway()
        self.rooms = rooms_of(home, self.script, self.catalog)
        self.store = self.rooms.store
        self._created: list[str] = []

    def worker_does(self, **script: object) -> None:
        """Say what workers do that start from now on."""
        self.script.write_text(json.dumps(script))

    def create(self, run: RunSpec | None = None, **spec: str) -> str:
        """Store a job and return its id."""
        new = NewJob(
            spec=replace(job_spec(**spec), run=run or RunSpec()),
            sent_spec="{}",
            request_id=str(uuid.uuid4()),
            request_hash="h",
        )
        job_id = self.store.create_job(new).job.job_id
        self._created.append(job_id)
        return job_id

    def cancel(self, job_id: str) -> None:
        """Ask a job to stop."""
        request_id = str(uuid.uuid4())
        self.store.request_cancel(job_id, request_id=request_id, request_hash="h", reason="enough")

    def pause(self, job_id: str, *, within_s: float = 20.0) -> None:
        """Ask a job to save and free its device."""
        self.store.request_pause(
            job_id,
            request_id=str(uuid.uuid4()),
            request_hash="h",
            reason="lunch",
            within_s=within_s,
        )

    def resume(self, job_id: str, snapshot_id: str = "") -> None:
        """Put a job back into the queue."""
        self.store.request_resume(
            job_id,
            request_id=str(uuid.uuid4()),
            request_hash="h",
            reason="go",
            snapshot_id=snapshot_id,
        )

    @contextlib.asynccontextmanager
    async def supervising(
        self, *, num_slots: int = 1, timing: Timing = QUICK
    ) -> AsyncIterator[Supervisor]:
        """Run a supervisor for the length of a block."""
        supervisor = Supervisor(self.rooms, this_host(self.rooms, num_slots), timing=timing)
        await supervisor.start()
        try:
            yield supervisor
        finally:
            await supervisor.stop()

    async def until(self, is_so: Callable[[], object], seconds: float = 60.0) -> None:
        """Wait until something is so."""
        deadline = time.monotonic() + seconds
        while not is_so():
            assert time.monotonic() < deadline, "it never came to be so"
            await asyncio.sleep(0.02)

    async def until_final(self, job_id: str) -> JobRecord:
        """Return the job once it ended."""
        await self.until(lambda: self.store.look(job_id).state in FINAL_STATES)
        return self.store.find_job(job_id)

    async def until_running(self, job_id: str) -> None:
        """Wait for the first step."""
        await self.until(lambda: self.store.find_job(job_id).progress.step > 0)

    def run(self, job_id: str, timing: Timing = QUICK) -> JobRecord:
        """Return a job's end, after supervising it."""

        async def supervise() -> JobRecord:
            async with self.supervising(timing=timing):
                return await self.until_final(job_id)

        return asyncio.run(supervise())

    def events(self, job_id: str) -> list[EventRecord]:
        """Return the whole log of a job."""
        return self.store.events(job_id, after_seq=0, limit=100_000)

    def states(self, job_id: str) -> list[JobState]:
        """Return the states that a job went through."""
        return [e.event.to_state for e in self.events(job_id) if hasattr(e.event, "to_state")]

    def reasons(self, job_id: str) -> list[str]:
        """Return why the job came into each state."""
        return [e.event.reason for e in self.events(job_id) if hasattr(e.event, "to_state")]

    def ends(self, job_id: str) -> list[ExitClass]:
        """Return how the attempts ended, as the log has it."""
        return [e.event.exit_class for e in self.events(job_id) if hasattr(e.event, "exit_class")]

    def saved(self, job_id: str) -> list[str]:
        """Return the snapshots that the log tells of; not all of them need be there still."""
        told = [e.event for e in self.events(job_id)]
        return [e.snapshot.snapshot_id for e in told if isinstance(e, SnapshotTaken)]

    def steps(self, job_id: str) -> list[int]:
        """Return the steps that were stored."""
        return [e.event.step for e in self.events(job_id) if hasattr(e.event, "images_per_s")]

    def processes(self) -> list[psutil.Process]:
        """Return worker processes of this home that still run."""
        nonces = {
            attempt.nonce for job_id in self._created for attempt in self.store.attempts(job_id)
        }
        return [process for process in psutil.process_iter() if _nonce(process) in nonces]


def _nonce(process: psutil.Process) -> str:
    with contextlib.suppress(psutil.Error):
        if process.status() != psutil.STATUS_ZOMBIE:
            return process.environ().get(NONCE_VARIABLE, "")
    return ""


@pytest.fixture
def bench(tmp_path):
    """Nothing of it is left running."""
    made = Bench(tmp_path)
    yield made
    for process in made.processes():
        with contextlib.suppress(psutil.Error):
            os.kill(process.pid, signal.SIGKILL)
    made.store.close()

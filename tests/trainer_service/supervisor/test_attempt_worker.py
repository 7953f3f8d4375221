"""The processes of an attempt: started once, and seen to be gone, or said to be stuck."""

import asyncio
from dataclasses import dataclass, field, replace
from pathlib import Path

import psutil
import pytest

from tests.fakes.supervisor_program import QUICK
from trainer_service.errors import WorkerStuck
from trainer_service.jobs import ALIVE_FILE, ORDER_FILE, WorkerIdentity
from trainer_service.supervisor import oom_kills
from trainer_service.supervisor.attempt_worker import AttemptWorker
from trainer_service.supervisor.endings import end_of


@dataclass
class FakeProcesses:
    """A worker that ends, or does not, when it is killed."""

    num_kills_needed: int = 1
    exit_code: int | None = None
    pid: int = 4711
    num_kills: int = 0

    def is_alive(self) -> bool:
        return self.num_kills < self.num_kills_needed

    def processes(self) -> list[psutil.Process]:
        return [psutil.Process()] if self.is_alive() else []

    def kill(self) -> None:
        self.num_kills += 1

    def terminate(self) -> None:
        """Ask."""

    def how_it_ended(self) -> str:
        return f"exit code {self.exit_code}"


@dataclass
class FakeEngine:
    """Starts and finds one fake."""

    worker: FakeProcesses
    is_found: bool = False
    started: list[Path] = field(default_factory=list)

    def start(self, folder: Path, _nonce: str) -> FakeProcesses:
        self.started.append(folder)
        return self.worker

    def find(self, _nonce: str, _identity: WorkerIdentity | None) -> FakeProcesses:
        return self.worker if self.is_found else FakeProcesses(num_kills_needed=0)


def attempt_in(folder, engine, timing=QUICK):
    (folder / ORDER_FILE).write_text("{}")
    return AttemptWorker(engine, folder, "nonce", timing)


def test_what_cannot_be_killed_is_said_with_its_process(tmp_path):
    """One that waits for a dead disk would keep a CANCELLING job for ever."""
    engine = FakeEngine(FakeProcesses(num_kills_needed=10**9))
    worker = attempt_in(tmp_path, engine, replace(QUICK, kill_s=0.1))

    async def scenario():
        await worker.start_once()
        await worker.until_gone(grace_s=0.0)

    with pytest.raises(WorkerStuck, match=str(psutil.Process().pid)):
        asyncio.run(scenario())


def test_a_worker_is_started_once(tmp_path):
    engine = FakeEngine(FakeProcesses())
    worker = attempt_in(tmp_path, engine)

    async def scenario():
        await worker.start_once()
        await worker.start_once()

    asyncio.run(scenario())

    assert engine.started == [tmp_path]
    assert (tmp_path / "heartbeat").exists(), "a worker without one would go away at once"


@pytest.mark.parametrize("left", ["worker.json", "spool.jsonl"])
def test_where_a_worker_ever_wrote_none_is_started_again(tmp_path, left):
    (tmp_path / left).write_text('{"pid": 1, "start_time": 0.0, "nonce": "nonce"}')
    engine = FakeEngine(FakeProcesses())
    worker = attempt_in(tmp_path, engine)

    asyncio.run(worker.start_once())

    assert engine.started == []


def test_how_our_own_worker_ended_is_not_forgotten_by_looking_for_another(tmp_path):
    engine = FakeEngine(FakeProcesses(exit_code=3))
    worker = attempt_in(tmp_path, engine)

    async def scenario():
        await worker.start_once()
        await worker.until_gone(grace_s=0.0)
        return await worker.is_elsewhere()

    assert not asyncio.run(scenario())
    assert worker.exit_code == 3


@pytest.mark.parametrize(
    ("killed_since", "exit_class"), [(1, "host_out_of_memory"), (0, "crashed")]
)
def test_the_kernels_kills_since_the_start_tell_memory_from_other_deaths(
    tmp_path, monkeypatch, killed_since, exit_class
):
    """The counter is that of the whole control group, and never starts over."""
    monkeypatch.setattr(oom_kills, "read_oom_kills", lambda: 7)
    worker = attempt_in(tmp_path, FakeEngine(FakeProcesses(exit_code=-9)))
    asyncio.run(worker.start_once())
    monkeypatch.setattr(oom_kills, "read_oom_kills", lambda: 7 + killed_since)

    end = end_of(None, worker, tmp_path, "go_on")

    assert end.exit_class.value == exit_class


def test_a_touched_file_is_a_sign_of_life_once(tmp_path):
    worker = attempt_in(tmp_path, FakeEngine(FakeProcesses()))
    before = worker.has_moved()

    (tmp_path / ALIVE_FILE).touch()

    assert (before, worker.has_moved(), worker.has_moved()) == (False, True, False)

"""Two hosts with one queue in PostgreSQL: every job runs once, whichever host falls silent."""

import contextlib
import json
import shutil
import signal
import subprocess
import sys
import tempfile
import time
import uuid
from collections.abc import Iterator
from dataclasses import asdict
from pathlib import Path

import psutil
import pytest

from tests.fakes import host_program
from tests.fakes.host_program import HostOrder
from tests.fakes.job_values import job_spec
from tests.fakes.postgres_server import postgres_server, restart_postgres, server_folder
from trainer_service.engines.process import NONCE_VARIABLE
from trainer_service.errors import StoreUnavailable
from trainer_service.job_store import JobStore, NewJob
from trainer_service.jobs import FINAL_STATES, AttemptEnded, ExitClass, JobState, StateChanged

PROGRAM = Path(host_program.__file__)
ONCE = [JobState.QUEUED, JobState.PREPARING, JobState.RUNNING, JobState.SUCCEEDED]
PATIENCE_S = 120.0
"""Far longer than anything here takes, on a busy machine too."""


class Site:
    """A database, a shared folder, and hosts as processes of their own."""

    def __init__(self, folder: Path, url: str, postgres_folder: Path) -> None:
        self.folder = folder
        self.postgres_folder = postgres_folder
        self.script = folder / "script.json"
        self.worker_does()
        self.store = JobStore(url)
        self._url = url
        self._hosts: dict[str, subprocess.Popen[bytes]] = {}

    def worker_does(self, **script: object) -> None:
        """Say what workers do that start from now on."""
        self.script.write_text(json.dumps(script))

    def start(self, name: str, *, timeout_s: float = 0.0, num_devices: int = 1) -> str:
        """Start a host and return its id, once it was heard of."""
        order = HostOrder(
            home=str(self.folder / name),
            script=str(self.script),
            url=self._url,
            artifacts=str(self.folder / "shared"),
            timeout_s=timeout_s,
            num_devices=num_devices,
        )
        command = [sys.executable, str(PROGRAM), json.dumps(asdict(order))]
        self._hosts[name] = subprocess.Popen(command)
        until(lambda: self._id_of(name))
        return self._id_of(name)

    def signal(self, name: str, number: signal.Signals) -> None:
        """Stop, continue or kill a host's supervisor; never its workers."""
        self._hosts[name].send_signal(number)

    def create(self) -> str:
        """Queue a job and return its id."""
        request_id = str(uuid.uuid4())
        new = NewJob(spec=job_spec(), sent_spec="{}", request_id=request_id, request_hash="h")
        return self.store.create_job(new).job.job_id

    def until_final(self, *job_ids: str) -> None:
        """Wait until jobs ended."""
        until(lambda: all(self.store.look(job_id).state in FINAL_STATES for job_id in job_ids))

    def states(self, job_id: str) -> list[JobState]:
        """Return the states that a job went through."""
        return [event.to_state for event in self.said(job_id, StateChanged)]

    def steps(self, job_id: str) -> list[int]:
        """Return the steps that were stored."""
        events = self.store.events(job_id, after_seq=0, limit=10_000)
        return [one.event.step for one in events if hasattr(one.event, "images_per_s")]

    def said(self, job_id: str, kind: type) -> list:
        """Return the events of one kind."""
        events = self.store.events(job_id, after_seq=0, limit=10_000)
        return [one.event for one in events if isinstance(one.event, kind)]

    def spools(self, job_id: str) -> list[Path]:
        """Return what workers of a job wrote, on any host: the witness beside the database."""
        return sorted(self.folder.glob(f"*/jobs/{job_id}/attempt-*/spool.jsonl"))

    def workers(self, name: str = "*") -> list[psutil.Process]:
        """Return the worker processes of a host, or of all, that run."""
        homes = [str(home) for home in self.folder.glob(name)]
        return [one for one in psutil.process_iter() if _works_below(one, homes)]

    def close(self) -> None:
        """Leave nothing running."""
        for process in self._hosts.values():
            process.send_signal(signal.SIGCONT)
            process.kill()
            process.wait()
        for worker in self.workers():
            with contextlib.suppress(psutil.Error):
                worker.kill()
        self.store.close()

    def _id_of(self, name: str) -> str:
        known = {host.name: host.host_id for host in self.store.hosts()}
        return known.get(name, "")


def _works_below(process: psutil.Process, homes: list[str]) -> bool:
    with contextlib.suppress(psutil.Error):
        is_over = process.status() == psutil.STATUS_ZOMBIE
        if not is_over and NONCE_VARIABLE in process.environ():
            return any(word.startswith(f"{home}/") for word in process.cmdline() for home in homes)
    return False


def until(is_so) -> None:
    """Wait until something is so; the store may be away for a while."""
    deadline = time.monotonic() + PATIENCE_S
    while not _is(is_so):
        assert time.monotonic() < deadline, "it never came to be so"
        time.sleep(0.05)


def _is(is_so) -> bool:
    with contextlib.suppress(StoreUnavailable):
        return bool(is_so())
    return False


@pytest.fixture
def site(tmp_path) -> Iterator[Site]:
    """Two hosts' surroundings: a database server of this test alone, which it may crash."""
    if server_folder() is None:
        pytest.skip("PostgreSQL's server is not installed")
    folder = Path(tempfile.mkdtemp(prefix="pg"))
    folder.chmod(0o755)
    with postgres_server(folder) as url:
        made = Site(tmp_path, url, folder)
        try:
            yield made
        finally:
            made.close()
    shutil.rmtree(folder)


def assert_ran_once(site: Site, job_id: str) -> None:
    assert site.states(job_id) == ONCE
    assert site.steps(job_id) == [1, 2, 3, 4, 5]
    assert len(site.spools(job_id)) == 1
    assert len(site.store.exports(job_id)) == 1
    assert [attempt.number for attempt in site.store.attempts(job_id)] == [1]


def test_two_hosts_run_each_job_of_one_queue_once(site):
    site.worker_does(steps=5)
    hosts = {site.start("north", num_devices=2), site.start("south", num_devices=2)}

    jobs = [site.create() for _ in range(20)]
    site.until_final(*jobs)

    for job_id in jobs:
        assert_ran_once(site, job_id)
    assert {site.store.attempts(job_id)[0].host for job_id in jobs} == hosts


def test_a_database_that_crashes_in_between_loses_no_job_and_doubles_none(site):
    site.worker_does(steps=5, pause_s=0.1)
    site.start("north", num_devices=2, timeout_s=60.0)
    site.start("south", num_devices=2, timeout_s=60.0)
    jobs = [site.create() for _ in range(6)]
    until(lambda: len(site.workers()) >= 2)

    restart_postgres(site.postgres_folder)
    site.until_final(*jobs)

    for job_id in jobs:
        assert_ran_once(site, job_id)


def test_a_host_that_falls_silent_loses_its_job_to_another_and_cannot_write_any_more(site, counted):
    """SIGSTOP on the supervisor alone: its worker goes by itself, before another host begins."""
    site.worker_does(steps=10_000, pause_s=0.02, snapshot_every=10)
    north = site.start("north", timeout_s=3.0)
    job_id = site.create()
    until(lambda: len(site.steps(job_id)) > 20)

    site.signal("north", signal.SIGSTOP)
    south = site.start("south", timeout_s=3.0)
    until(lambda: site.store.find_job(job_id).attempt == 2)
    at_takeover = site.workers("north")
    until(lambda: len(site.workers("south")) == 1)
    site.signal("north", signal.SIGCONT)
    until(lambda: len(site.steps(job_id)) > 100)

    assert at_takeover == site.workers("north") == []
    assert [attempt.host for attempt in site.store.attempts(job_id)] == [north, south]
    (end,) = site.said(job_id, AttemptEnded)
    assert end.exit_class is ExitClass.HOST_LOST
    assert_no_word_of_attempt_1_after_its_end(site, job_id)
    assert unsent_lines(site, job_id) > 0
    counted(stopped_hosts=1, words_after_the_end=0, lines_refused=unsent_lines(site, job_id))


@pytest.mark.full
def test_a_worker_that_does_not_go_by_itself_is_killed_by_the_host_that_lost_it(site):
    site.worker_does(steps=10_000, pause_s=0.02, is_deaf=True)
    site.start("north", timeout_s=3.0)
    job_id = site.create()
    until(lambda: site.steps(job_id))

    site.signal("north", signal.SIGSTOP)
    site.worker_does(steps=5)
    site.start("south", timeout_s=3.0)
    site.until_final(job_id)
    still_there = site.workers("north")
    site.signal("north", signal.SIGCONT)
    until(lambda: not site.workers("north"))

    assert len(still_there) == 1
    assert site.store.look(job_id).state is JobState.SUCCEEDED
    assert_no_word_of_attempt_1_after_its_end(site, job_id)


def assert_no_word_of_attempt_1_after_its_end(site: Site, job_id: str) -> None:
    events = site.store.events(job_id, after_seq=0, limit=100_000)
    end = next(one.seq for one in events if isinstance(one.event, AttemptEnded))
    assert [one.seq for one in events] == list(range(1, len(events) + 1))
    assert {one.attempt for one in events if one.seq > end + 1} == {2}


def unsent_lines(site: Site, job_id: str) -> int:
    """Return how many lines of the first worker came too late to be stored."""
    first = site.spools(job_id)[0].read_text().count("\n")
    stored = site.store.attempts(job_id)[0].num_lines_stored
    return first - stored

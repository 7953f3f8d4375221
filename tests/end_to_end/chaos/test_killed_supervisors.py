"""kill -9 of the supervisor at points of time drawn by seed: its job trains on, the next supervisor
adopts it, and what is stored is what the worker said, once.
"""

import json
import random
import time
from pathlib import Path

import pytest

from tests.end_to_end.chaos.conftest import processes_of
from tests.fakes.chaos_site import STARTED_FILE, ChaosSite
from trainer_service.jobs import (
    SPOOL_FILE,
    AttemptEnded,
    JobState,
    ModelReady,
    RunSpec,
    StateChanged,
)
from trainer_service.jobs.events import event_kind

SEED = 13
LONGEST_LIFE_S = 0.4
"""Of a supervisor that has adopted its job."""
OF_THE_SUPERVISOR = (StateChanged, ModelReady, AttemptEnded)


def kill_supervisors(site: ChaosSite, job_id: str, count: int) -> list[float]:
    """Kill one supervisor after another; return how long each took to adopt and to tell more."""
    rng = random.Random(SEED)
    adopted_s = []
    for _ in range(count):
        known = site.step(job_id)
        supervisor = site.start_supervisor()
        try:
            site.until(lambda known=known: site.step(job_id) > known)
            began = float((site.home / STARTED_FILE).read_text())
            adopted_s.append(time.monotonic() - began)
            time.sleep(rng.uniform(0, LONGEST_LIFE_S))
        finally:
            supervisor.kill()
            supervisor.wait()
        assert site.store.look(job_id).state is JobState.RUNNING
    return adopted_s


def spooled_kinds(folder: Path) -> list[str]:
    """Return the kinds of what the worker said, but for its last word."""
    lines = (folder / SPOOL_FILE).read_text().splitlines()
    return [json.loads(line)["kind"] for line in lines[:-1]]


def assert_all_told_once(site: ChaosSite, job_id: str) -> None:
    """The log is the spool and the supervisor's own words: dense, each line once, in order."""
    events = site.events(job_id)
    assert [each.seq for each in events] == list(range(1, len(events) + 1))
    told = [each.event for each in events if not isinstance(each.event, OF_THE_SUPERVISOR)]
    assert [event_kind(event) for event in told] == spooled_kinds(site.folder(job_id))
    steps = [event.step for event in told if event_kind(event) == "step_metrics"]
    assert steps == list(range(1, len(steps) + 1))


def kill_and_finish(site: ChaosSite, count: int) -> None:
    """Kill supervisors of a job that would run for hours, then have it cancelled."""
    job_id = site.create(run=RunSpec(snapshot_interval_s=0.2), num_epochs=100_000)

    adopted_s = kill_supervisors(site, job_id, count)

    print("adopted after", [f"{each:.1f} s" for each in adopted_s])
    site.store.request_cancel(job_id, request_id="r", request_hash="h", reason="enough")
    last = site.start_supervisor()
    try:
        site.until(lambda: site.store.look(job_id).state is JobState.CANCELLED)
        assert site.store.find_job(job_id).attempt == 1
        assert_all_told_once(site, job_id)
    finally:
        last.kill()
        last.wait()
    assert processes_of(site) == []


def test_a_job_outlives_its_supervisors(site: ChaosSite) -> None:
    kill_and_finish(site, 3)


@pytest.mark.full
@pytest.mark.timeout(1800)
def test_a_job_outlives_twenty_supervisors(site: ChaosSite) -> None:
    kill_and_finish(site, 20)

"""Killing the supervisor at any step loses no job, runs none twice, and keeps the log whole."""

import asyncio
import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from tests.fakes import supervisor_program
from trainer_service.jobs import EpochMetrics, ExitClass, JobState, Planned, RunSpec

PROGRAM = Path(supervisor_program.__file__)

STEPS = [
    ("before", "claim", 1),
    ("after", "claim", 1),
    ("before", "pin_model", 1),
    ("after", "pin_model", 1),
    ("before", "begin", 1),
    ("after", "begin", 1),
    ("before", "start", 1),
    ("after", "start", 1),
    ("before", "append_lines", 1),
    ("after", "append_lines", 1),
    ("after", "append_lines", 3),
    ("before", "adopt_file", 1),
    ("after", "adopt_file", 2),
    ("before", "finish", 1),
    ("after", "finish", 1),
]
"""Every step of a supervisor that leaves something behind."""


STEPS_OF_A_RETRY = [
    ("after", "drop_snapshots", 1),
    ("before", "move", 1),
    ("after", "move", 1),
    ("after", "claim", 2),
    ("before", "start", 2),
    ("after", "start", 2),
]
"""Every step between the end of an attempt and the begin of the next."""


def start_program(bench, *death: object) -> subprocess.Popen[bytes]:
    return subprocess.Popen(
        [sys.executable, str(PROGRAM), str(bench.home), str(bench.script), *map(str, death)]
    )


def assert_ran_exactly_once(bench, job_id: str, num_steps: int) -> None:
    events = bench.events(job_id)
    kinds = [type(event.event) for event in events]
    assert [event.seq for event in events] == list(range(1, len(events) + 1))
    assert bench.steps(job_id) == list(range(1, num_steps + 1))
    assert kinds.count(Planned) == 1
    assert kinds.count(EpochMetrics) == 1
    assert bench.states(job_id) == [
        JobState.QUEUED,
        JobState.PREPARING,
        JobState.RUNNING,
        JobState.SUCCEEDED,
    ]
    assert len(bench.store.exports(job_id)) == 1


@pytest.mark.parametrize(("when", "step", "count"), STEPS)
def test_a_supervisor_killed_at_a_step_is_replaced_without_loss(bench, when, step, count):
    bench.worker_does(steps=8, pause_s=0.05 * count)  # it is told in so many pieces at least
    job_id = bench.create()
    program = start_program(bench, when, step, count)
    assert program.wait(120) == -signal.SIGKILL, "it was not killed at that step"

    bench.run(job_id)

    assert_ran_exactly_once(bench, job_id, num_steps=8)
    assert bench.processes() == []


@pytest.mark.parametrize(("when", "step", "count"), STEPS_OF_A_RETRY)
def test_a_supervisor_killed_between_two_attempts_neither_loses_nor_doubles_one(
    bench, when, step, count
):
    bench.worker_does(steps=7, ends=["crash", "finished"], snapshot_every=2)
    job_id = bench.create()
    program = start_program(bench, when, step, count)
    assert program.wait(120) == -signal.SIGKILL, "it was not killed at that step"

    bench.run(job_id)

    assert bench.ends(job_id) == [ExitClass.CRASHED, ExitClass.FINISHED]
    assert bench.steps(job_id) == [1, 2, 3, 4, 5, 6, 7, 7]
    assert bench.saved(job_id) == ["1-2", "1-4", "1-6"]
    assert bench.processes() == []


def test_a_worker_goes_on_while_nobody_supervises_and_is_adopted(bench):
    bench.worker_does(steps=60, waits={"3": "nobody-looks", "50": "somebody-looks"})
    job_id = bench.create()
    program = start_program(bench)
    asyncio.run(bench.until_running(job_id))
    program.kill()
    program.wait()
    (worker,) = bench.processes()

    folder = bench.rooms.attempt_folder(job_id, 1)
    (folder / "nobody-looks").touch()
    spool = folder / "spool.jsonl"
    asyncio.run(bench.until(lambda: spool.read_bytes().count(b"\n") > 50))
    assert bench.processes()[0].pid == worker.pid
    assert len(bench.steps(job_id)) <= 3

    (folder / "somebody-looks").touch()
    bench.run(job_id)

    assert_ran_exactly_once(bench, job_id, num_steps=60)


def test_a_worker_that_died_while_nobody_supervised_ends_its_attempt(bench):
    bench.worker_does(end="hang")
    job_id = bench.create(run=RunSpec(max_failures=0))
    program = start_program(bench)
    spool = bench.rooms.attempt_folder(job_id, 1) / "spool.jsonl"
    asyncio.run(bench.until_running(job_id))
    program.kill()
    program.wait()
    asyncio.run(bench.until(lambda: spool.read_bytes().count(b"step_metrics") == 3))
    os.kill(bench.processes()[0].pid, signal.SIGKILL)
    asyncio.run(bench.until(lambda: not bench.processes()))

    job = bench.run(job_id)

    assert job.failure.reason == "WORKER_CRASHED"
    assert "how is not known" in job.failure.message
    assert bench.steps(job_id) == [1, 2, 3]


def test_stopping_a_supervisor_leaves_the_worker_alone(bench):
    bench.worker_does(end="hang")
    job_id = bench.create()

    async def scenario():
        async with bench.supervising():
            await bench.until_running(job_id)

    asyncio.run(scenario())

    assert len(bench.processes()) == 1
    assert bench.store.look(job_id).state is JobState.RUNNING


def test_a_slow_starting_worker_of_a_dead_supervisor_is_not_doubled(bench):
    bench.worker_does(start_s=1.0, steps=3)
    job_id = bench.create()
    program = start_program(bench, "after", "start", 1)
    program.wait(120)

    bench.run(job_id)

    assert_ran_exactly_once(bench, job_id, num_steps=3)

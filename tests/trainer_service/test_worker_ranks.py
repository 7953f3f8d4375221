"""Workers of several ranks as real processes: they train as one, and none is left behind."""

import os
import signal
import sys
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import psutil
import pytest

from tests.fakes.kill_points import Fault
from tests.fakes.mortal_worker import fault_file, write_fault
from tests.fakes.work_orders import write_tiny_order
from trainer_service.engines.process import ProcessEngine, WorkerProcess
from trainer_service.jobs import (
    LOG_FILE,
    SPOOL_FILE,
    Control,
    EpochMetrics,
    ExitClass,
    Failed,
    Finished,
    JobEvent,
    LastWord,
    Paused,
    RolledBack,
    RunSpec,
    SnapshotTaken,
    StepMetrics,
    WorkOrder,
    parse_spool_line,
    read_end,
    write_control,
    write_order,
)
from trainer_service.run_job import run_job
from trainer_service.stop_switch import StopSwitch

FULL = (pytest.mark.full, pytest.mark.timeout(900))
MORTAL_WORKER = (sys.executable, "-m", "tests.fakes.mortal_worker")
PATIENCE_S = 300.0
"""Only what never happens takes so long."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Attempt:
    """An attempt of a job of several ranks, with its worker."""

    folder: Path
    worker: WorkerProcess

    def told(self) -> list[JobEvent | LastWord]:
        """Return what the worker said so far."""
        spool = self.folder / SPOOL_FILE
        lines = spool.read_bytes().splitlines(keepends=True) if spool.exists() else []
        return [parse_spool_line(line).event for line in lines if line.endswith(b"\n")]

    def of(self, kind: type[JobEvent]) -> list[JobEvent]:
        """Return what it said of a kind."""
        return [event for event in self.told() if isinstance(event, kind)]

    def log(self) -> str:
        """Return what its processes printed."""
        return (self.folder / LOG_FILE).read_text()

    def until(self, is_so: Callable[[], object]) -> None:
        """Wait until something is so; fail when the worker is gone before."""
        deadline = time.monotonic() + PATIENCE_S
        while not is_so():
            assert time.monotonic() < deadline, f"it never came to be so\n{self.log()}"
            assert self.worker.is_alive() or is_so(), f"the worker is gone\n{self.log()}"
            time.sleep(0.05)

    def until_gone(self) -> None:
        """Wait for the end of every process."""
        deadline = time.monotonic() + PATIENCE_S
        while self.worker.processes():
            assert time.monotonic() < deadline, f"some never ended\n{self.log()}"
            time.sleep(0.05)

    def ended(self) -> LastWord:
        """Wait for the end of every process; return the last word."""
        self.until_gone()
        last = self.told()[-1]
        assert isinstance(last, LastWord), self.log()
        return last

    def rank(self, number: int) -> psutil.Process:
        """Return the process of a rank above 0."""
        for process in self.worker.processes():
            if process.environ().get("RANK") == str(number):
                return process
        raise AssertionError(f"there is no rank {number}")


Start = Callable[[WorkOrder], Attempt]


@pytest.fixture
def start(tmp_path: Path) -> Iterator[Start]:
    """Start the worker of an order, to which happens what its fault says; whatever is left of it
    is killed in the end.
    """
    started: list[Attempt] = []
    environment = {**os.environ, "PYTHONPATH": str(Path.cwd())}
    engine = ProcessEngine(environment=environment, num_threads=1)
    mortal = ProcessEngine(environment=environment, num_threads=1, command=MORTAL_WORKER)

    def begin(order: WorkOrder) -> Attempt:
        folder = tmp_path / f"attempt-{order.attempt}"
        folder.mkdir()
        write_order(folder, replace(order, export_dir=str(folder / "export")))
        chosen = mortal if fault_file(folder).exists() else engine
        attempt = Attempt(folder=folder, worker=chosen.start(folder, order.nonce))
        started.append(attempt)
        return attempt

    yield begin
    for attempt in started:
        attempt.worker.kill()


def order_for(folder: Path, num_ranks: int, **spec: object) -> WorkOrder:
    """Return an order for a tiny job that saves snapshots."""
    order = write_tiny_order(
        folder, norm="frozen_statistics", run=RunSpec(num_devices=num_ranks), **spec
    )
    return replace(order, snapshots_folder=str(folder / "snapshots"))


def endless(folder: Path) -> WorkOrder:
    """Return an order for two ranks that never comes to its end."""
    return order_for(folder, 2, num_epochs=100_000)


def run_program(folder: Path, text: str) -> Attempt:
    """Start a worker program of two ranks in place of ours."""
    order, program, place = order_for(folder, 2), folder / "program.py", folder / "attempt-1"
    program.write_text(text)
    place.mkdir()
    write_order(place, order)
    engine = ProcessEngine(
        environment={**os.environ, "PYTHONPATH": str(Path.cwd())},
        num_threads=1,
        command=(sys.executable, str(program)),
    )
    return Attempt(folder=place, worker=engine.start(place, order.nonce))


def epochs(events: Sequence[object]) -> list[tuple[str, dict[str, float]]]:
    """Return the metrics of every pass."""
    told = [event for event in events if isinstance(event, EpochMetrics)]
    return [(event.split, dict(event.values)) for event in told]


def require_alike(first: Sequence[object], second: Sequence[object]) -> None:
    """Fail unless both tell the same passes, but for rounding."""
    for (split, one), (other_split, other) in zip(epochs(first), epochs(second), strict=True):
        assert split == other_split
        assert other == pytest.approx(one, rel=1e-5)


def test_two_processes_train_as_one_and_another_number_goes_on(
    start: Start, tmp_path: Path
) -> None:
    """Saved in the middle by two, ended by one: what both told is what one tells that was never
    interrupted.
    """
    order = order_for(tmp_path, 2, num_epochs=10)
    wait = Fault(kind="wait", step="tell.step_metrics", when="after")
    write_fault(tmp_path / "attempt-1", wait)
    shared = start(order)
    shared.until(lambda: shared.of(StepMetrics))
    write_control(shared.folder, Control(command="pause", number=1))
    word = shared.ended()
    assert isinstance(word, Paused), word
    snapshot = shared.of(SnapshotTaken)[-1].snapshot  # type: ignore[union-attr]

    alone = replace(order, spec=replace(order.spec, run=RunSpec()))
    rest: list[JobEvent] = []
    resumed = replace(alone, attempt=2, resume_from=(snapshot,), export_dir=str(tmp_path / "b"))
    run_job(resumed, rest.append, StopSwitch())
    whole: list[JobEvent] = []
    run_job(replace(alone, export_dir=str(tmp_path / "a")), whole.append, StopSwitch())

    assert isinstance(rest[0], RolledBack)
    assert rest[0].to_step == word.step > 0
    require_alike(whole, [*shared.told(), *rest])


@pytest.mark.full
@pytest.mark.timeout(900)
def test_norms_that_train_see_their_part_and_the_job_ends(start: Start, tmp_path: Path) -> None:
    order = order_for(tmp_path, 2)
    attempt = start(replace(order, spec=replace(order.spec, norm="batch_statistics")))

    word = attempt.ended()

    assert isinstance(word, Finished), word
    assert len(epochs(attempt.told())) == 5


def test_a_rank_that_is_killed_ends_the_attempt_and_no_process_is_left(
    start: Start, tmp_path: Path
) -> None:
    attempt = start(endless(tmp_path))
    attempt.until(lambda: attempt.of(StepMetrics))

    attempt.rank(1).kill()
    word = attempt.ended()

    assert isinstance(word, Failed)
    assert word.exit_class is ExitClass.CRASHED
    assert word.reason == "WORKER_CRASHED"
    assert "rank 1 of 2: killed by signal 9" in word.message


def test_the_other_ranks_die_with_the_first(start: Start, tmp_path: Path) -> None:
    """Also one that stands still: nothing of it could see that."""
    attempt = start(endless(tmp_path))
    attempt.until(lambda: attempt.of(StepMetrics))
    attempt.rank(1).suspend()

    os.kill(attempt.worker.pid, signal.SIGKILL)

    attempt.until_gone()


@pytest.mark.full
@pytest.mark.timeout(900)
def test_a_rank_that_stands_still_stops_all_and_the_stacks_say_where(
    start: Start, tmp_path: Path
) -> None:
    """Nothing is told any more, which is how the supervisor sees it; then it kills all of them."""
    attempt = start(endless(tmp_path))
    attempt.until(lambda: attempt.of(StepMetrics))

    attempt.rank(1).suspend()
    num_told = -1
    while num_told != (num_told := len(attempt.told())):
        time.sleep(2)
    os.kill(attempt.worker.pid, signal.SIGUSR1)
    attempt.until(lambda: "joining.py" in attempt.log())
    attempt.worker.kill()

    attempt.until_gone()


LATE_RANK = """
import os, sys, time
from trainer_service import rank_programs, worker
rank_programs.NOTICE_S = 0.2
if os.environ.get("RANK"):
    worker.main(["worker", sys.argv[-1]])
    os._exit(3)
from trainer_service.run_job import whole_job
export = whole_job.export_backbone
def slow(*asked):
    time.sleep(3)
    return export(*asked)
whole_job.export_backbone = slow
sys.exit(worker.main(["worker", sys.argv[-1]]))
"""


@pytest.mark.full
@pytest.mark.timeout(900)
def test_a_rank_that_falls_over_when_its_part_is_done_disturbs_no_export(tmp_path: Path) -> None:
    """Such as in the driver of its device, which it lets go of at its end."""
    attempt = run_program(tmp_path, LATE_RANK)

    word = attempt.ended()

    assert isinstance(word, Finished), word


BROKEN_RANK = """
import os, sys
from trainer_service import worker
if os.environ.get("RANK") == "1":
    from trainer_service import run_job
    from trainer_service.errors import DeviceUnavailable
    def broken(*_):
        raise DeviceUnavailable("rank 1 has no device")
    run_job.run_job = broken
sys.exit(worker.main(["worker", sys.argv[-1]]))
"""


@pytest.mark.full
@pytest.mark.timeout(900)
def test_a_rank_that_fails_by_itself_ends_the_attempt_for_its_own_reason(tmp_path: Path) -> None:
    """The worker waits for it at the meeting point, and is told why nobody comes."""
    attempt = run_program(tmp_path, BROKEN_RANK)

    attempt.until_gone()

    end = read_end(attempt.folder)
    assert end is not None, attempt.log()
    assert (end.exit_class, end.reason) == (ExitClass.REFUSED, "DEVICE_UNAVAILABLE")
    assert end.detail == "rank 1 has no device"

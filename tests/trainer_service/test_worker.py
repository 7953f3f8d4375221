"""The worker program: who it says it is, and that it ends in one of three ways."""

import fcntl
import os
import resource
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path

import psutil
import pytest

from tests.fakes.work_orders import write_tiny_order
from trainer_service import worker
from trainer_service.jobs import (
    ALIVE_FILE,
    LOCK_FILE,
    SPOOL_FILE,
    WORKER_FILE,
    Cancelled,
    Control,
    ExitClass,
    Failed,
    Finished,
    JobEvent,
    LastWord,
    Paused,
    WorkOrder,
    parse_spool_line,
    read_identity,
    write_control,
    write_order,
)
from trainer_service.jobs.worker_end import WorkerEnd, exit_class_of

ROOT = Path(__file__).parents[2]


@pytest.fixture(autouse=True)
def own_signal_handler() -> Iterator[None]:
    """Give the test process its handler back."""
    before = signal.getsignal(signal.SIGTERM)
    yield
    signal.signal(signal.SIGTERM, before)


@pytest.fixture
def attempt(tmp_path: Path) -> Path:
    """Return an attempt's folder with an order in it."""
    return place(write_tiny_order(tmp_path, num_epochs=1), tmp_path)


def place(order: WorkOrder, folder: Path) -> Path:
    """Write an order into its attempt's folder."""
    attempt = folder / "attempt-1"
    attempt.mkdir()
    write_order(attempt, order)
    return attempt


def spooled(attempt: Path) -> list[JobEvent | LastWord]:
    """Return what the worker said so far."""
    path = attempt / SPOOL_FILE
    lines = path.read_bytes().splitlines(keepends=True) if path.exists() else []
    return [parse_spool_line(line).event for line in lines if line.endswith(b"\n")]


def work(attempt: Path) -> int:
    """Run the worker program in this process."""
    return worker.main(["worker", str(attempt)])


def test_a_finished_job_ends_with_its_exports(attempt: Path) -> None:
    assert work(attempt) == 0

    last = spooled(attempt)[-1]
    assert isinstance(last, Finished)
    assert all(Path(file.path).exists() for file in last.exports[0].files)
    identity = read_identity(attempt)
    assert identity is not None
    assert (identity.pid, identity.nonce) == (os.getpid(), "nonce1")
    assert identity.start_time == psutil.Process().create_time()


def test_an_attempt_runs_once(attempt: Path) -> None:
    work(attempt)
    before = (attempt / SPOOL_FILE).read_bytes()

    assert work(attempt) == 0

    assert (attempt / SPOOL_FILE).read_bytes() == before


def test_a_second_worker_leaves_without_a_word(attempt: Path) -> None:
    with (attempt / LOCK_FILE).open("ab") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)

        assert work(attempt) == 0

    assert not (attempt / SPOOL_FILE).exists()
    assert not (attempt / WORKER_FILE).exists()


def test_a_job_that_cannot_be_done_fails_with_its_reason(tmp_path: Path) -> None:
    order = write_tiny_order(tmp_path)
    (tmp_path / "data" / "red" / "broken.png").write_bytes(b"no image")
    attempt = place(order, tmp_path)

    assert work(attempt) == 0

    last = spooled(attempt)[-1]
    assert isinstance(last, Failed)
    assert (last.reason, last.exit_class) == ("DATA_INVALID", ExitClass.REFUSED)
    assert "broken.png" in last.message


def test_a_bug_is_internal_and_its_trace_is_in_the_log_alone(
    tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    order = write_tiny_order(tmp_path)
    broken = replace(order, model=replace(order.model, backbone_path=str(tmp_path)))
    attempt = place(broken, tmp_path)

    work(attempt)

    last = spooled(attempt)[-1]
    assert isinstance(last, Failed)
    assert (last.reason, last.exit_class) == ("INTERNAL", ExitClass.CRASHED)
    assert "Traceback" not in last.message
    assert "Traceback" in capfd.readouterr().err


@contextmanager
def largest_file(num_bytes: int) -> Iterator[None]:
    """Let no file of this process grow beyond a size, as a full disk would not."""
    usual = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (num_bytes, usual[1]))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, usual)


@pytest.mark.parametrize("num_bytes", [1_000_000, 1_470_000], ids=["safetensors", "torch.save"])
def test_a_full_disk_is_said_with_a_remedy(tmp_path: Path, num_bytes: int) -> None:
    """Each library has its own words for it; torch.save writes the larger file."""
    order = write_tiny_order(tmp_path, num_epochs=1)
    attempt = place(order, tmp_path)

    with largest_file(num_bytes):
        work(attempt)

    last = spooled(attempt)[-1]
    assert isinstance(last, Failed)
    assert (last.reason, last.exit_class) == ("DISK_FULL", ExitClass.DISK_FULL)
    assert f"no room to write below {str(tmp_path)!r}: make room" in last.message
    assert not Path(order.export_dir).exists()


def wait_until_training(attempt: Path, process: subprocess.Popen[bytes]) -> None:
    """Return once a few steps were told."""
    deadline = time.monotonic() + 120
    while len(spooled(attempt)) < 8 and process.poll() is None:
        assert time.monotonic() < deadline
        time.sleep(0.05)


def test_a_cancelled_worker_stops_at_the_next_step_and_says_so(tmp_path: Path) -> None:
    """The one test that starts the program itself: a real command and signal, a real exit."""
    attempt = place(write_tiny_order(tmp_path, num_epochs=10_000), tmp_path)
    command = [sys.executable, "-m", "trainer_service.worker", str(attempt)]
    log = (attempt / "log.txt").open("wb")
    with log, subprocess.Popen(command, cwd=ROOT, stdout=log, stderr=log) as process:
        try:
            wait_until_training(attempt, process)

            write_control(attempt, Control(command="cancel", number=1))
            process.terminate()

            assert process.wait(60) == 0, (attempt / "log.txt").read_text()
        finally:
            process.kill()  # a worker that ignores the signal must not outlive its test
    assert isinstance(spooled(attempt)[-1], Cancelled)
    assert not list(tmp_path.glob("export*"))
    assert (attempt / ALIVE_FILE).exists()


def test_a_worker_that_was_told_to_pause_before_it_began_has_nothing_to_save(
    attempt: Path,
) -> None:
    write_control(attempt, Control(command="pause", number=1))

    work(attempt)

    assert spooled(attempt)[-1] == Paused(step=0)


def test_a_worker_without_room_for_a_word_says_so_with_its_exit_code(attempt: Path) -> None:
    with largest_file(4):
        code = work(attempt)

    assert exit_class_of(WorkerEnd(exit_code=code)).exit_class is ExitClass.DISK_FULL

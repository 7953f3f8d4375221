"""How a worker hears: commands, a signal, and the silence of its supervisor."""

import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import psutil
import pytest

from trainer_service.jobs import (
    CONTROL_FILE,
    HEARTBEAT_FILE,
    Cancelled,
    Control,
    write_control,
)
from trainer_service.listening import Listener, Signals, listening
from trainer_service.stop_switch import StopRequested, StopSwitch

PATIENCE_S = 60.0


class Bench:
    """A listener whose clock stands still."""

    def __init__(self, folder: Path, *, silence_s: float = 0.0) -> None:
        self.now = 50.0
        self.num_deaths = 0
        self.folder = folder
        self.stop = StopSwitch(lambda: self.now)
        self.stop.training_begins()
        self.listener = Listener(
            folder,
            self.stop,
            grace_s=25.0,
            silence_s=silence_s,
            clock=lambda: self.now,
            last=self.die,
        )

    def die(self) -> None:
        """Count what would end the process."""
        self.num_deaths += 1

    def beat(self) -> None:
        """Touch the heartbeat as the supervisor does."""
        path = self.folder / HEARTBEAT_FILE
        path.touch()
        os.utime(path, ns=(0, int(self.now * 1e9)))

    def is_cancelled(self) -> bool:
        """Return whether work would stop now, for a cancel."""
        try:
            self.stop.check()
        except StopRequested as stopped:
            return stopped.word == Cancelled()
        return False


def test_without_commands_work_goes_on(tmp_path: Path) -> None:
    bench = Bench(tmp_path)

    bench.listener.look()

    assert bench.stop.asked is None


def test_a_pause_is_passed_on_with_its_number_and_time(tmp_path: Path) -> None:
    bench = Bench(tmp_path)
    write_control(tmp_path, Control(command="pause", number=4, within_s=30))

    bench.listener.look()

    asked = bench.stop.asked
    assert asked is not None
    assert (asked.is_pause, asked.number, asked.until) == (True, 4, 80.0)


def test_a_command_is_passed_on_once(tmp_path: Path) -> None:
    bench = Bench(tmp_path)
    write_control(tmp_path, Control(command="pause", number=4))
    bench.listener.look()
    bench.stop.withdraw_pause()

    write_control(tmp_path, Control(command="pause", number=4))
    bench.listener.look()

    assert bench.stop.asked is None


def test_going_on_withdraws_a_pause(tmp_path: Path) -> None:
    bench = Bench(tmp_path)
    write_control(tmp_path, Control(command="pause", number=4))
    bench.listener.look()

    write_control(tmp_path, Control(command="go_on", number=5))
    bench.listener.look()

    assert bench.stop.asked is None


def test_a_cancel_is_passed_on(tmp_path: Path) -> None:
    bench = Bench(tmp_path)
    write_control(tmp_path, Control(command="cancel", number=1))

    bench.listener.look()

    assert bench.is_cancelled()


def test_a_preemption_has_the_time_that_the_command_gives(tmp_path: Path) -> None:
    bench = Bench(tmp_path)
    write_control(tmp_path, Control(command="preempt", number=1, within_s=10))

    bench.listener.look(is_terminated=True)

    asked = bench.stop.asked
    assert asked is not None
    assert (asked.is_pause, asked.until) == (False, 60.0)


def test_a_signal_alone_asks_to_go_within_the_grace(tmp_path: Path) -> None:
    bench = Bench(tmp_path)

    bench.listener.look(is_terminated=True)

    asked = bench.stop.asked
    assert asked is not None
    assert (asked.is_pause, asked.until, asked.why) == (
        False,
        75.0,
        "a signal asked the worker to go",
    )


def test_a_signal_with_a_cancel_is_a_cancel(tmp_path: Path) -> None:
    bench = Bench(tmp_path)
    write_control(tmp_path, Control(command="cancel", number=1))

    bench.listener.look(is_terminated=True)

    assert bench.stop.asked is None
    assert bench.is_cancelled()


def test_a_file_that_is_no_command_changes_nothing(tmp_path: Path) -> None:
    bench = Bench(tmp_path)
    (tmp_path / CONTROL_FILE).write_text("{")

    bench.listener.look()

    assert bench.stop.asked is None


def test_a_supervisor_that_is_heard_keeps_the_worker(tmp_path: Path) -> None:
    bench = Bench(tmp_path, silence_s=30)
    for _ in range(5):
        bench.beat()
        bench.listener.look()
        bench.now += 29

    bench.listener.look()

    assert bench.stop.asked is None


@pytest.mark.parametrize("has_been_heard", [True, False])
def test_a_silent_supervisor_makes_the_worker_save_and_go(
    tmp_path: Path, has_been_heard: bool
) -> None:
    bench = Bench(tmp_path, silence_s=30)
    if has_been_heard:
        bench.beat()
    bench.listener.look()

    bench.now += 30
    bench.listener.look()

    asked = bench.stop.asked
    assert asked is not None
    assert asked.why == "nothing was heard of the supervisor for 30 s"
    assert bench.num_deaths == 0


def test_a_worker_that_stays_is_gone_before_another_host_may_begin(tmp_path: Path) -> None:
    bench = Bench(tmp_path, silence_s=30)
    bench.listener.look()

    bench.now += 57
    bench.listener.look()

    assert bench.num_deaths == 1


def test_a_heartbeat_of_another_clock_is_heard_by_its_change(tmp_path: Path) -> None:
    """Its time is years off; that it changes is what counts."""
    bench = Bench(tmp_path, silence_s=30)
    path = tmp_path / HEARTBEAT_FILE
    path.touch()
    for year in (1_000_000_000, 999_999_999):
        os.utime(path, (year, year))
        bench.listener.look()
        bench.now += 29

    bench.listener.look()

    assert bench.stop.asked is None


def test_without_a_limit_silence_is_borne(tmp_path: Path) -> None:
    bench = Bench(tmp_path)

    bench.now += 10**6
    bench.listener.look()

    assert bench.stop.asked is None


@pytest.fixture
def signals() -> Iterator[Signals]:
    """Return this process's signals, given back afterwards."""
    before = signal.getsignal(signal.SIGTERM)
    with closing(Signals()) as heard:
        yield heard
    assert signal.getsignal(signal.SIGTERM) is before


def until_asked(stop: StopSwitch) -> None:
    """Return once somebody asked to go."""
    deadline = time.monotonic() + PATIENCE_S
    while stop.asked is None:
        assert time.monotonic() < deadline
        time.sleep(0.01)


def test_a_signal_is_heard_while_the_block_runs(tmp_path: Path, signals: Signals) -> None:
    stop = StopSwitch()
    with listening(Listener(tmp_path, stop, grace_s=25), signals):
        os.kill(os.getpid(), signal.SIGTERM)

        until_asked(stop)


def test_a_signal_before_the_block_is_not_lost(tmp_path: Path, signals: Signals) -> None:
    stop = StopSwitch()
    os.kill(os.getpid(), signal.SIGTERM)

    with listening(Listener(tmp_path, stop, grace_s=25), signals):
        until_asked(stop)


DEEP_IN_A_LIBRARY = """
import hashlib, signal, threading, time
from pathlib import Path
from trainer_service.listening import Listener, Signals, listening
from trainer_service.stop_switch import StopSwitch

stop, naively_heard, signals = StopSwitch(), [], Signals()
signal.signal(signal.SIGTERM, lambda *_: naively_heard.append(1))

def tell():
    while stop.asked is None:
        time.sleep(0.01)
    print("heard", naively_heard, flush=True)

threading.Thread(target=tell, daemon=True).start()
with listening(Listener(Path("."), stop, grace_s=25), signals):
    print("deep", flush=True)
    hashlib.pbkdf2_hmac("sha256", b"", b"", 10**9)  # minutes without a look at signals
"""


def until_busy(pid: int) -> None:
    """Return once a process has computed for a while."""
    process = psutil.Process(pid)
    start_s = process.cpu_times().user
    deadline = time.monotonic() + PATIENCE_S
    while process.cpu_times().user < start_s + 0.2:
        assert time.monotonic() < deadline
        time.sleep(0.01)


def test_a_signal_is_heard_while_the_main_thread_is_deep_in_a_library(tmp_path: Path) -> None:
    """There Python's own handlers do not run, and the grace is running."""
    command = [sys.executable, "-c", DEEP_IN_A_LIBRARY]
    root = Path(__file__).parents[2]
    with subprocess.Popen(command, cwd=root, stdout=subprocess.PIPE, text=True) as process:
        try:
            assert process.stdout is not None
            assert process.stdout.readline() == "deep\n"
            until_busy(process.pid)

            process.terminate()

            assert process.stdout.readline() == "heard []\n"
        finally:
            process.kill()


def test_stacks_of_all_threads_are_written_when_somebody_asks(
    tmp_path: Path, signals: Signals, capfd: pytest.CaptureFixture[str]
) -> None:
    os.kill(os.getpid(), signal.SIGUSR1)

    said = capfd.readouterr().err
    assert "most recent call first" in said
    assert "test_stacks_of_all_threads" in said

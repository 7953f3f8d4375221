"""Process 1 with real processes below it: restarts, orphans, signals, bounded ends."""

import contextlib
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import psutil
import pytest

from tests.fakes.process_namespace import IN_A_NAMESPACE, namespaces_can_be_made

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="containers are Linux")

PATIENCE_S = 60
FOR_EVER = "while :; do sleep 0.05; done"
OBEYS = "trap 'exit 0' TERM;"
OBEDIENT = f"{OBEYS} {FOR_EVER}"


def until(is_so: Callable[[], object], what: str) -> None:
    """Wait for something that must happen."""
    deadline = time.monotonic() + PATIENCE_S
    while not is_so():
        assert time.monotonic() < deadline, f"{what}: not in {PATIENCE_S} s"
        time.sleep(0.01)


@contextmanager
def first_process(
    script: str,
    *flags: str,
    under: tuple[str, ...] = (),
    program: tuple[str, ...] = ("sh", "-c"),
) -> Iterator[subprocess.Popen[str]]:
    """Yield process 1 of a container whose program is a shell script; starts are quick."""
    command = [sys.executable, "-m", "trainer_service.container", "--first-wait-s", "0.05"]
    process = subprocess.Popen(
        [*under, *command, *flags, "--", *program, script], stderr=subprocess.PIPE, text=True
    )
    try:
        yield process
    finally:
        with contextlib.suppress(psutil.NoSuchProcess):
            for left in psutil.Process(process.pid).children(recursive=True):
                left.kill()
        process.kill()
        process.communicate()


def written(path: Path) -> list[str]:
    """Return the lines of a file that may not be there yet."""
    return path.read_text().splitlines() if path.exists() else []


def test_what_ends_is_started_again(tmp_path):
    """A program that is killed comes back as another process."""
    pids = tmp_path / "pids"
    with first_process(f"echo $$ >> {pids}; {OBEDIENT}"):
        until(lambda: len(written(pids)) == 1, "a start")
        os.kill(int(written(pids)[0]), signal.SIGKILL)
        until(lambda: len(written(pids)) == 2, "another start")

    assert len(set(written(pids))) == 2


def test_an_orphan_is_reaped_and_no_zombie_stays(tmp_path):
    """Without anybody who waits for it, a process that ended would hold its place for ever."""
    orphan = tmp_path / "orphan"
    script = f"(sh -c 'echo $$ > {orphan}.new; mv {orphan}.new {orphan}; exit 0' &); {OBEDIENT}"
    with first_process(script) as process:
        until(orphan.exists, "the orphan")
        pid = int(orphan.read_text())
        until(lambda: not psutil.pid_exists(pid), "its end")
        states = [one.status() for one in psutil.Process(process.pid).children(recursive=True)]

    assert psutil.STATUS_ZOMBIE not in states


def test_sigterm_reaches_the_program_and_its_status_is_ours(tmp_path):
    """An orchestrator signals process 1 alone."""
    ready = tmp_path / "ready"
    with first_process(f"trap 'exit 7' TERM; touch {ready}; while :; do sleep 0.05; done") as one:
        until(ready.exists, "the trap")
        one.send_signal(signal.SIGTERM)

        assert one.wait(timeout=PATIENCE_S) == 7


def test_a_program_that_does_not_stop_is_killed_in_time(tmp_path):
    """The orchestrator would kill everything, workers in the middle of a snapshot too."""
    ready = tmp_path / "ready"
    with first_process(f"trap '' TERM; touch {ready}; {FOR_EVER}", "--grace-s", "0.3") as one:
        until(ready.exists, "the start")
        one.send_signal(signal.SIGTERM)

        assert one.wait(timeout=PATIENCE_S) == 128 + signal.SIGKILL


def test_what_the_program_leaves_is_told_to_go_before_the_end(tmp_path):
    """A worker in a session of its own hears SIGTERM and has time to save."""
    saved, ready = tmp_path / "saved", tmp_path / "ready"
    worker = f"trap 'touch {saved}; exit 0' TERM; touch {ready}; while :; do sleep 0.05; done"
    with first_process(f'{OBEYS} setsid sh -c "{worker}" & {FOR_EVER}') as one:
        until(ready.exists, "the worker")
        one.send_signal(signal.SIGTERM)
        status = one.wait(timeout=PATIENCE_S)

    assert status == 0
    assert saved.exists()


def test_what_never_goes_is_killed(tmp_path):
    """The end is bounded."""
    ready = tmp_path / "ready"
    program = f"setsid sh -c \"trap '' TERM; touch {ready}; sleep 1000\" & {OBEDIENT}"
    with first_process(program, "--others-grace-s", "0.3") as one:
        until(ready.exists, "the worker")
        one.send_signal(signal.SIGTERM)
        one.wait(timeout=PATIENCE_S)
        assert one.stderr is not None

        assert "killing what did not go" in one.stderr.read()


def test_one_that_cannot_start_ends_the_container_with_its_status():
    """Whoever runs it then sees that the settings are wrong."""
    with first_process("exit 2") as one:
        assert one.wait(timeout=PATIENCE_S) == 2


def test_one_that_cannot_start_is_tried_again_while_a_worker_lives(tmp_path):
    """The job goes on; the container's end would be the job's."""
    starts = tmp_path / "starts"
    program = f"echo >> {starts}; [ -s {starts}.w ] || (setsid sleep 1000 & echo > {starts}.w); "
    with first_process(f"{program} exit 2") as one:
        until(lambda: len(written(starts)) >= 3, "three starts")

        assert one.poll() is None


def test_one_that_cannot_be_started_for_a_while_does_not_end_the_jobs(tmp_path):
    """Short of memory or process ids, a start fails that worked before."""
    starts, program = tmp_path / "starts", tmp_path / "program"
    worker = "setsid sleep 1000 2>&1 > /dev/null &"
    program.write_text(f"#!/bin/sh\necho $$ >> {starts}\n{worker}\nmv $0 $0.away\nexit 1\n")
    program.chmod(0o755)
    with first_process(str(program), program=()) as one:
        until(lambda: len(written(starts)) == 1, "a start")
        assert one.stderr is not None
        while "cannot start" not in one.stderr.readline():
            assert one.poll() is None
        (tmp_path / "program.away").rename(program)
        until(lambda: len(written(starts)) == 2 or one.poll() is not None, "another start")

        assert one.poll() is None


def test_a_program_that_does_not_answer_is_killed_and_started_again(tmp_path):
    """It lives and does nothing: nobody but its probe would notice."""
    pids = tmp_path / "pids"
    flags = ("--live", "http://127.0.0.1:1/live", "--start-s", "0.3", "--silence-s", "0.3")
    with first_process(f"echo $$ >> {pids}; {OBEDIENT}", *flags):
        until(lambda: len(written(pids)) >= 2, "another start")


@pytest.mark.skipif(not namespaces_can_be_made(), reason="process namespaces cannot be made here")
def test_it_is_process_1_where_the_kernel_protects_that_from_signals(tmp_path):
    """Process 1 hears only what it handles; the program comes back in the same container, and the
    end leaves nothing."""
    pids = tmp_path / "pids"
    script = f"{OBEYS} echo $PPID $$ >> {pids}; sleep 1000 & {FOR_EVER}"
    with first_process(script, under=(*IN_A_NAMESPACE, "--kill-child")) as outside:
        until(lambda: len(written(pids)) == 1, "a start")
        first = psutil.Process(outside.pid).children()[0]
        first.children()[0].kill()
        until(lambda: len(written(pids)) == 2, "another start")
        everything = first.children(recursive=True)
        first.send_signal(signal.SIGTERM)
        status = outside.wait(timeout=PATIENCE_S)
        _, alive = psutil.wait_procs(everything, timeout=PATIENCE_S)

    assert [line.split()[0] for line in written(pids)] == ["1", "1"]
    assert status == 0
    assert alive == []


def test_a_program_that_is_not_there_is_named():
    """The image lacks it."""
    command = [sys.executable, "-m", "trainer_service.container", "--", "no-such-program"]
    done = subprocess.run(command, capture_output=True, text=True, timeout=PATIENCE_S)

    assert done.returncode == 127
    assert "cannot start 'no-such-program': No such file" in done.stderr


def test_process_1_imports_nothing_but_the_standard_library():
    """It shares its memory limit with the jobs, and must never fail."""
    names = "import sys, trainer_service.container.__main__; print(*sys.modules, sep='\\n')"
    done = subprocess.run([sys.executable, "-c", names], capture_output=True, text=True)
    tops = {name.partition(".")[0] for name in done.stdout.split()}

    assert {"grpc", "psutil", "pydantic", "catalog_service", "vertebra"} & tops == set()

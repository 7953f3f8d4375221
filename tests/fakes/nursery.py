"""Starts workers without importing torch every time: a process that has, and forks.

    python -m tests.fakes.nursery <socket>

For each folder that somebody sends, it forks a worker in a session of its own, answers with its
pid, and writes `exit-code` into the folder when that is over: negative for a signal.
"""

import contextlib
import os
import select
import socket
import subprocess
import sys
import time
import traceback
from collections.abc import Iterator
from pathlib import Path

from tests.fakes.mortal_worker import work
from trainer_service.jobs import LOG_FILE

ROOT = Path(__file__).parents[2]
EXIT_CODE_FILE = "exit-code"
LOOK_S = 0.005
PATIENCE_S = 120.0


def serve(place: str) -> None:
    """Fork a worker for each folder that comes, until the socket is gone."""
    import torch

    from trainer_service import run_job
    from trainer_service.run_views import curves

    assert run_job and curves
    torch.set_num_threads(1)
    children: dict[int, Path] = {}
    with socket.socket(socket.AF_UNIX) as listener:
        listener.bind(place)
        listener.listen()
        while Path(place).exists():
            ready, _, _ = select.select([listener], [], [], LOOK_S)
            if ready:
                asking, _ = listener.accept()
                with asking:
                    folder = Path(asking.recv(4096).decode())
                    pid = os.fork()
                    if pid == 0:
                        listener.close()
                        asking.close()
                        _become_worker(folder)
                    children[pid] = folder
                    asking.send(str(pid).encode())
            _reap(children)


def _reap(children: dict[int, Path]) -> None:
    """Write down how those ended that ended."""
    with contextlib.suppress(ChildProcessError):
        while True:
            pid, status = os.waitpid(-1, os.WNOHANG)
            if not pid:
                return
            folder = children.pop(pid)
            staged = folder.with_name(f"{folder.name}.{EXIT_CODE_FILE}")
            staged.write_text(str(os.waitstatus_to_exitcode(status)))
            staged.rename(folder / EXIT_CODE_FILE)


def _become_worker(folder: Path) -> None:
    """Be the worker of an attempt, and nothing after that."""
    os.setsid()
    log = os.open(folder / LOG_FILE, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o644)
    os.dup2(log, 1)
    os.dup2(log, 2)
    code = 1
    try:
        code = work(folder)
    except BaseException:
        traceback.print_exc()
    finally:
        sys.stdout.flush()
        sys.stderr.flush()
        os._exit(code)


class Nursery:
    """Asks such a process.

    Args:
        place: of its socket.
    """

    def __init__(self, place: Path) -> None:
        self.place = place

    def start(self, folder: Path) -> int:
        """Return the pid of a new worker for the order in an attempt's folder."""
        with socket.socket(socket.AF_UNIX) as asking:
            asking.connect(str(self.place))
            asking.send(str(folder).encode())
            return int(asking.recv(64))

    def run(self, folder: Path) -> int:
        """Run the worker of an attempt to its end; return its exit code, negative for a signal."""
        self.start(folder)
        deadline = time.monotonic() + PATIENCE_S
        while (code := exit_code_of(folder)) is None:
            assert time.monotonic() < deadline, "the worker does not end"
            time.sleep(LOOK_S)
        return code


def exit_code_of(folder: Path) -> int | None:
    """Return how the worker of an attempt ended, None while it runs."""
    try:
        return int((folder / EXIT_CODE_FILE).read_text())
    except FileNotFoundError:
        return None


@contextlib.contextmanager
def nursery(folder: Path) -> Iterator[Nursery]:
    """Yield a nursery that is gone afterwards."""
    place, log = folder / "nursery", folder / "nursery.log"
    command = [sys.executable, "-m", "tests.fakes.nursery", str(place)]
    with log.open("ab") as output:
        process = subprocess.Popen(
            command,
            cwd=ROOT,
            env=os.environ | {"OMP_NUM_THREADS": "1"},
            stdout=output,
            stderr=output,
        )
    try:
        while not place.exists():
            assert process.poll() is None, log.read_text()[-2000:]
            time.sleep(LOOK_S)
        yield Nursery(place)
    finally:
        process.kill()
        process.wait()


if __name__ == "__main__":
    serve(sys.argv[1])

"""Workers as processes of this host: one per attempt, each in its own session.

A worker and everything that it starts carry the attempt's nonce in their environment. That is how
they are found again after this process was replaced, and how it is known that none is left.
"""

import contextlib
import os
import signal
import subprocess
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path

import psutil

from trainer_service.jobs import LOG_FILE, WorkerIdentity

NONCE_VARIABLE = "VERTEBRA_WORKER_NONCE"
WORKER_COMMAND = (sys.executable, "-m", "trainer_service.worker")
THREAD_VARIABLES = (
    "OMP_NUM_THREADS",
    "MKL_NUM_THREADS",
    "OPENBLAS_NUM_THREADS",
    "NUMEXPR_NUM_THREADS",
)
"""What numeric libraries read for the size of their thread pools."""
NOT_INHERITED = ("PYTHONDONTWRITEBYTECODE",)
"""Without bytecode every start of a worker would compile torch's Python files again."""
SAME_START_S = 2.0
"""Two readings of one process's start time differ by less, even when the clock is set between."""


class WorkerProcess:
    """A worker that was started here, or by the process that this one replaced.

    Args:
        nonce: of the attempt.
        pid: of the worker, which leads its session and process group; 0 where it is not known.
        start_time: psutil's `create_time` of that process.
        child: set when it is a child of this process; only then is its exit status known.
    """

    def __init__(
        self,
        *,
        nonce: str,
        pid: int = 0,
        start_time: float = 0.0,
        child: subprocess.Popen[bytes] | None = None,
    ) -> None:
        self.pid = pid
        self._nonce = nonce
        self._start_time = start_time
        self._child = child

    def is_alive(self) -> bool:
        """Return whether the worker itself runs."""
        if self._child is not None:
            return self._child.poll() is None
        with contextlib.suppress(psutil.Error):
            process = psutil.Process(self.pid) if self.pid else None
            return process is not None and self._is_ours(process)
        return False

    @property
    def exit_code(self) -> int | None:
        """The worker's exit code, negative for a signal; None where it cannot be known."""
        return self._child.poll() if self._child is not None else None

    def how_it_ended(self) -> str:
        """Return what is known of the end of a worker that is not alive, for people."""
        code = self.exit_code
        if code is None:
            return "it is gone; how it ended is unknown, because this server did not start it"
        if code >= 0:
            return f"exit code {code}"
        hint = "; the system kills so when memory runs out" if -code == signal.SIGKILL else ""
        return f"killed by signal {-code} ({signal.Signals(-code).name}){hint}"

    def processes(self) -> list[psutil.Process]:
        """Return every process of the worker that still runs, itself included."""
        belonging = [process for process in psutil.process_iter() if self._belongs(process)]
        self.is_alive()  # reaps it, if it is our child and dead
        return belonging

    def terminate(self) -> None:
        """Ask the worker to stop at its next step."""
        for process in self.processes():
            if process.pid == self.pid or not self.pid:
                _send(process, signal.SIGTERM)

    def kill(self) -> None:
        """Kill every process of the worker, itself first."""
        for process in sorted(self.processes(), key=lambda process: process.pid != self.pid):
            _send(process, signal.SIGKILL)

    def _is_ours(self, process: psutil.Process) -> bool:
        if process.status() == psutil.STATUS_ZOMBIE:
            return False
        try:
            return process.environ().get(NONCE_VARIABLE) == self._nonce
        except psutil.AccessDenied:
            return abs(process.create_time() - self._start_time) < SAME_START_S

    def _belongs(self, process: psutil.Process) -> bool:
        """Whether a process has our nonce, or is in the group of a worker that we started."""
        with contextlib.suppress(psutil.Error, OSError):
            if process.status() == psutil.STATUS_ZOMBIE:
                return False
            if self._child is not None and os.getpgid(process.pid) == self.pid:
                return True
            return process.environ().get(NONCE_VARIABLE) == self._nonce
        return False


class ProcessEngine:
    """Starts workers as processes of this host.

    Args:
        environment: what workers inherit, besides what this engine sets.
        num_threads: how many threads a worker's numeric libraries use.
        command: the worker program; the attempt's folder is appended.
    """

    def __init__(
        self,
        *,
        environment: Mapping[str, str],
        num_threads: int,
        command: Sequence[str] = WORKER_COMMAND,
    ) -> None:
        self._environment = environment
        self._num_threads = num_threads
        self._command = tuple(command)

    def start(self, folder: Path, nonce: str) -> WorkerProcess:
        """Start a worker for the order in `folder`, in its own session, its output in `log.txt`.

        Nothing is forked: without a `preexec_fn` Python starts programs by vfork, so no thread of
        this process is ever copied.
        """
        with (folder / LOG_FILE).open("ab") as log:
            child = subprocess.Popen(
                [*self._command, str(folder)],
                env=self._worker_environment(nonce),
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=subprocess.STDOUT,
                start_new_session=True,
            )
        return WorkerProcess(nonce=nonce, pid=child.pid, child=child)

    def find(self, nonce: str, identity: WorkerIdentity | None) -> WorkerProcess:
        """Return the worker of an attempt, alive or not. It may have been started by anybody."""
        if identity is not None and identity.nonce == nonce:
            return WorkerProcess(nonce=nonce, pid=identity.pid, start_time=identity.start_time)
        nameless = WorkerProcess(nonce=nonce)
        leaders = [process for process in nameless.processes() if _leads_session(process)]
        if not leaders:
            return nameless
        return WorkerProcess(nonce=nonce, pid=leaders[0].pid, start_time=leaders[0].create_time())

    def _worker_environment(self, nonce: str) -> dict[str, str]:
        inherited = {
            name: value for name, value in self._environment.items() if name not in NOT_INHERITED
        }
        threads = dict.fromkeys(THREAD_VARIABLES, str(self._num_threads))
        return inherited | threads | {NONCE_VARIABLE: nonce, "PYTHONUNBUFFERED": "1"}


def _leads_session(process: psutil.Process) -> bool:
    with contextlib.suppress(OSError):
        return os.getsid(process.pid) == process.pid
    return False


def _send(process: psutil.Process, number: signal.Signals) -> None:
    """Signal a process, unless it is gone or its pid belongs to another one by now."""
    with contextlib.suppress(psutil.Error):
        process.send_signal(number)

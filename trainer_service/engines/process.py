"""Workers as processes of this host: one per attempt, each in its own session.

A worker and everything that it starts carry the attempt's nonce in their environment. That is how
they are found again after this process was replaced, and how it is known that none is left.
"""

import contextlib
import os
import signal
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path

import psutil

from trainer_service.jobs import LOG_FILE, WorkerIdentity, read_order
from trainer_service.rank_place import RANK_VARIABLES

NONCE_VARIABLE = "VERTEBRA_WORKER_NONCE"
WORKER_COMMAND = (sys.executable, "-m", "trainer_service.worker")
THREAD_VARIABLES = (
    "OMP_NUM_THREADS",
    "MKL_NUM_THREADS",
    "OPENBLAS_NUM_THREADS",
    "NUMEXPR_NUM_THREADS",
)
"""What numeric libraries read for the size of their thread pools."""
WAITING_VARIABLES = {"GOMP_SPINCOUNT": "1000"}
"""How threads of numeric libraries wait for each other, unless the service's own environment says:
they spin for a moment, then sleep. By default they spin 300 times as long, and where other work
wants the cores that holds up the very thread that they wait for: training steps took 5 times longer
on 2 busy cores. Never spinning (OMP_WAIT_POLICY=PASSIVE) made steps 1.2 to 1.4 times longer on idle
ones; this much spinning, 1.0 to 1.2 times.

Source: our own measurements, tests/benchmarks/RESULTS.md, wait_policy.
"""
NOT_INHERITED = ("PYTHONDONTWRITEBYTECODE", *RANK_VARIABLES)
"""Without bytecode every start of a worker would compile torch's Python files again; and a service
that was itself started as a rank of something would make every worker one.
"""
SAME_START_S = 2.0
"""Two readings of one process's start time differ by less, even when the clock is set between."""


class Child:
    """A process that this one started. Dropping this object leaves the process alone.

    It is spawned: no thread or lock of this process is copied, as a fork would, and of its files
    it inherits none.
    """

    def __init__(self, command: Sequence[str], environment: Mapping[str, str], log: Path) -> None:
        append = os.O_WRONLY | os.O_CREAT | os.O_APPEND
        self.pid = os.posix_spawnp(
            command[0],
            list(command),
            environment,
            file_actions=[
                (os.POSIX_SPAWN_OPEN, 0, os.devnull, os.O_RDONLY, 0),
                (os.POSIX_SPAWN_OPEN, 1, str(log), append, 0o644),
                (os.POSIX_SPAWN_DUP2, 1, 2),
                *((os.POSIX_SPAWN_CLOSE, number) for number in _inheritable_files()),
            ],
            setsid=True,
        )
        self._exit_code: int | None = None

    def poll(self) -> int | None:
        """Return the exit code, negative for a signal; None while it runs."""
        if self._exit_code is None:
            pid, status = os.waitpid(self.pid, os.WNOHANG)
            self._exit_code = os.waitstatus_to_exitcode(status) if pid else None
        return self._exit_code


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
        child: Child | None = None,
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
            return "how is not known, for the trainer was started again after it had begun"
        if code >= 0:
            return f"exit code {code}"
        hint = "; the system kills so when memory runs out" if -code == signal.SIGKILL else ""
        return f"killed by signal {-code} ({_signal_name(-code)}){hint}"

    def processes(self) -> list[psutil.Process]:
        """Return every process of the worker that still runs, itself included."""
        return [process for process in psutil.process_iter() if self._belongs(process)]

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
        """Whether a process is the worker or one that it started, by its nonce. Where that cannot
        be read, as of a process that is being taken down, the start time tells pids apart.
        """
        if _is_over(process):
            return False
        try:
            return process.environ().get(NONCE_VARIABLE) == self._nonce
        except (psutil.AccessDenied, psutil.ZombieProcess):
            is_same_start = abs(process.create_time() - self._start_time) < SAME_START_S
            return process.pid == self.pid and is_same_start

    def _belongs(self, process: psutil.Process) -> bool:
        """Whether a process has our nonce, or is in the group of a worker that we started."""
        with contextlib.suppress(psutil.Error, OSError):
            if self._child is None:
                return self._is_ours(process)
            if process.pid == self.pid:
                return self.is_alive()  # and reaped, if it is not
            is_in_group = os.getpgid(process.pid) == self.pid and not _is_over(process)
            return is_in_group or self._is_ours(process)
        return False


class ProcessEngine:
    """Starts workers as processes of this host.

    Args:
        environment: what workers inherit, besides what this engine sets.
        num_threads: how many threads a worker's numeric libraries use.
        command: the worker program; the attempt's folder is appended.
        device_handles: what CUDA_VISIBLE_DEVICES calls this host's GPUs, by their index in orders;
            empty where there are none, and then nothing is hidden.
    """

    def __init__(
        self,
        *,
        environment: Mapping[str, str],
        num_threads: int,
        command: Sequence[str] = WORKER_COMMAND,
        device_handles: Sequence[str] = (),
    ) -> None:
        self._device_handles = tuple(device_handles)
        self._environment = environment
        self._num_threads = num_threads
        self._command = tuple(command)

    def start(self, folder: Path, nonce: str) -> WorkerProcess:
        """Start a worker for the order in `folder`, in its own session, its output in `log.txt`."""
        command = [*self._command, str(folder)]
        environment = self._worker_environment(nonce) | self._visible_devices(folder)
        child = Child(command, environment, folder / LOG_FILE)
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

    def _visible_devices(self, folder: Path) -> dict[str, str]:
        """Return the variables that show a worker the GPUs of its order, and no other job's."""
        if not self._device_handles:
            return {}
        indices = read_order(folder).device_indices
        return {
            "CUDA_VISIBLE_DEVICES": ",".join(self._device_handles[index] for index in indices),
            "CUDA_DEVICE_ORDER": "PCI_BUS_ID",
        }

    def _worker_environment(self, nonce: str) -> dict[str, str]:
        inherited = {
            name: value for name, value in self._environment.items() if name not in NOT_INHERITED
        }
        threads = dict.fromkeys(THREAD_VARIABLES, str(self._num_threads))
        return (
            WAITING_VARIABLES
            | inherited
            | threads
            | {NONCE_VARIABLE: nonce, "PYTHONUNBUFFERED": "1"}
        )


def _inheritable_files() -> list[int]:
    """Return the open files beyond the first three that a new program would get from us. Most are
    from whoever started this process, and a worker that kept them would keep pipes open.
    """
    found = []
    for path in Path("/dev/fd").iterdir():
        with contextlib.suppress(OSError):  # closed in the meantime
            if int(path.name) > 2 and os.get_inheritable(int(path.name)):
                found.append(int(path.name))
    return found


def _is_over(process: psutil.Process) -> bool:
    """Whether nothing of a process runs any more. While its threads end one after the other, a
    killed process looks like a zombie and still holds its memory, the GPU's too.
    """
    if process.status() != psutil.STATUS_ZOMBIE:
        return False
    threads = Path(f"/proc/{process.pid}/task")
    return not threads.is_dir() or len(list(threads.iterdir())) <= 1


def _signal_name(number: int) -> str:
    """Return `SIGKILL` and the like; of the real-time signals only two have a name."""
    try:
        return signal.Signals(number).name
    except ValueError:
        return "a real-time signal"


def _leads_session(process: psutil.Process) -> bool:
    with contextlib.suppress(OSError):
        return os.getsid(process.pid) == process.pid
    return False


def _send(process: psutil.Process, number: signal.Signals) -> None:
    """Signal a process, unless it is gone or its pid belongs to another one by now."""
    with contextlib.suppress(psutil.Error):
        process.send_signal(number)

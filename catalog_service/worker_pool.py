"""The parent side of the torch workers: a few spawned processes, one order each at a time.

The API process never imports torch; it hands plain JSON to a worker and gets plain JSON back, big
results travel as files. A worker that dies fails the one call that it was serving and is replaced.
"""

import json
import logging
import os
import queue
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Mapping
from contextlib import suppress
from dataclasses import dataclass
from typing import Any

from catalog_service.errors import KINDS, Unavailable, VertebraError
from catalog_service.serving.child_environment import inherited

log = logging.getLogger(__name__)

LENGTH_BYTES = 4
STOP_S = 2.0
"""How long a worker may take to notice that its input ended."""

DYING_S = 30.0
"""How long a worker whose output ended may take to end: its own status says more than a signal."""

_KINDS = {kind.__name__: kind for kind in KINDS}


class WorkerDied(Unavailable):
    """The process that was computing ended before it answered."""

    reason = "WORKER_DIED"


@dataclass(frozen=True, slots=True, kw_only=True)
class WorkerCall:
    """One order that a worker had. Names for `outcome`: `ok`, `refused`, `bug`, `died`."""

    function: str
    outcome: str
    waited_s: float
    """Until a worker was free."""
    worked_s: float


class _Worker:
    """One child process, started when it is first needed."""

    def __init__(self, command: list[str], num_threads: int) -> None:
        self._command = command
        self._environment = _environment(num_threads)
        self._process: subprocess.Popen[bytes] | None = None
        self.num_starts = 0

    def start(self) -> subprocess.Popen[bytes]:
        """Return the live process; a dead one is replaced."""
        if self._process is None or self._process.poll() is not None:
            self.num_starts += 1
            self._process = subprocess.Popen(
                self._command,
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                env=self._environment,
                start_new_session=True,  # a Ctrl-C at the terminal is the parent's to handle
            )
        return self._process

    def call(self, function: str, arguments: Mapping[str, Any]) -> dict[str, Any]:
        """Send one order and wait for its answer."""
        process = self.start()
        assert process.stdin is not None and process.stdout is not None
        content = json.dumps({"function": function, "arguments": arguments}).encode()
        try:
            process.stdin.write(len(content).to_bytes(LENGTH_BYTES, "big") + content)
            process.stdin.flush()
            header = process.stdout.read(LENGTH_BYTES)
            size = int.from_bytes(header, "big")
            answer = process.stdout.read(size) if len(header) == LENGTH_BYTES else b""
        except OSError:
            answer = b""
        if not answer or len(answer) < size:
            raise self._died(process, function)
        decoded: dict[str, Any] = json.loads(answer)
        return decoded

    def close(self) -> None:
        """End the process: its input ends, then it is killed."""
        process, self._process = self._process, None
        if process is None:
            return
        assert process.stdin is not None and process.stdout is not None
        with suppress(OSError):  # a dead worker did not read all of its order
            process.stdin.close()
        _ended(process, STOP_S)
        process.stdout.close()

    def _died(self, process: subprocess.Popen[bytes], function: str) -> WorkerDied:
        status = _ended(process, DYING_S)
        self.close()
        why = f"signal {-status}" if status < 0 else f"exit status {status}"
        return WorkerDied(
            f"the worker process ended during {function} ({why}); it was replaced: call again",
            metadata={"function": function, "status": str(status)},
            retry_after_s=1.0,
        )


class WorkerPool:
    """A fixed number of workers; a call waits until one is free.

    Args:
        num_workers: processes at most; each starts when it is first needed, or at `prewarm`.
        python: the interpreter that has torch.
        num_cores: shared out among the workers as torch threads.
        called: told of every call, from the thread that made it.
    """

    def __init__(
        self,
        num_workers: int = 1,
        *,
        python: str = sys.executable,
        num_cores: int | None = None,
        called: Callable[[WorkerCall], None] = lambda _: None,
    ) -> None:
        self._called = called
        cores = num_cores or len(os.sched_getaffinity(0))
        command = [python, "-m", "catalog_service.worker"]
        threads = max(1, cores // num_workers)
        self._workers = [_Worker(command, threads) for _ in range(num_workers)]
        self._idle: queue.LifoQueue[_Worker] = queue.LifoQueue()
        for worker in self._workers:
            self._idle.put(worker)
        self._closed = threading.Event()

    def call(self, function: str, arguments: Mapping[str, Any]) -> dict[str, Any]:
        """Return what a worker's function answers.

        Raises:
            VertebraError: what the function raised, of the same kind.
            WorkerDied: the process ended; the next call gets a new one.
        """
        asked_at = time.monotonic()
        worker = self._idle.get()
        began_at, outcome = time.monotonic(), "bug"
        try:
            if self._closed.is_set():
                raise WorkerDied("the catalog is shutting down", retry_after_s=1.0)
            result, outcome = _result(worker.call(function, arguments)), "ok"
            return result
        except VertebraError as error:
            outcome = "died" if isinstance(error, WorkerDied) else "refused"
            raise
        finally:
            self._idle.put(worker)
            worked_s, waited_s = time.monotonic() - began_at, began_at - asked_at
            self._called(
                WorkerCall(function=function, outcome=outcome, waited_s=waited_s, worked_s=worked_s)
            )

    def prewarm(self) -> None:
        """Start all workers; they import torch while nobody waits."""
        if not self._closed.is_set():
            for worker in self._workers:
                worker.start()

    @property
    def num_restarts(self) -> int:
        """Return how many processes were started in place of one that had ended."""
        return sum(max(0, worker.num_starts - 1) for worker in self._workers)

    @property
    def num_busy(self) -> int:
        """Return how many workers have an order."""
        return len(self._workers) - self._idle.qsize()

    def pids(self) -> tuple[int, ...]:
        """Return the processes that were started and not yet seen dead."""
        processes = [worker._process for worker in self._workers]
        return tuple(p.pid for p in processes if p is not None and p.poll() is None)

    def close(self) -> None:
        """End all workers, whatever they are doing."""
        self._closed.set()
        for worker in self._workers:
            worker.close()


def _environment(num_threads: int) -> dict[str, str]:
    return inherited(os.environ) | {"VERTEBRA_WORKER_THREADS": str(num_threads)}


def _ended(process: subprocess.Popen[bytes], within_s: float) -> int:
    """Return the status of a process that is ending; one that goes on is killed."""
    try:
        return process.wait(within_s)
    except subprocess.TimeoutExpired:
        process.kill()
        return process.wait()


def _result(answer: dict[str, Any]) -> dict[str, Any]:
    if "failed" in answer:
        error = answer["failed"]
        raise _KINDS[error["kind"]](
            error["message"], reason=error["reason"], metadata=error["metadata"]
        )
    if "bug" in answer:
        log.error("a worker function failed", extra={"traceback": answer["bug"]})
        raise RuntimeError(f"a worker function failed: {answer['bug'].splitlines()[-1]}")
    done: dict[str, Any] = answer["done"]
    return done

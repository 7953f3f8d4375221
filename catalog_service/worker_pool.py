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
from collections.abc import Mapping
from contextlib import suppress
from typing import Any

from catalog_service.errors import KINDS, Unavailable

log = logging.getLogger(__name__)

LENGTH_BYTES = 4
STOP_S = 2.0
"""How long a worker may take to notice that its input ended."""

_KINDS = {kind.__name__: kind for kind in KINDS}


class WorkerDied(Unavailable):
    """The process that was computing ended before it answered."""

    reason = "WORKER_DIED"


class _Worker:
    """One child process, started when it is first needed."""

    def __init__(self, command: list[str], num_threads: int) -> None:
        self._command = command
        self._environment = _environment(num_threads)
        self._process: subprocess.Popen[bytes] | None = None

    def start(self) -> subprocess.Popen[bytes]:
        """Return the live process; a dead one is replaced."""
        if self._process is None or self._process.poll() is not None:
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
        try:
            process.wait(STOP_S)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()
        process.stdout.close()

    def _died(self, process: subprocess.Popen[bytes], function: str) -> WorkerDied:
        process.kill()
        status = process.wait()
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
    """

    def __init__(
        self,
        num_workers: int = 1,
        *,
        python: str = sys.executable,
        num_cores: int | None = None,
    ) -> None:
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
        worker = self._idle.get()
        try:
            if self._closed.is_set():
                raise WorkerDied("the catalog is shutting down", retry_after_s=1.0)
            return _result(worker.call(function, arguments))
        finally:
            self._idle.put(worker)

    def prewarm(self) -> None:
        """Start all workers; they import torch while nobody waits."""
        if not self._closed.is_set():
            for worker in self._workers:
                worker.start()

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
    """Return the worker's environment: ours, but byte code of torch may be kept."""
    environment = dict(os.environ)
    environment.pop("PYTHONDONTWRITEBYTECODE", None)
    environment["VERTEBRA_WORKER_THREADS"] = str(num_threads)
    return environment


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

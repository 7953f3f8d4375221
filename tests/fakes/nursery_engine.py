"""An engine whose workers come from a nursery: the worker program with torch imported already."""

import contextlib
import os
import signal
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import psutil

from tests.fakes.nursery import Nursery, exit_code_of
from trainer_service.jobs import LOG_FILE, WorkerIdentity, read_order, write_order


class NurseryWorker:
    """A worker that a nursery started, and all in its session.

    Args:
        folder: of the attempt; None where the worker was not found.
    """

    def __init__(self, pid: int, folder: Path | None) -> None:
        self.pid = pid
        self._folder = folder

    @property
    def exit_code(self) -> int | None:
        """The exit code, which the nursery writes down."""
        return exit_code_of(self._folder) if self._folder else None

    def is_alive(self) -> bool:
        """Return whether it runs."""
        return bool(self.pid) and _runs(self.pid)

    def how_it_ended(self) -> str:
        """Return its exit code, for people."""
        return f"exit code {self.exit_code}"

    def processes(self) -> Sequence[psutil.Process]:
        """Return what runs in its session."""
        pids = [pid for pid in psutil.pids() if self.pid and self._has(pid) and _runs(pid)]
        return [psutil.Process(pid) for pid in pids if psutil.pid_exists(pid)]

    def _has(self, pid: int) -> bool:
        with contextlib.suppress(OSError):
            return self.pid in (pid, os.getsid(pid))
        return False

    def terminate(self) -> None:
        """Ask it to look up."""
        with contextlib.suppress(ProcessLookupError):
            if self.is_alive():
                os.kill(self.pid, signal.SIGTERM)

    def kill(self) -> None:
        """Kill all of its session."""
        for process in self.processes():
            with contextlib.suppress(psutil.Error):
                process.kill()


def _runs(pid: int) -> bool:
    with contextlib.suppress(psutil.Error):
        return psutil.Process(pid).status() != psutil.STATUS_ZOMBIE
    return False


class NurseryEngine:
    """Starts workers in a nursery; another engine of the same nursery finds them by their log."""

    def __init__(self, nursery: Nursery, home: Path) -> None:
        self._nursery = nursery
        self._home = home

    def start(self, folder: Path, nonce: str) -> NurseryWorker:
        """Start a worker for the order in an attempt's folder."""
        assert not (folder / LOG_FILE).exists(), "an attempt is started once"
        write_order(folder, replace(read_order(folder), run_folder=""))  # drawing curves takes long
        return NurseryWorker(self._nursery.start(folder), folder)

    def find(self, nonce: str, identity: WorkerIdentity | None) -> NurseryWorker:
        """Return the worker of an attempt, alive or not."""
        if identity is None or identity.nonce != nonce:
            return NurseryWorker(0, None)
        folders = self._home.glob("jobs/*/attempt-*/worker.json")
        for found in folders:
            if f'"pid": {identity.pid},' in found.read_text() and nonce in found.read_text():
                return NurseryWorker(identity.pid, found.parent)
        return NurseryWorker(identity.pid, None)

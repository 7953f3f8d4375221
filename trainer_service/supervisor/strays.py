"""Workers of this home that nobody follows: their jobs went to another host, or ended."""

import contextlib
from collections.abc import Collection, Iterator
from dataclasses import dataclass
from pathlib import Path

import psutil

from trainer_service.engines.process import NONCE_VARIABLE


@dataclass(frozen=True, slots=True, kw_only=True)
class FoundWorker:
    """A worker process, told by its nonce and the attempt's folder that it was given."""

    pid: int
    nonce: str
    folder: Path


def workers_of(home: Path) -> list[FoundWorker]:
    """Return the worker programs that run for attempts below `home`."""
    return [found for process in psutil.process_iter() for found in _as_worker(process, home)]


def strays(found: Collection[FoundWorker], followed: Collection[Path]) -> list[FoundWorker]:
    """Return the workers whose attempt nobody follows."""
    return [worker for worker in found if worker.folder not in followed]


def _as_worker(process: psutil.Process, home: Path) -> Iterator[FoundWorker]:
    with contextlib.suppress(psutil.Error, OSError):
        nonce = process.environ().get(NONCE_VARIABLE, "")
        words = process.cmdline() if nonce else []
        folder = Path(words[-1]) if words else Path()
        if folder.is_relative_to(home / "jobs"):
            yield FoundWorker(pid=process.pid, nonce=nonce, folder=folder)

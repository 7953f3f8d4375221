"""What every engine can do: start, find and stop what runs one attempt."""

from collections.abc import Sequence
from pathlib import Path
from typing import Protocol

import psutil

from trainer_service.jobs import WorkerIdentity


class Worker(Protocol):
    """What runs one attempt, seen from the supervisor's host: a process and all that belong to it.

    With Ray it is the driver; what it started on other hosts ends with it.
    """

    @property
    def pid(self) -> int:
        """Return its process id; 0 where it is not known."""
        ...

    @property
    def exit_code(self) -> int | None:
        """Return the exit code, negative for a signal; None where it cannot be known."""
        ...

    def is_alive(self) -> bool:
        """Return whether it runs."""
        ...

    def how_it_ended(self) -> str:
        """Return what is known of the end of a worker that is not alive, for people."""
        ...

    def processes(self) -> Sequence[psutil.Process]:
        """Return every process of it on this host that still runs, itself included."""
        ...

    def terminate(self) -> None:
        """Make it look at what it is told; told nothing, it saves and goes."""
        ...

    def kill(self) -> None:
        """Kill every process of it."""
        ...


class Engine(Protocol):
    """Starts workers, and finds those that another supervisor started."""

    def start(self, folder: Path, nonce: str) -> Worker:
        """Start a worker for the order in an attempt's folder."""
        ...

    def find(self, nonce: str, identity: WorkerIdentity | None) -> Worker:
        """Return the worker of an attempt, alive or not. It may have been started by anybody."""
        ...

"""A Ray actor that holds one device and watches over the worker process that uses it.

The worker is a process of its own: Ray's has threads, signal handlers and a gRPC runtime.
"""

import os
import socket
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path

WORKER = (sys.executable, "-m", "trainer_service.worker")
TIED = (sys.executable, "-m", "trainer_service.engines.tied_process")


class RankHost:
    """One rank's place. Ray runs it as an actor; every method returns at once."""

    def __init__(self) -> None:
        self._process: subprocess.Popen[bytes] | None = None

    def meeting_point(self) -> tuple[str, int]:
        """Return an address of this node and a port that is free there, for the ranks to meet."""
        import ray

        with socket.socket() as free:
            free.bind(("", 0))
            port: int = free.getsockname()[1]
        address: str = ray.util.get_node_ip_address()  # type: ignore[no-untyped-call]
        return address, port

    def node_id(self) -> str:
        """Return the node that this actor is on."""
        import ray

        return str(ray.get_runtime_context().get_node_id())

    def start(self, folder: str, log: str, environment: Mapping[str, str]) -> None:
        """Start the worker of an attempt; it dies with this actor."""
        with Path(log).open("ab") as output:
            self._process = subprocess.Popen(
                [*TIED, str(os.getpid()), *WORKER, folder],
                env={**os.environ, **environment},
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=subprocess.STDOUT,
            )

    def poll(self) -> int | None:
        """Return the worker's exit code, negative for a signal; None while it runs."""
        return None if self._process is None else self._process.poll()

    def terminate(self) -> None:
        """Make the worker look at what it is told."""
        if self._process is not None:
            self._process.terminate()

    def kill(self) -> None:
        """Kill the worker."""
        if self._process is not None:
            self._process.kill()

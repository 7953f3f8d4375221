"""Starts the programs that ours are measured beside, each as a process of its own."""

import re
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True, slots=True, kw_only=True)
class Peer:
    """A server that runs."""

    address: str
    pid: int


@contextmanager
def naive_grpc(path: Path, num_events: int = 0) -> Iterator[Peer]:
    """Yield the gRPC server of `naive_grpc.py`."""
    command = ["-m", "tests.benchmarks.naive_grpc", str(path), str(num_events)]
    with _running(command, r"(\d+)") as peer:
        yield peer


@contextmanager
def http_server(folder: Path) -> Iterator[Peer]:
    """Yield Python's own file server."""
    command = ["-u", "-m", "http.server", "--bind", "127.0.0.1", "--directory", str(folder), "0"]
    with _running(command, r"port (\d+)") as peer:
        yield peer


@contextmanager
def _running(arguments: list[str], port: str) -> Iterator[Peer]:
    """Yield a Python program that prints its port in its first line."""
    process = subprocess.Popen(
        [sys.executable, *arguments],
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        text=True,
    )
    assert process.stdout is not None
    with process.stdout:
        try:
            found = re.search(port, process.stdout.readline())
            assert found, f"{arguments} did not start"
            yield Peer(address=f"127.0.0.1:{found[1]}", pid=process.pid)
        finally:
            process.kill()
            process.wait()

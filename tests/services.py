"""Starts the real services as their own processes, the way `vertebra up` does."""

import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

START_TIMEOUT_S = 240
"""A start costs 3 s of a processor, of which a busy machine gives a twentieth."""
STOP_TIMEOUT_S = 90


@dataclass(frozen=True, slots=True, kw_only=True)
class Service:
    """A running service process."""

    address: str
    admin_address: str
    process: subprocess.Popen[bytes]
    log: Path

    @property
    def pid(self) -> int:
        """The API process."""
        return self.process.pid

    def kill(self) -> None:
        """End the API process as a power cut would: no handler runs."""
        self.process.kill()
        self.process.wait()

    def stop(self) -> int:
        """Ask the process to stop in order; return its exit status."""
        if self.process.poll() is None:
            self.process.send_signal(signal.SIGTERM)
        return self.process.wait(timeout=STOP_TIMEOUT_S)


def start_service(
    module: str, home: Path, variables: Mapping[str, str], *, under: Sequence[str] = ()
) -> Service:
    """Start `python -m <module>` on free ports and wait until it says that it serves.

    Args:
        under: a command that runs it as its own child or itself, such as `strace -D`.
    """
    prefix = "VERTEBRA_" + module.removesuffix("_service").upper()
    home.mkdir(parents=True, exist_ok=True)
    ready = home / f"{module}.ready.json"
    ready.unlink(missing_ok=True)
    log = home / f"{module}.log"
    environment = {
        **{name: value for name, value in os.environ.items() if not name.startswith("VERTEBRA_")},
        f"{prefix}_LISTEN": "127.0.0.1:0",
        f"{prefix}_ADMIN_LISTEN": "127.0.0.1:0",
        f"{prefix}_HOME": str(home),
        f"{prefix}_READY_FILE": str(ready),
        **variables,
    }
    environment.pop("PYTHONDONTWRITEBYTECODE", None)
    with log.open("ab") as output:
        process = subprocess.Popen(
            [*under, sys.executable, "-m", module], env=environment, stdout=output, stderr=output
        )
    addresses = _wait_until_ready(process, ready, log)
    return Service(
        address=addresses["address"],
        admin_address=addresses["admin_address"],
        process=process,
        log=log,
    )


def _wait_until_ready(
    process: subprocess.Popen[bytes], ready: Path, log: Path
) -> Mapping[str, str]:
    deadline = time.monotonic() + START_TIMEOUT_S
    while time.monotonic() < deadline:
        if ready.exists():
            addresses: dict[str, str] = json.loads(ready.read_text())
            return addresses
        assert process.poll() is None, f"the service ended: {log.read_text()[-2000:]}"
        time.sleep(0.02)
    process.kill()
    process.wait()
    raise AssertionError(f"not ready after {START_TIMEOUT_S} s: {log.read_text()[-2000:]}")


@contextmanager
def running_catalog(
    home: Path, *, under: Sequence[str] = (), **variables: str
) -> Iterator[Service]:
    """Yield a catalog that asks nobody and whose caches are empty, unless `variables` say so."""
    empty = {
        "TORCH_HOME": str(home / "no-torch-home"),
        "XDG_CACHE_HOME": str(home / "no-cache"),
        "HF_HOME": str(home / "no-hf-home"),
        "HF_HUB_CACHE": "",
        "HF_TOKEN": "",
        "VERTEBRA_CATALOG_OFFLINE": "1",
    }
    service = start_service("catalog_service", home, {**empty, **variables}, under=under)
    try:
        yield service
    finally:
        service.stop()


@contextmanager
def running_trainer(home: Path, catalog: Service, **variables: str) -> Iterator[Service]:
    """Yield a trainer that gets its models from `catalog`."""
    service = start_service(
        "trainer_service", home, {"VERTEBRA_TRAINER_CATALOG": catalog.address, **variables}
    )
    try:
        yield service
    finally:
        service.stop()

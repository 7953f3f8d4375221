"""Both services as children of this process: started in order, watched, stopped in order."""

import os
import shutil
import tempfile
import time
from collections.abc import Callable, Sequence
from importlib.util import find_spec
from pathlib import Path
from types import TracebackType
from typing import Self

from vertebra.local_service import POLL_S, START_TIMEOUT_S, LocalServicesFailed, Service

CATALOG_PORT, TRAINER_PORT = 50551, 50552
FREE_PORTS = (0, 0)

PACKAGES = (
    "catalog_service",
    "trainer_service",
    "sqlalchemy",
    "alembic",
    "urllib3",
    "pydantic_settings",
    "psutil",
    "prometheus_client",
    "safetensors",
    "torch",
    "torchvision",
    "sklearn",
    "torchmetrics",
)
"""What the extra `trainer` brings."""


def missing_packages() -> list[str]:
    """Return what the services need and what is not installed."""
    return [name for name in PACKAGES if find_spec(name) is None]


class LocalServices:
    """Both services on this machine with embedded defaults, serving inside the `with`.

    Leaving stops the trainer, then the catalog; running jobs go on by themselves, and the next
    trainer with the same home finds them again.

    Args:
        home: their files: databases, blobs, jobs, logs.
        ports: of catalog and trainer; 0 is a free port.
        data_roots: jobs may read below these; none means the user's home folder.
        mirrors: folders and URLs with copies of weight files.
        is_offline: no server is asked for weights.
        slots: jobs that run at once and share the cores; None is the trainer's own setting.

    Raises:
        LocalServicesFailed: on entering; then nothing is left running.
    """

    def __init__(
        self,
        home: Path,
        *,
        ports: tuple[int, int] = (CATALOG_PORT, TRAINER_PORT),
        data_roots: Sequence[Path] = (),
        mirrors: Sequence[str] = (),
        is_offline: bool = False,
        slots: int | None = None,
    ) -> None:
        self.home = home.expanduser().absolute()
        self._data_roots = [folder.expanduser().absolute() for folder in data_roots]
        self._http_mirrors = [mirror for mirror in mirrors if "://" in mirror]
        folders = [Path(mirror) for mirror in mirrors if "://" not in mirror]
        self._mirrors = [folder.expanduser().absolute() for folder in folders]
        self._is_offline = is_offline
        self._slots = slots
        self.on_listening: Callable[[LocalServices], None] | None = None
        """Called once both listen, before they are asked whether they serve: the last moment to
        start another process, since one that has used gRPC must not fork."""
        self._ready_folder = Path(tempfile.mkdtemp(prefix="vertebra-up-"))
        self.catalog = self._service("catalog_service", ports[0])
        self.trainer = self._service("trainer_service", ports[1])

    def _service(self, module: str, port: int) -> Service:
        log = self.home / "logs" / f"{module.removesuffix('_service')}.log"
        return Service(module, port=port, log=log, ready_file=self._ready_folder / module)

    @property
    def catalog_address(self) -> str:
        """`host:port` of the catalog."""
        return self.catalog.address

    @property
    def trainer_address(self) -> str:
        """`host:port` of the trainer."""
        return self.trainer.address

    def __enter__(self) -> Self:
        try:
            self._start()
        except BaseException:
            self._stop()
            raise
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._stop()

    def wait_until(self, is_asked_to_stop: Callable[[], bool]) -> Service | None:
        """Return None when asked to stop, or the service that stopped by itself."""
        while not is_asked_to_stop():
            for service in (self.catalog, self.trainer):
                if service.has_ended:
                    return service
            time.sleep(POLL_S)
        return None

    def hurry(self) -> None:
        """Have services that are stopping stop at once."""
        self.trainer.hurry()
        self.catalog.hurry()

    def _start(self) -> None:
        if missing := missing_packages():
            raise LocalServicesFailed(
                f"the services need more than the client (missing: {', '.join(missing)}); "
                "pip install 'vertebra[trainer]'"
            )
        deadline = time.monotonic() + START_TIMEOUT_S
        self.catalog.start(self._catalog_environment())
        self.catalog.wait_until_listening(deadline)
        self.trainer.start(self._trainer_environment())
        self.trainer.wait_until_listening(deadline)
        if self.on_listening is not None:
            self.on_listening(self)
        # Only now: a process that has used gRPC must not fork.
        self.catalog.wait_until_serving(deadline)
        self.trainer.wait_until_serving(deadline)

    def _stop(self) -> None:
        self.trainer.stop()
        self.catalog.stop()
        shutil.rmtree(self._ready_folder, ignore_errors=True)

    def _catalog_environment(self) -> dict[str, str]:
        environment = {"VERTEBRA_CATALOG_HOME": str(self.home)}
        if self._mirrors:
            environment["VERTEBRA_CATALOG_MIRRORS"] = os.pathsep.join(map(str, self._mirrors))
        if self._http_mirrors:
            environment["VERTEBRA_CATALOG_HTTP_MIRRORS"] = ",".join(self._http_mirrors)
        if self._is_offline:
            environment["VERTEBRA_CATALOG_OFFLINE"] = "1"
        return environment

    def _trainer_environment(self) -> dict[str, str]:
        environment = {
            "VERTEBRA_TRAINER_HOME": str(self.home),
            "VERTEBRA_TRAINER_CATALOG": self.catalog.address,
        }
        if self._data_roots:
            environment["VERTEBRA_TRAINER_DATA_ROOTS"] = os.pathsep.join(map(str, self._data_roots))
        if self._slots is not None:
            environment["VERTEBRA_TRAINER_SLOTS"] = str(self._slots)
        return environment

"""The console of `vertebra up --console`: the gateway, in front of the services of this machine."""

from contextlib import ExitStack
from pathlib import Path
from typing import Self

import click

from vertebra.cli import exit_codes
from vertebra.cli.exit_codes import CliFailed
from vertebra.gateway import Gateway, GatewayFailed, RunningGateway, running_gateway
from vertebra.local_services import LocalServices

CONSOLE_FILES = Path(__file__).parents[1] / "console_files"
"""Built by `make console`; part of the wheel."""

CLIENTS = Path(__file__).parents[3]
"""Of a checkout; an installed package has no sources there."""

SOURCES = ("console/src", "typescript/src")
"""What the console is built from, below `CLIENTS`."""


def newer_source(files: Path, clients: Path) -> str:
    """Return a source that was changed after the console was built; empty where none was."""
    built = (files / "index.html").stat().st_mtime
    sources = (path for name in SOURCES for path in (clients / name).rglob("*") if path.is_file())
    newer = (path for path in sources if path.stat().st_mtime > built)
    return next((str(path.relative_to(clients.parent)) for path in newer), "")


class Console:
    """The gateway with the console in front of both services; nothing where the port is None.

    Leaving stops it.
    """

    def __init__(self, home: Path, port: int | None) -> None:
        self._home = home.expanduser().absolute()
        self._port = port
        self._running = ExitStack()
        self._gateway: RunningGateway | None = None
        self.death = ""
        """Why it ended by itself."""

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._running.close()

    @property
    def url(self) -> str:
        """Where browsers find it; empty where there is none."""
        return self._gateway.url if self._gateway else ""

    def start(self, services: LocalServices) -> None:
        """Start it in front of services that listen.

        Raises:
            CliFailed: no Envoy, no console, or the port is taken.
        """
        if self._port is None:
            return
        gateway = Gateway(
            catalog=services.catalog.address,
            trainer=services.trainer.address,
            listen=f"127.0.0.1:{self._port}",
            console_folder=CONSOLE_FILES,
        )
        try:
            running = running_gateway(gateway, self._home / "gateway")
            self._gateway = self._running.enter_context(running)
        except (GatewayFailed, FileNotFoundError) as error:
            raise CliFailed(str(error), exit_codes.USAGE) from error
        if changed := newer_source(CONSOLE_FILES, CLIENTS):
            text = f"this console is older than {changed}: `make console` builds it anew"
            click.echo(text, err=True)

    def has_ended(self) -> bool:
        """Return whether it ended by itself, and keep why."""
        if self._gateway is not None and self._gateway.has_ended:
            self.death = self.death or self._gateway.death()
        return bool(self.death)

"""`vertebra up`: both services on this machine, with nothing to set up."""

import json
import os
import signal
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from types import FrameType
from typing import Any

import click

from vertebra.cli import exit_codes, words
from vertebra.cli.clients import trainer_client
from vertebra.cli.console import Console
from vertebra.cli.exit_codes import CliFailed
from vertebra.cli.screen import facts, screen
from vertebra.client_errors import RpcFailed
from vertebra.gateway import GATEWAY_PORT
from vertebra.local_service import Service
from vertebra.local_services import CATALOG_PORT, TRAINER_PORT, LocalServices

DEFAULT_HOME = "~/.local/share/vertebra"
PORT = click.IntRange(0, 65535)
ASKING_S = 1.0
"""A person who stops waits no longer for numbers."""

FOLDER = click.Path(file_okay=False, path_type=Path)


@click.command()
@click.option(
    "--home", type=FOLDER, default=DEFAULT_HOME, show_default=True, help="Where their files are."
)
@click.option(
    "--catalog-port", type=PORT, default=CATALOG_PORT, show_default=True, help="0: any free one."
)
@click.option(
    "--trainer-port", type=PORT, default=TRAINER_PORT, show_default=True, help="0: any free one."
)
@click.option(
    "--mirror",
    "mirrors",
    metavar="FOLDER|URL",
    multiple=True,
    help="Where copies of weight files are; repeat it.",
)
@click.option("--offline", is_flag=True, help="Ask no server for weights.")
@click.option(
    "--data-root",
    "data_roots",
    type=FOLDER,
    multiple=True,
    help="Jobs may read below it; repeat it. Default: your home folder.",
)
@click.option("--console", "has_console", is_flag=True, help="Serve the console for browsers, too.")
@click.option(
    "--console-port", type=PORT, default=GATEWAY_PORT, show_default=True, help="0: any free one."
)
@click.option("--json", "as_json", is_flag=True, help="Print the addresses as JSON.")
def up(**flags: Any) -> int:
    """Start the catalog and the trainer on this machine, until Ctrl-C.

    A trainer that stops leaves its running jobs alone: the next one finds them again. With
    VERTEBRA_TRAINER_ON_STOP=preempt they save a snapshot and wait for it in the queue.

    \b
    Example:
      vertebra up
      vertebra up --console
      vertebra up --home /tmp/try --catalog-port 0 --trainer-port 0 --mirror /mnt/weights
      vertebra up --mirror https://weights.my-company.example
    """
    stopping = StoppingSignals()
    console = Console(flags["home"], flags["console_port"] if flags["has_console"] else None)
    services = LocalServices(
        flags["home"],
        ports=(flags["catalog_port"], flags["trainer_port"]),
        data_roots=flags["data_roots"],
        mirrors=flags["mirrors"],
        is_offline=flags["offline"],
    )
    services.on_listening = console.start
    with stopping.caught(services.hurry), console:
        stopped = _serve(services, console, stopping, as_json=flags["as_json"])
    if console.death:
        raise CliFailed(console.death, exit_codes.JOB_FAILED)
    if stopped is None:
        return exit_codes.OK
    on_stop = "leave" if stopped is services.trainer else _on_stop()
    raise CliFailed(f"{stopped.death()}\n{fate(None, on_stop)}", exit_codes.JOB_FAILED)


def _serve(
    services: LocalServices, console: Console, stopping: "StoppingSignals", *, as_json: bool
) -> Service | None:
    """Run all until a signal comes; return the service that stopped by itself, if one did."""
    with ExitStack() as running:
        with screen().status("starting the catalog and the trainer"):
            running.enter_context(services)
        stopping.is_started = True
        if as_json:
            click.echo(json.dumps(_addresses(services, console)))
        else:
            _print_running(services, console)
        stopped = services.wait_until(lambda: stopping.is_asked or console.has_ended())
        if stopped is None:
            num_running = _num_running(services.trainer.address)
            click.echo(f"\nstopping; {fate(num_running, _on_stop())}", err=True)
    return stopped


def _on_stop() -> str:
    return os.environ.get("VERTEBRA_TRAINER_ON_STOP", "leave")


def fate(num_running: int | None, on_stop: str) -> str:
    """Return what becomes of running jobs.

    Args:
        num_running: None where the trainer did not say.
        on_stop: the trainer's setting.
    """
    if num_running == 0:
        return "no job is running"
    told = "running jobs" if num_running is None else words.plural(num_running, "running job")
    is_one = num_running == 1
    if on_stop == "preempt":
        saves = "saves a snapshot and waits" if is_one else "save snapshots and wait"
        return f"{told} {saves} for the next `vertebra up`"
    goes = "goes on by itself" if is_one else "go on by themselves"
    finds = "it" if is_one else "them"
    return f"{told} {goes}, the next `vertebra up` finds {finds}"


def _num_running(trainer_address: str) -> int | None:
    """Return how many jobs run; None where the trainer does not say at once."""
    with trainer_client(trainer_address, timeout_s=ASKING_S) as trainer:
        try:
            return trainer.capacity().num_running_jobs
        except RpcFailed:
            return None


class StoppingSignals:
    """Ctrl-C and SIGTERM: give up starting, then stop in order, then hurry."""

    def __init__(self) -> None:
        self.is_started = False
        self.is_asked = False

    @contextmanager
    def caught(self, hurry: Callable[[], None]) -> Iterator[None]:
        """Catch both signals while the block runs."""

        def handle(number: int, frame: FrameType | None) -> None:
            if self.is_asked:
                hurry()
                return
            self.is_asked = True
            if not self.is_started:
                raise KeyboardInterrupt

        numbers = (signal.SIGINT, signal.SIGTERM)
        before = [signal.signal(number, handle) for number in numbers]
        try:
            yield
        finally:
            for number, handler in zip(numbers, before, strict=True):
                signal.signal(number, handler)


def _addresses(services: LocalServices, console: Console) -> dict[str, str]:
    return {
        "catalog": services.catalog.address,
        "trainer": services.trainer.address,
        **({"console": console.url} if console.url else {}),
        "catalog_metrics": f"http://{services.catalog.admin_address}/metrics",
        "trainer_metrics": f"http://{services.trainer.admin_address}/metrics",
        "home": str(services.home),
    }


def _print_running(services: LocalServices, console: Console) -> None:
    page = screen()
    catalog, trainer = services.catalog, services.trainer
    page.print(
        facts(
            ("catalog", catalog.address),
            ("trainer", trainer.address),
            ("console", console.url),
            ("files", str(services.home)),
            ("logs", f"{catalog.log}\n{trainer.log}"),
        )
    )
    if (catalog.port, trainer.port) != (CATALOG_PORT, TRAINER_PORT):
        page.print("\nin another terminal, first:", style="dim")
        page.print(f"  export VERTEBRA_CATALOG_ADDRESS={catalog.address}")
        page.print(f"  export VERTEBRA_TRAINER_ADDRESS={trainer.address}")
    page.print("\ntry: vertebra models ls 'resnet*'        stop: Ctrl-C", style="dim")

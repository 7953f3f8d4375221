"""`vertebra capacity`: what there is to train on."""

import time
from collections.abc import Iterator

import click
from rich.table import Table

from vertebra.cli import words
from vertebra.cli.clients import trainer_client
from vertebra.cli.options import json_option, trainer_option
from vertebra.cli.screen import facts, print_json, screen, table
from vertebra.trainer.v1 import train_run_pb2 as runs


@click.command()
@trainer_option
@json_option
def capacity(trainer_address: str, as_json: bool) -> None:
    """Say what there is to train on, what of it is free, and what waits.

    \b
    Example:
      vertebra capacity
    """
    with trainer_client(trainer_address) as trainer:
        found = trainer.capacity()
    if as_json:
        print_json(found)
        return
    page = screen()
    if found.hosts:
        page.print(devices_view(found))
        page.print()
    page.print(capacity_facts(found, now_s=time.time()))


def devices_view(found: runs.Capacity) -> Table:
    """Return a line a device."""
    lines = table("HOST", "DEVICE", "WHAT", "MEMORY", "JOB", right=("MEMORY",))
    for host in found.hosts:
        for number, device in enumerate(host.devices):
            lines.add_row(
                _host(host) if number == 0 else "",
                f"{device.kind}:{device.index}",
                device.description,
                words.size(device.memory_bytes) if device.memory_bytes else "-",
                device.job.removeprefix("trainJobs/")[:8] or "free",
            )
        if not host.devices:
            lines.add_row(_host(host), "-", "", "-", "")
    return lines


def capacity_facts(found: runs.Capacity, *, now_s: float) -> Table:
    """Return how much is free and how much waits."""
    waits = words.plural(found.num_queued_jobs, "job")
    if found.oldest_queued_time.seconds:
        waited_s = now_s - found.oldest_queued_time.seconds
        waits += f", the oldest for {words.duration(max(0.0, waited_s))}"
    return facts(
        ("free", f"{found.num_free_devices} of {words.plural(found.num_devices, 'device')}"),
        ("running", words.plural(found.num_running_jobs, "job")),
        ("waiting", waits),
        ("engines", ", ".join(_engines(found))),
    )


def _host(host: runs.Host) -> str:
    name = host.name or host.host_id[:8]
    return f"{name} (takes no more)" if host.is_draining else name


def _engines(found: runs.Capacity) -> Iterator[str]:
    """Yield the engines of all hosts, each once."""
    for engine in sorted({engine for host in found.hosts for engine in host.engines}):
        yield words.word(runs.Engine.Name(engine), "ENGINE_")

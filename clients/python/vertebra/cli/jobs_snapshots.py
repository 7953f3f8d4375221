"""`vertebra jobs snapshots|pin|unpin`: what a job would go on from."""

import click

from vertebra.cli.clients import trainer_client
from vertebra.cli.options import json_option, trainer_option
from vertebra.cli.screen import print_json, print_json_list, screen, title
from vertebra.cli.snapshot_words import snapshot_id, snapshot_name, snapshots_view


@click.command("snapshots")
@click.argument("job")
@trainer_option
@json_option
def list_snapshots(job: str, trainer_address: str, as_json: bool) -> None:
    """List what a job could go on from, newest first.

    \b
    Example:
      vertebra jobs snapshots 9f3c
    """
    with trainer_client(trainer_address) as trainer:
        found = list(trainer.list_snapshots(job))
    if as_json:
        print_json_list("snapshots", found)
    elif found:
        screen().print(snapshots_view(found))
    else:
        screen().print("no snapshot: either none was taken yet, or the job has succeeded")


@click.command("pin", short_help="Keep a snapshot.")
@click.argument("job")
@click.argument("snapshot")
@trainer_option
@json_option
def pin_snapshot(job: str, snapshot: str, trainer_address: str, as_json: bool) -> None:
    """Keep a snapshot until it is unpinned or the job is deleted.

    \b
    Example:
      vertebra jobs pin 9f3c 2-1500
    """
    _set_pin(job, snapshot, trainer_address, as_json=as_json, pinned=True)


@click.command("unpin", short_help="Let a pinned snapshot go.")
@click.argument("job")
@click.argument("snapshot")
@trainer_option
@json_option
def unpin_snapshot(job: str, snapshot: str, trainer_address: str, as_json: bool) -> None:
    """Let a pinned snapshot go when newer ones come.

    \b
    Example:
      vertebra jobs unpin 9f3c 2-1500
    """
    _set_pin(job, snapshot, trainer_address, as_json=as_json, pinned=False)


def _set_pin(job: str, snapshot: str, address: str, *, as_json: bool, pinned: bool) -> None:
    with trainer_client(address) as trainer:
        name = snapshot_name(trainer.get(job).name, snapshot)
        one = trainer.pin_snapshot(name, pinned=pinned)
    if as_json:
        print_json(one)
    else:
        screen().print(title(snapshot_id(one), f"  {'pinned' if one.is_pinned else 'not pinned'}"))

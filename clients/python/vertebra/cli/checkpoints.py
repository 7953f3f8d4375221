"""`vertebra checkpoints`: backbones that people trained and handed back."""

import click

from vertebra.cli.checkpoint_words import print_checkpoint, print_rows
from vertebra.cli.checkpoints_download import download_checkpoint
from vertebra.cli.checkpoints_identify import identify
from vertebra.cli.checkpoints_register import register
from vertebra.cli.clients import catalog_client
from vertebra.cli.command_group import CommandGroup
from vertebra.cli.options import catalog_option, filter_options, json_option
from vertebra.cli.screen import print_json, print_json_list, screen


@click.command("ls")
@filter_options("checkpoints")
@catalog_option
@json_option
def list_checkpoints(filter_text: str, order_by: str, catalog_address: str, as_json: bool) -> None:
    """List registered backbones, newest first.

    \b
    Example:
      vertebra checkpoints ls --filter 'architecture_id = resnet18'
    """
    with catalog_client(catalog_address) as catalog:
        rows = list(catalog.list_checkpoints(filter_text, order_by))
    if as_json:
        print_json_list("checkpoints", rows)
    else:
        print_rows(screen(), rows)


@click.command("show")
@click.argument("name")
@catalog_option
@json_option
def show(name: str, catalog_address: str, as_json: bool) -> None:
    """Show where a backbone comes from and how it was trained.

    \b
    Example:
      vertebra checkpoints show letters
    """
    with catalog_client(catalog_address) as catalog:
        checkpoint = catalog.get_checkpoint(name)
    if as_json:
        print_json(checkpoint)
    else:
        print_checkpoint(screen(), checkpoint)


@click.command("rm")
@click.argument("name")
@click.option("--force", is_flag=True, help="Also where other checkpoints started from it.")
@catalog_option
@json_option
def remove(name: str, force: bool, catalog_address: str, as_json: bool) -> None:
    """Take a backbone off the list; `vertebra cache prune` frees its bytes.

    \b
    Example:
      vertebra checkpoints rm letters
    """
    with catalog_client(catalog_address) as catalog:
        checkpoint = catalog.delete_checkpoint(name, force=force)
    if as_json:
        print_json(checkpoint)
    else:
        screen().print(f"{checkpoint.name} is off the list", highlight=False)


COMMANDS = (identify, register, list_checkpoints, show, download_checkpoint, remove)


@click.group(cls=CommandGroup, commands=COMMANDS)
def checkpoints() -> None:
    """Identify, list, register, download and delete backbones."""

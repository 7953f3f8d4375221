"""`vertebra checkpoints download`: a registered backbone in a file."""

import json
from pathlib import Path

import click
from rich.text import Text

from vertebra.catalog.v1 import checkpoint_service_pb2 as wire
from vertebra.catalog_client import CatalogClient
from vertebra.cli import exit_codes, words
from vertebra.cli.clients import catalog_client
from vertebra.cli.ensure_view import live_rows
from vertebra.cli.exit_codes import CliFailed
from vertebra.cli.mirror_view import BytesRow
from vertebra.cli.options import catalog_option, json_option
from vertebra.cli.screen import screen
from vertebra.export_download import plain_name, present_files
from vertebra.wire_json import to_json


@click.command("download", short_help="Save a backbone as a safetensors file.")
@click.argument("name")
@click.option(
    "--to",
    "target",
    type=click.Path(dir_okay=False, path_type=Path),
    metavar="FILE",
    help="Where to; else NAME.safetensors here.",
)
@click.option("--force", is_flag=True, help="Replace another file of that name.")
@catalog_option
@json_option
def download_checkpoint(
    name: str, target: Path | None, force: bool, catalog_address: str, as_json: bool
) -> None:
    """Save a registered backbone as a safetensors file, under its architecture's own names.

    It is compared with its sha256 before it gets its name; a download that broke goes on where it
    stopped.

    \b
    Example:
      vertebra checkpoints download letters --to ~/backbones/letters.safetensors
    """
    with catalog_client(catalog_address) as catalog:
        checkpoint = catalog.get_checkpoint(name)
        if not checkpoint.has_bytes:
            told = f"the catalog has no bytes of {checkpoint.name}"
            how = f"`vertebra weights explain {checkpoint.name}` says how to get them"
            raise CliFailed(f"{told}; {how}", exit_codes.REFUSED)
        called = plain_name(checkpoint.checkpoint_id, checkpoint.checkpoint_id)
        path = target or Path(f"{called}.safetensors")
        was_there = _downloaded(catalog, checkpoint, path, replaces=force)
    blob = checkpoint.blob
    if as_json:
        told_all = {"checkpoint": checkpoint.name, "blob": to_json(blob)}
        where = {"path": str(path), "was_there": was_there}
        click.echo(json.dumps({**told_all, **where}, indent=2, ensure_ascii=False))
        return
    here = "was here" if was_there else "is here"
    size, digest = words.size(blob.size_bytes), words.short_digest(blob.digest)
    line = f"{checkpoint.name} {here}: {path}, {size}, sha256 {digest}..., verified"
    screen().print(Text(line), soft_wrap=True)


def _downloaded(
    catalog: CatalogClient, checkpoint: wire.Checkpoint, path: Path, *, replaces: bool
) -> bool:
    """Bring the file here, under a bar; return whether it was here."""
    blob = checkpoint.blob
    if present_files(path.parent, {path.name: blob.digest}, replaces=replaces):
        return True
    row = BytesRow(blob.size_bytes)
    row.doing(f"downloading {checkpoint.name}")
    with live_rows(screen(), [row]):
        catalog.blobs.download(blob.name, path, on_bytes=row.at)
    return False

"""`vertebra jobs download`: the files of an export, on this machine."""

import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import click
from rich.table import Table
from rich.text import Text

from vertebra.cli import exit_codes, words
from vertebra.cli.clients import trainer_client
from vertebra.cli.ensure_view import live_rows
from vertebra.cli.mirror_view import BytesRow
from vertebra.cli.options import json_option, trainer_option
from vertebra.cli.screen import screen, table
from vertebra.export_download import (
    DownloadedFile,
    chosen_files,
    download_files,
    newest_export,
)
from vertebra.trainer.v1 import train_job_pb2 as jobs
from vertebra.trainer_client import TrainerClient
from vertebra.wire_json import to_json


@click.command("download", short_help="Bring the files that a job exported here.")
@click.argument("job")
@click.option(
    "--file",
    "names",
    metavar="NAME",
    multiple=True,
    help="Only this file, or those of a pattern such as 'backbone.*'; repeat it.",
)
@click.option(
    "--to",
    "folder",
    type=click.Path(file_okay=False, path_type=Path),
    metavar="FOLDER",
    help="Where to; else a new folder here, called as the job's id begins.",
)
@click.option("--force", is_flag=True, help="Replace other files of the same names.")
@trainer_option
@json_option
def download_export(job: str, trainer_address: str, as_json: bool, **flags: Any) -> int:
    """Bring the files that a job exported to this machine: backbone, whole model, metadata, views.

    Each file is compared with its sha256 before it gets its name. What is there already is not
    fetched again, and a download that broke goes on where it stopped.

    \b
    Example:
      vertebra jobs download 9f3c
      vertebra jobs download 9f3c --file backbone.ckpt --to ~/backbones
    """
    with trainer_client(trainer_address) as trainer:
        one = trainer.get(job)
        export = newest_export(one, list(trainer.list_exports(one.name)))
        files = chosen_files(export, flags["names"])
        folder = flags["folder"] or Path(one.job_id[:8])
        try:
            there = _downloaded(trainer, files, folder, replaces=flags["force"])
        except KeyboardInterrupt:
            click.echo("\nthe same command goes on where this one stopped", err=True)
            return exit_codes.INTERRUPTED
    if as_json:
        click.echo(json.dumps(_document(export, there), indent=2, ensure_ascii=False))
    else:
        _print_files(there, folder)
    return exit_codes.OK


def _downloaded(
    trainer: TrainerClient, files: dict[str, jobs.ExportFile], folder: Path, *, replaces: bool
) -> list[DownloadedFile]:
    """Bring the files here, under a bar."""
    row = BytesRow(sum(file.blob.size_bytes for file in files.values()))
    done = dict.fromkeys(files, 0)

    def show(name: str, num_bytes: int) -> None:
        done[name] = num_bytes
        row.doing(f"downloading {name}")
        row.at(sum(done.values()))

    with live_rows(screen(), [row]):
        return download_files(trainer.blobs, files, folder, replaces=replaces, on_bytes=show)


def _document(export: jobs.Export, there: Sequence[DownloadedFile]) -> dict[str, Any]:
    """Return the export's files as the contract has them; `path` is here, not on the trainer."""
    return {
        "export": export.name,
        "files": [
            {**to_json(one.file), "path": str(one.path), "was_there": one.was_there}
            for one in there
        ],
    }


def _print_files(there: Sequence[DownloadedFile], folder: Path) -> None:
    page = screen()
    page.print(_files_table(there))
    page.print()
    size = words.size(sum(one.file.blob.size_bytes for one in there))
    told = f"{words.plural(len(there), 'file')}, {size}, verified, in {folder}"
    page.print(Text(told), soft_wrap=True)


def _files_table(there: Sequence[DownloadedFile]) -> Table:
    rows = table("FILE", "SIZE", "SHA256", "", right=("SIZE",))
    for one in there:
        blob = one.file.blob
        rows.add_row(
            one.path.name,
            words.size(blob.size_bytes),
            words.short_digest(blob.digest),
            "was here" if one.was_there else "",
        )
    return rows

"""`vertebra checkpoints identify`: what a file of tensors is, without a look at its numbers."""

from collections.abc import Iterator, Sequence
from pathlib import Path

import click
from rich.console import Console
from rich.padding import Padding
from rich.text import Text

from vertebra.catalog.v1 import checkpoint_service_pb2 as wire
from vertebra.cli import words
from vertebra.cli.clients import catalog_client
from vertebra.cli.options import catalog_option, json_option
from vertebra.cli.screen import facts, print_json, screen, title
from vertebra.cli.uploaded_file import FILE, called_by_its_name


@click.command("identify")
@click.argument("file", required=False, type=FILE)
@click.option("--path", default="", help="Instead of FILE: a path on the catalog's host.")
@click.option("--max", "max_candidates", default=0, metavar="N", help="Candidates; 0 means 5.")
@catalog_option
@json_option
def identify(
    file: Path | None, path: str, max_candidates: int, catalog_address: str, as_json: bool
) -> None:
    """Say which architecture the backbone in FILE (.safetensors, .ckpt or .pth) is, and why.

    Names and shapes alone decide; nothing in the file is executed, and nothing is registered.

    \b
    Example:
      vertebra checkpoints identify checkpoint_0199.pth.tar
      vertebra checkpoints identify --path /data/backbones/simclr.ckpt
    """
    if (file is None) == (not path):
        raise click.UsageError("give a FILE to upload, or --path on the catalog's host")
    page = screen()
    with catalog_client(catalog_address) as catalog:
        blob_name = ""
        if file is not None:
            with page.status(Text(f"uploading {file.name}, {words.size(file.stat().st_size)}")):
                blob_name = catalog.blobs.upload(file).name
        with called_by_its_name(file, blob_name):
            found = catalog.identify_checkpoint(
                blob_name=blob_name, path=path, max_candidates=max_candidates
            )
    if as_json:
        print_json(found)
    else:
        print_identified(page, found, file.name if file is not None else path)


def print_identified(page: Console, found: wire.IdentifyCheckpointResponse, name: str) -> None:
    """Print the verdict, every match with its reasons, or the nearest with what differs."""
    content = f"{found.format}, {found.num_tensors} tensors, {found.num_elements:,} numbers"
    page.print(title(name, f"  {content}"))
    page.print(Text(found.verdict, style=_style(found)))
    page.print(facts(("state", found.taken_from), ("ignored", _lines(found.ignored, most=5))))
    shown = [each for each in found.candidates if each.is_match] or list(found.candidates[:1])
    for candidate in shown:
        page.print()
        page.print(_headline(candidate))
        page.print(Padding(facts(*_facts(candidate)), (0, 0, 0, 2)))
    others = [each for each in found.candidates if each not in shown]
    if others:
        page.print()
        page.print(facts(*((_name(each), _percent(each.coverage)) for each in others)))


def _style(found: wire.IdentifyCheckpointResponse) -> str:
    if found.is_unambiguous:
        return "green"
    return "yellow" if any(candidate.is_match for candidate in found.candidates) else "red"


def _name(candidate: wire.CheckpointCandidate) -> str:
    where = f" under {candidate.prefix}" if candidate.prefix else ""
    return f"less like {candidate.architecture_id}{where}"


def _headline(candidate: wire.CheckpointCandidate) -> Text:
    mark, style = ("fits", "green") if candidate.is_match else ("does not fit", "red")
    where = f" under {candidate.prefix}" if candidate.prefix else ""
    branch = f", {candidate.branch}" if candidate.branch else ""
    rest = f"{where} ({candidate.source_layout} names{branch}): "
    return Text.assemble((candidate.architecture_id, "bold cyan"), rest, (mark, style))


def _facts(candidate: wire.CheckpointCandidate) -> Iterator[tuple[str, str]]:
    yield "coverage", _percent(candidate.coverage)
    yield "head", f"{candidate.num_classes} classes" if candidate.num_classes else ""
    yield "channels", str(candidate.in_channels) if candidate.in_channels not in (0, 3) else ""
    sides = candidate.image_height_px, candidate.image_width_px
    yield "images", f"{sides[0]}x{sides[1]} px" if all(sides) else ""
    yield "differs", _lines(candidate.problems)
    yield "because", _lines(candidate.reasons) if candidate.is_match else ""


def _percent(share: float) -> str:
    """Return `100 %` only where all is there."""
    shown = f"{100 * share:.1f}".removesuffix(".0")
    return "over 99.9 %" if shown == "100" and share < 1 else f"{shown} %"


def _lines(lines: Sequence[str], most: int = 20) -> str:
    hidden = len(lines) - most
    return "\n".join([*lines[:most], *([f"and {hidden} more"] if hidden > 0 else [])])

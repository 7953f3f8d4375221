"""`vertebra mirror verify`: every byte of a bundle read, with no service and no network."""

import json
from collections.abc import Sequence
from dataclasses import asdict
from pathlib import Path

import click

from vertebra.bundle_check import FOREIGN, Defect, defects
from vertebra.bundle_files import manifest_of, open_bundle
from vertebra.bundle_import import check_announced
from vertebra.bundle_layout import BundleManifest
from vertebra.cli import exit_codes, words
from vertebra.cli.ensure_view import live_rows
from vertebra.cli.mirror_view import BytesRow
from vertebra.cli.options import json_option
from vertebra.cli.screen import facts, screen, title

announced_option = click.option(
    "--sha256",
    "announced",
    metavar="DIGEST",
    default="",
    help="What the exporting side printed; another manifest is refused.",
)
bundle_argument = click.argument(
    "bundle", metavar="FOLDER|FILE.tar", type=click.Path(path_type=Path)
)


@click.command("verify")
@bundle_argument
@announced_option
@json_option
def verify_mirror(bundle: Path, announced: str, as_json: bool) -> int:
    """Read every byte of a bundle and compare it with the manifest. Needs no service.

    Ends with 4 where something is damaged, missing, or not of the bundle.

    \b
    Example:
      vertebra mirror verify /media/stick/bundle --sha256 DIGEST
    """
    page = screen()
    with open_bundle(bundle) as files:
        manifest = manifest_of(files)
        check_announced(manifest, announced)
        row = BytesRow(manifest.total_bytes)
        row.doing(f"reading {bundle}")
        with live_rows(page, [row]):
            found = list(defects(files, manifest, row.more))
    if as_json:
        click.echo(json.dumps(_plain(manifest, found), indent=2))
    else:
        page.print(title(str(bundle), f"  {_verdict(found)}\n"))
        page.print(manifest_facts(manifest))
    show_defects(found)
    return exit_codes.REFUSED if found else exit_codes.OK


def manifest_facts(manifest: BundleManifest) -> object:
    """Return what is in a bundle, and its digest."""
    num = words.plural(manifest.num_entries, "entry", "entries")
    blobs = words.plural(len(manifest.blobs), "blob")
    return facts(
        ("bundle", f"{num} in {blobs}, {words.size(manifest.total_bytes)}"),
        ("adds to", words.short_digest(manifest.base_digest)),
        ("texts", words.listed(list(manifest.licence_texts))),
        ("sha256", manifest.digest.removeprefix("sha256:")),
    )


def show_defects(found: Sequence[Defect]) -> None:
    """Print what is wrong on standard error, a line each."""
    for one in found:
        line = f"{one.place}: {one.text}"
        if one.references:
            line += f"; it is {words.listed(one.references)}: carry it over again"
        elif one.kind == FOREIGN:
            line += "; remove it, or find out who put it there"
        exit_codes.show(click.ClickException(line))


def _verdict(found: Sequence[Defect]) -> str:
    if not found:
        return "is whole: every byte is as its manifest says"
    return f"is not as its manifest says: {words.plural(len(found), 'file')}"


def _plain(manifest: BundleManifest, found: Sequence[Defect]) -> dict[str, object]:
    return {
        "digest": manifest.digest,
        "num_entries": manifest.num_entries,
        "total_bytes": manifest.total_bytes,
        "defects": [asdict(one) for one in found],
    }

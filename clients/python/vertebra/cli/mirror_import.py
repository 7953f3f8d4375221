"""`vertebra mirror import`: a bundle into the catalog of this site."""

from pathlib import Path

import click
from rich.console import Console
from rich.text import Text

from vertebra.bundle_files import manifest_of, open_bundle
from vertebra.bundle_import import ImportedBundle, check_announced, import_bundle
from vertebra.catalog.v1 import storage_service_pb2 as wire
from vertebra.cli import exit_codes, words
from vertebra.cli.clients import catalog_client
from vertebra.cli.ensure_view import live_rows
from vertebra.cli.mirror_verify import announced_option, bundle_argument, show_defects
from vertebra.cli.mirror_view import ImportRow
from vertebra.cli.options import catalog_option, json_option
from vertebra.cli.screen import facts, print_json, screen, table

OUTCOMES = {
    wire.ImportedEntry.OUTCOME_IMPORTED: ("imported", "green"),
    wire.ImportedEntry.OUTCOME_PRESENT: ("was here", "dim"),
    wire.ImportedEntry.OUTCOME_BLOB_MISSING: ("no bytes", "red"),
    wire.ImportedEntry.OUTCOME_BLOB_CORRUPT: ("damaged", "red"),
    wire.ImportedEntry.OUTCOME_REFUSED: ("refused", "yellow"),
}
"""What became of an entry, in a word, and in which colour."""


@click.command("import")
@bundle_argument
@announced_option
@click.option("--dry-run", is_flag=True, help="Read and compare everything, take nothing in.")
@catalog_option
@json_option
def import_mirror(
    bundle: Path, announced: str, dry_run: bool, catalog_address: str, as_json: bool
) -> int:
    """Take a bundle into the catalog: afterwards everything in it resolves without a network.

    Only what the catalog lacks is sent; run it again after a break. A damaged blob is named and
    left out, the rest goes in. Ends with 4 where an entry did not.

    \b
    Example:
      vertebra mirror import /media/stick/bundle --sha256 DIGEST
    """
    page = screen()
    with open_bundle(bundle) as files:
        manifest = manifest_of(files)
        check_announced(manifest, announced)
        watcher = ImportRow(manifest.total_bytes)
        with catalog_client(catalog_address) as catalog, live_rows(page, [watcher.row]):
            imported = import_bundle(catalog, files, manifest, watcher, dry_run=dry_run)
    if as_json:
        print_json(imported.report)
    else:
        print_imported(page, imported)
    show_defects(imported.defects)
    return exit_codes.REFUSED if imported.num_failed else exit_codes.OK


def print_imported(page: Console, imported: ImportedBundle) -> None:
    """Print what became of each entry, and how many of each there are."""
    report = imported.report
    if report.entries:
        lines = table("ENTRY", "SIZE", "OUTCOME", "WHY", right=("SIZE",))
        lines.columns[3].no_wrap = False
        lines.columns[3].overflow = "fold"
        for one in report.entries:
            word, style, why = _became(imported, one)
            lines.add_row(
                one.reference.removeprefix("torchvision/"),
                words.size(one.blob.size_bytes),
                Text(word, style=style),
                why,
            )
        page.print(lines)
        page.print()
    num_to_send = sum(map(imported.would_be_sent, report.entries))
    verb = "would be imported" if imported.is_dry_run else "imported"
    page.print(
        facts(
            (verb, words.plural(report.num_imported + num_to_send, "entry", "entries")),
            ("were here", str(report.num_present) if report.num_present else ""),
            ("not taken", str(imported.num_failed) if imported.num_failed else ""),
            (
                "would be sent" if imported.is_dry_run else "sent",
                words.plural(len(imported.lacking), "blob") if imported.lacking else "",
            ),
        )
    )


def _became(imported: ImportedBundle, one: wire.ImportedEntry) -> tuple[str, str, str]:
    """Return what became of an entry in a word, its colour, and why."""
    if imported.would_be_sent(one):
        return "not here yet", "", ""
    bad = [each for each in imported.defects if one.reference in each.references]
    if bad:
        return bad[0].kind, "red", f"its blob {bad[0].text}"
    word, style = OUTCOMES.get(one.outcome, ("", ""))
    return word, style, one.text

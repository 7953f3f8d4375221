"""`vertebra mirror export`: a bundle in a folder or a tar."""

from pathlib import Path
from typing import Any

import click
from rich.console import Console

from vertebra.bundle_calls import ExportedBundle
from vertebra.bundle_export import BundleOrder, NoRoom, export_bundle
from vertebra.bundle_layout import BundleManifest
from vertebra.catalog.v1 import storage_service_pb2 as wire
from vertebra.catalog_client import CatalogClient
from vertebra.cli import exit_codes, words
from vertebra.cli.clients import catalog_client
from vertebra.cli.ensure_view import live_rows
from vertebra.cli.exit_codes import CliFailed
from vertebra.cli.mirror_plan import licence_lines
from vertebra.cli.mirror_selection import base_manifest, selection_of, selection_options
from vertebra.cli.mirror_view import ExportRow
from vertebra.cli.options import catalog_option, json_option
from vertebra.cli.screen import facts, print_json, screen, title


@click.command("export")
@click.argument("target", metavar="FOLDER|FILE.tar", type=click.Path(path_type=Path))
@selection_options
@click.option(
    "--licence-text",
    "licence_texts",
    metavar="NAME=FILE",
    multiple=True,
    help="The text of a licence that must go along, where the catalog cannot get it.",
)
@click.option("--skip-unavailable", is_flag=True, help="Leave out what cannot be had, and say so.")
@catalog_option
@json_option
def export_mirror(target: Path, **flags: Any) -> None:
    """Bring NAMEs, or what the filters choose, into a bundle: a folder, or one .tar.

    Weights that the catalog lacks are fetched first. Run it again after a break: what is there is
    not copied again. Compare the sha256 that it prints when the bundle has arrived.

    \b
    Example:
      vertebra mirror export bundle resnet50 checkpoints/letters
      vertebra mirror export more.tar --task segmentation --base bundle/manifest.json
    """
    with catalog_client(flags["catalog_address"]) as catalog:
        order = BundleOrder(
            selection=selection_of(catalog, flags),
            target=target,
            base_manifest=base_manifest(flags),
            licence_texts=dict(map(_licence_text, flags["licence_texts"])),
            skip_unavailable=flags["skip_unavailable"],
        )
        manifest, exported = _exported(screen(), catalog, order)
    if flags["as_json"]:
        print_json(exported.manifest)
    else:
        _print_exported(screen(), order, manifest, exported)


def _exported(
    page: Console, catalog: CatalogClient, order: BundleOrder
) -> tuple[BundleManifest, ExportedBundle]:
    plan = catalog.plan_bundle(order.selection, base_manifest=order.base_manifest)
    watcher = ExportRow(plan.total_bytes)
    try:
        with live_rows(page, [watcher.row]):
            return export_bundle(catalog, order, plan, watcher)
    except NoRoom as error:
        raise CliFailed(str(error), exit_codes.REFUSED) from error


def _licence_text(flag: str) -> tuple[str, str]:
    name, is_given, file = flag.rpartition("=")
    if not is_given or not name:
        raise click.BadParameter(f"{flag!r} is not NAME=FILE", param_hint="--licence-text")
    try:
        return name, Path(file).read_text("utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise click.BadParameter(f"{file}: {error}", param_hint="--licence-text") from error


def _print_exported(
    page: Console, order: BundleOrder, manifest: BundleManifest, exported: ExportedBundle
) -> None:
    page.print(title(str(order.target), "  is ready to be carried\n"))
    num = words.plural(manifest.num_entries, "entry", "entries")
    blobs = words.plural(len(manifest.blobs), "blob")
    page.print(
        facts(
            ("bundle", f"{num} in {blobs}, {words.size(manifest.total_bytes)}"),
            ("adds to", words.short_digest(manifest.base_digest)),
            ("licences", licence_lines(exported.manifest.licences)),
            ("left out", _skipped(exported)),
            ("sha256", manifest.digest.removeprefix("sha256:")),
        )
    )
    page.print(
        f"\nnext, on the other side: vertebra mirror import {order.target.name} "
        f"--sha256 {words.short_digest(manifest.digest)}...",
        style="dim",
    )


def _skipped(exported: ExportedBundle) -> str:
    """Return a line for each entry that is not in the bundle, and why."""
    return "\n".join(
        f"{one.reference.removeprefix('torchvision/')}: {_why(one)}" for one in exported.skipped
    )


def _why(one: wire.BundleEntry) -> str:
    """Return a sentence; of a search that found nothing the first line says that alone."""
    detail = one.trail[-1].detail if one.trail else ""
    first, _, more = detail.partition("\n")
    if more or not first:
        return "not to be had; `vertebra weights explain` says why"
    return first

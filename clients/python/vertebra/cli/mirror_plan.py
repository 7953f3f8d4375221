"""`vertebra mirror plan`: what a bundle would hold."""

from typing import Any

import click
from rich.console import Console
from rich.table import Table

from vertebra.catalog.v1 import storage_service_pb2 as wire
from vertebra.catalog.v1 import weights_service_pb2 as weights_wire
from vertebra.cli import words
from vertebra.cli.clients import catalog_client
from vertebra.cli.mirror_selection import base_manifest, selection_of, selection_options
from vertebra.cli.options import catalog_option, json_option
from vertebra.cli.screen import facts, print_json, screen, table

AT_HAND = {
    weights_wire.AVAILABILITY_STORED: "stored",
    weights_wire.AVAILABILITY_LOCAL: "on its host",
    weights_wire.AVAILABILITY_REMOTE: "to be fetched",
    weights_wire.AVAILABILITY_NONE: "nowhere",
}


@click.command("plan")
@selection_options
@catalog_option
@json_option
def plan_mirror(**flags: Any) -> None:
    """Say what a bundle of NAMEs, or of what the filters choose, would hold. Nothing is fetched.

    NAME is a weight, a repository of the hub, an architecture for its default, or a checkpoint.

    \b
    Example:
      vertebra mirror plan resnet50 checkpoints/letters
      vertebra mirror plan --architecture 'resnet*' --task classification
    """
    with catalog_client(flags["catalog_address"]) as catalog:
        plan = catalog.plan_bundle(selection_of(catalog, flags), base_manifest=base_manifest(flags))
    if flags["as_json"]:
        print_json(plan)
    else:
        _print_plan(screen(), plan)


def _print_plan(page: Console, plan: wire.PlanBundleResponse) -> None:
    if plan.entries:
        lines = table("ENTRY", "SIZE", "AT HAND", "LICENCE", right=("SIZE",))
        for one in plan.entries:
            lines.add_row(
                one.reference.removeprefix("torchvision/"),
                words.size(one.blob.size_bytes) if one.blob.size_bytes else "?",
                AT_HAND.get(one.availability, "") + (", gated" if one.is_gated else ""),
                one.licence,
            )
        page.print(lines)
        page.print()
    page.print(plan_facts(plan))


def plan_facts(plan: wire.PlanBundleResponse) -> Table:
    """Return how much it is, what must be fetched, and which terms go along."""
    num = words.plural(len(plan.entries), "entry", "entries")
    in_base = words.plural(plan.num_in_base, "entry", "entries")
    missing = words.size(plan.missing_bytes)
    return facts(
        ("bundle", f"{num}, {words.size(plan.total_bytes)}"),
        ("to fetch", missing if plan.missing_bytes else "nothing"),
        ("left out", f"{in_base} of the earlier bundle" if plan.num_in_base else ""),
        ("licences", licence_lines(plan.licences)),
    )


def licence_lines(licences: Any) -> str:
    """Return a line for each licence: how much is under it, whether its text goes along."""
    return "\n".join(
        f"{one.licence or 'none said'}: "
        f"{words.plural(one.num_entries, 'entry', 'entries')}{_terms(one)}"
        for one in licences
    )


def _terms(licence: wire.BundleLicence) -> str:
    if licence.text:
        return ", its text goes along"
    if licence.must_be_included:
        return f", its text must go along: {licence.url}"
    return f", {licence.url}" if licence.url and licence.url != licence.licence else ""

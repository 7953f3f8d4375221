"""`vertebra weights explain`: where bytes would come from, and what to do where there are none."""

import click
from rich.console import Console

from vertebra.catalog.v1 import weights_service_pb2 as wire
from vertebra.cli import trail_words, words
from vertebra.cli.clients import catalog_client
from vertebra.cli.options import catalog_option, json_option
from vertebra.cli.screen import facts, print_json, screen, title

VERDICTS = {
    wire.AVAILABILITY_STORED: "is in the store",
    wire.AVAILABILITY_LOCAL: "is on the catalog's host",
    wire.AVAILABILITY_REMOTE: "would be fetched",
    wire.AVAILABILITY_NONE: "is not to be had",
}
"""What `weights ensure` would find."""

AT_HAND = {wire.AVAILABILITY_STORED, wire.AVAILABILITY_LOCAL}


@click.command("explain")
@click.argument("name")
@click.option("--probe", is_flag=True, help="Ask every server for headers: does it let us in?")
@catalog_option
@json_option
def explain_weights(name: str, probe: bool, catalog_address: str, as_json: bool) -> None:
    """Say where the bytes of NAME would come from. Nothing is fetched or changed.

    NAME is a weight, a repository of the hub, an architecture for its default, or a checkpoint.

    \b
    Example:
      vertebra weights explain resnet50
      vertebra weights explain facebook/dinov3-vits16-pretrain-lvd1689m --probe
    """
    page = screen()
    with catalog_client(catalog_address) as catalog:
        if probe:
            with page.status("asking every server", spinner="dots"):
                found = catalog.explain_weights(name, probe=True)
        else:
            found = catalog.explain_weights(name)
    if as_json:
        print_json(found)
    else:
        print_explanation(page, found)


def print_explanation(page: Console, found: wire.ExplainWeightsResponse) -> None:
    """Print the verdict, the trail, and what helps where nothing is at hand."""
    page.print(title(found.reference, f"  {_verdict(found)}\n"))
    page.print(
        facts(
            ("size", words.size(found.size_bytes) if found.size_bytes else ""),
            ("sha256", _digest(found)),
            ("licence", found.licence),
            ("gated", "its publisher serves only who has accepted its terms" * found.is_gated),
        )
    )
    page.print()
    page.print(trail_words.trail_table(found.steps))
    if found.availability not in AT_HAND and found.remedies:
        none = found.availability == wire.AVAILABILITY_NONE
        page.print("\nwhat helps:" if none else "\nif that fails:", style="dim")
        page.print(trail_words.remedies(found.remedies))


def _verdict(found: wire.ExplainWeightsResponse) -> str:
    is_shut = any(step.outcome == wire.TrailStep.OUTCOME_GATED for step in found.steps)
    if is_shut and found.availability == wire.AVAILABILITY_NONE:
        return "is kept from this catalog by its publisher"
    return VERDICTS.get(found.availability, "")


def _digest(found: wire.ExplainWeightsResponse) -> str:
    proof = trail_words.proof(found.expected_proof)
    digits = words.short_digest(found.expected_digest)
    return f"{digits}...; {proof}" if digits and proof else "nothing to compare with is published"

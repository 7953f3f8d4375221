"""`vertebra weights`: what is published, what is at hand, and how it gets there."""

from typing import Any

import click
from rich.console import Console

from vertebra.catalog.v1 import weights_service_pb2 as wire
from vertebra.cli import words
from vertebra.cli.clients import catalog_client
from vertebra.cli.command_group import CommandGroup
from vertebra.cli.options import (
    catalog_option,
    filter_options,
    joined_filter,
    json_option,
    pattern_filter,
)
from vertebra.cli.screen import facts, print_json, print_json_list, screen, table, title
from vertebra.cli.weights_ensure import ensure_weights
from vertebra.cli.weights_explain import explain_weights

CACHED = {
    wire.CACHED_STATE_STORED: "stored",
    wire.CACHED_STATE_LOCAL_FILE: "local file",
}


@click.command("ls")
@click.argument("pattern", default="")
@filter_options("weights")
@catalog_option
@json_option
def list_weights(**flags: Any) -> None:
    """List weights whose architecture has PATTERN in its name.

    \b
    Example:
      vertebra weights ls resnet50
      vertebra weights ls --filter 'is_default = true' --order-by 'metric desc'
    """
    wanted = joined_filter(
        pattern_filter("architecture_id", flags["pattern"]), flags["filter_text"]
    )
    with catalog_client(flags["catalog_address"]) as catalog:
        rows = list(catalog.list_weights(wanted, flags["order_by"]))
    if flags["as_json"]:
        print_json_list("weights", rows)
    else:
        _print_rows(screen(), rows)


@click.command("show")
@click.argument("name")
@catalog_option
@json_option
def show_weights(name: str, catalog_address: str, as_json: bool) -> None:
    """Describe one weight: results, preprocessing, licence, and whether it is at hand.

    NAME is a reference, or an architecture for its default.

    \b
    Example:
      vertebra weights show ResNet50_Weights.IMAGENET1K_V2
      vertebra weights show resnet50
    """
    with catalog_client(catalog_address) as catalog:
        one = catalog.get_weights(name)
    if as_json:
        print_json(one)
    else:
        _print_one(screen(), one)


def _print_rows(page: Console, rows: list[wire.Weights]) -> None:
    if not rows:
        page.print("no weight matches; `vertebra weights ls` lists all")
        return
    numbers = ("SIZE", "RESULT")
    lines = table("WEIGHT", *numbers, "AT HAND", right=numbers)
    for one in rows:
        lines.add_row(
            one.reference.removeprefix("torchvision/") + (" *" if one.is_default else ""),
            words.size(one.size_bytes),
            _result(one.metrics[0]) if one.metrics else "-",
            CACHED.get(one.cached_state, "-"),
        )
    page.print(lines)
    page.print(
        f"\n{words.plural(len(rows), 'weight')}; * is its architecture's default", style="dim"
    )


def _print_one(page: Console, one: wire.Weights) -> None:
    default = ", its default" if one.is_default else ""
    page.print(title(one.reference, f"  for {one.architecture_id}{default}\n"))
    page.print(
        facts(
            ("parameters", f"{one.num_parameters:,}"),
            ("size", words.size(one.size_bytes)),
            ("results", "\n".join(f"{_result(row)} on {row.dataset}" for row in one.metrics)),
            ("classes", _classes(one)),
            ("input", _preprocessing(one)),
            ("licence", one.licence),
            ("at hand", CACHED.get(one.cached_state, "no; it is found when it is needed")),
            ("file", one.file_name),
            ("sha256", one.sha256_prefix and f"{one.sha256_prefix}..."),
            ("from", one.url),
            ("recipe", one.recipe_url),
            ("about", " ".join(one.description.split())),
        )
    )


def _result(row: wire.Metric) -> str:
    return f"{row.name} {row.value:g}"


def _classes(one: wire.Weights) -> str:
    if not one.num_categories:
        return ""
    return f"{one.num_categories}: {', '.join(one.categories[:4])}, ..."


def _preprocessing(one: wire.Weights) -> str:
    if not one.HasField("preprocessing"):
        return ""
    contract = one.preprocessing
    mean = ", ".join(f"{value:g}" for value in contract.mean)
    std = ", ".join(f"{value:g}" for value in contract.std)
    return f"{contract.height_px} x {contract.width_px} px, mean {mean}, std {std}"


@click.group(
    cls=CommandGroup, commands=[list_weights, show_weights, explain_weights, ensure_weights]
)
def weights() -> None:
    """List, describe, find and fetch published weights."""

"""`vertebra models`: what the catalog can build, what it looks like, and building it."""

import click
from rich.console import Console

from vertebra.catalog.v1 import architecture_service_pb2 as architectures
from vertebra.cli import words
from vertebra.cli.clients import catalog_client
from vertebra.cli.command_group import CommandGroup
from vertebra.cli.fitting_table import AT_HAND
from vertebra.cli.models_advise import advise
from vertebra.cli.models_build import build
from vertebra.cli.models_check import check, compose
from vertebra.cli.models_describe import describe, diagram
from vertebra.cli.models_list import gflops, list_models, task_of
from vertebra.cli.options import catalog_option, json_option
from vertebra.cli.screen import facts, print_json, screen, table, title

Architecture = architectures.Architecture


@click.command("show")
@click.argument("name")
@catalog_option
@json_option
def show_model(name: str, catalog_address: str, as_json: bool) -> None:
    """Show what is published for one architecture.

    \b
    Example:
      vertebra models show resnet50
    """
    with catalog_client(catalog_address) as catalog:
        one = catalog.get_architecture(name)
    if as_json:
        print_json(one)
    else:
        print_architecture(screen(), one)


def print_architecture(page: Console, one: Architecture) -> None:
    """Print facts, published weights and feature maps."""
    page.print(title(one.architecture_id, f"  {task_of(one)}, family {one.family}\n"))
    smallest = f"; at least {one.min_image_px} px" if one.min_image_px > 1 else ""
    is_other = one.backbone_architecture not in ("", one.architecture_id)
    page.print(
        facts(
            ("parameters", f"{words.count(one.num_parameters)} ({one.num_parameters:,})"),
            ("GFLOPS", gflops(one.gflops)),
            ("result", _result(one)),
            ("features", str(one.num_features) if one.num_features else "feature maps"),
            ("image", f"{one.default_image_px} px{smallest}" if one.default_image_px else ""),
            ("library", one.library),
            ("licences", ", ".join(one.licences)),
            ("backbone", f"{one.backbone_architecture}: its backbones fit" if is_other else ""),
            ("fine-tune", one.float_twin and f"{one.float_twin}, its float twin"),
            ("weights", _weights_lines(one)),
            ("builds", "yes" if one.is_buildable else "not in this release"),
        )
    )
    if one.feature_maps:
        _print_feature_maps(page, one)


def _result(one: Architecture) -> str:
    if not one.metric_name:
        return ""
    return f"{one.metric_name} {one.metric_value:g} on {one.metric_dataset}"


def _weights_lines(one: Architecture) -> str:
    return "\n".join(f"{name.removeprefix('weights/')}{_notes(one, name)}" for name in one.weights)


def _notes(one: Architecture, name: str) -> str:
    if name != one.default_weights:
        return ""
    return f"  (default{f', {AT_HAND} at hand' if one.is_cached else ''})"


def _print_feature_maps(page: Console, one: Architecture) -> None:
    numbers = ("STRIDE", "CHANNELS")
    lines = table("FEATURE MAP", *numbers, right=numbers)
    for feature_map in one.feature_maps:
        channels = str(feature_map.num_channels)
        lines.add_row(feature_map.name, str(feature_map.stride_px), channels)
    page.print()
    page.print(lines)


@click.group(
    cls=CommandGroup,
    commands=[list_models, show_model, describe, diagram, check, compose, advise, build],
)
def models() -> None:
    """List, describe, compose and build models."""

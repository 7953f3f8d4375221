"""`vertebra checkpoints`: backbones that people trained and handed back."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import click
from google.protobuf import json_format
from rich.console import Console
from rich.text import Text

from vertebra.catalog.v1 import checkpoint_service_pb2 as wire
from vertebra.catalog_client import CatalogClient
from vertebra.cli import words
from vertebra.cli.model_options import Function, argument, image_size, structure_options
from vertebra.cli.options import catalog_option, filter_options, json_option
from vertebra.cli.screen import facts, print_json, print_json_list, screen, table, title
from vertebra.model.v1 import model_spec_pb2

LINEAGE_FLAGS = ("parent", "method", "dataset", "licence", "note")


def _structure_flags(function: Function) -> Function:
    """Add what the backbone has otherwise than published: the flags that built it."""
    flags = (
        click.option("--channels", type=int, metavar="N", help="Channels of an image, if not 3."),
        click.option("--size", metavar="N|HxW", help="Of the images of a position table."),
        *structure_options(),
    )
    for flag in reversed(flags):
        function = flag(function)
    return function


@click.group()
def checkpoints() -> None:
    """List and register backbones."""


@checkpoints.command("ls")
@filter_options
@catalog_option
@json_option
def list_checkpoints(filter_text: str, order_by: str, catalog_address: str, as_json: bool) -> None:
    """List registered backbones, newest first.

    \b
    Example:
      vertebra checkpoints ls --filter 'architecture_id = resnet18'
    """
    with CatalogClient(catalog_address) as catalog:
        rows = list(catalog.list_checkpoints(filter_text, order_by))
    if as_json:
        print_json_list("checkpoints", rows)
    else:
        _print_rows(screen(), rows)


@checkpoints.command("register")
@click.argument("file", type=click.Path(exists=True, dir_okay=False, path_type=Path))
@click.option("--name", "checkpoint_id", required=True, help="Its name: [a-z][a-z0-9_.-]*.")
@click.option("--architecture", "architecture_id", required=True, help="Such as resnet18.")
@click.option("--parent", default="", help="The weights that it started from.")
@click.option("--method", default="", help="How it was trained: supervised, simclr, ...")
@click.option("--dataset", default="", help="What it was trained on.")
@click.option("--licence", default="", help="SPDX id, or the owner's words.")
@click.option("--note", default="", help="Whom to ask, what is special.")
@click.option("--metric", "metrics", multiple=True, metavar="NAME=VALUE", help="A result.")
@_structure_flags
@catalog_option
@json_option
def register(**flags: Any) -> None:
    """Register the backbone in FILE (.safetensors, .ckpt or .pth) for every later model.

    Nothing in the file is executed. Wrapper prefixes and head tensors are left out and reported.
    A backbone that is not as published is registered with the flags that say how: whoever starts
    from it gets the same structure.

    \b
    Example:
      vertebra checkpoints register backbone.ckpt --name letters --architecture resnet18
      vertebra train --backbone resnet18 --weights checkpoints/letters --digits --epochs 3
    """
    metrics = dict(_metric(text) for text in flags["metrics"])
    page, file = screen(), flags["file"]
    with CatalogClient(flags["catalog_address"]) as catalog:
        with page.status(Text(f"uploading {file.name}, {words.size(file.stat().st_size)}")):
            blob = catalog.blobs.upload(file)
        with page.status("reading and comparing it with the architecture"):
            checkpoint = catalog.register_checkpoint(
                checkpoint_id=flags["checkpoint_id"],
                architecture_id=flags["architecture_id"],
                blob_name=blob.name,
                lineage={name: flags[name] for name in LINEAGE_FLAGS},
                metrics=metrics,
                structure=_structure(flags),
            )
    if flags["as_json"]:
        print_json(checkpoint)
    else:
        _print_one(page, checkpoint)


def _structure(flags: Mapping[str, Any]) -> model_spec_pb2.BackboneStructure:
    height_px, width_px = image_size(flags["size"]) if flags["size"] else (0, 0)
    structure = model_spec_pb2.BackboneStructure(
        in_channels=flags["channels"] or 0,
        remove_modules=flags["remove"],
        image_height_px=height_px,
        image_width_px=width_px,
    )
    for name, value in map(argument, flags["arg"]):
        structure.arguments[name] = value
    return structure


def _metric(text: str) -> tuple[str, float]:
    name, equals, value = text.partition("=")
    try:
        if name and equals:
            return name, float(value)
    except ValueError:
        pass
    raise click.BadParameter(f"{text!r} is not NAME=VALUE, such as knn=0.81", param_hint="--metric")


def _print_rows(page: Console, rows: list[wire.Checkpoint]) -> None:
    if not rows:
        page.print("no checkpoint matches; `vertebra train ... --register-as NAME` makes one")
        return
    lines = table("CHECKPOINT", "ARCHITECTURE", "METHOD", "PARENT", "CREATED")
    for one in rows:
        lines.add_row(
            one.name,
            one.architecture_id,
            one.lineage.method or "-",
            one.lineage.parent.removeprefix("torchvision/") or "-",
            words.when(one.create_time),
        )
    page.print(lines)


def _structure_words(structure: model_spec_pb2.BackboneStructure) -> str:
    """Return what is not as published; nothing where all is."""
    removed, size = structure.remove_modules, (structure.image_height_px, structure.image_width_px)
    told = [
        f"{structure.in_channels} channels" if structure.in_channels else "",
        f"without {words.listed(removed)}" if removed else "",
        *(
            f"{name}={value}"
            for name, value in json_format.MessageToDict(structure.arguments).items()
        ),
        f"images of {size[0]}x{size[1]}" if any(size) else "",
    ]
    return ", ".join(each for each in told if each)


def _print_one(page: Console, one: wire.Checkpoint) -> None:
    report = one.load_report
    page.print(title(one.name, f" is registered for {one.architecture_id}\n"))
    page.print(
        facts(
            ("tensors", f"{report.num_loaded} of {report.num_expected}"),
            ("left out", words.listed(report.dropped)),
            ("rules", words.listed(report.rules)),
            ("structure", _structure_words(one.structure)),
            ("backbone digest", words.short_digest(one.backbone_digest)),
            ("use it", f"vertebra train --backbone {one.architecture_id} --weights {one.name}"),
        )
    )

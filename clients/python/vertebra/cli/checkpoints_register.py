"""`vertebra checkpoints register`: a file becomes a backbone for any later model."""

from collections.abc import Mapping
from typing import Any

import click
from rich.text import Text

from vertebra.catalog.v1 import checkpoint_service_pb2 as wire
from vertebra.cli import words
from vertebra.cli.checkpoint_words import print_registered
from vertebra.cli.clients import catalog_client
from vertebra.cli.model_options import Function, argument, image_size, structure_options
from vertebra.cli.options import catalog_option, json_option
from vertebra.cli.screen import print_json, screen
from vertebra.cli.uploaded_file import FILE, called_by_its_name
from vertebra.model.v1 import lineage_pb2, model_spec_pb2

LINEAGE_FLAGS = ("parent", "method", "dataset", "licence", "note", "loss", "optimizer", "lr_rule")
LINEAGE_NUMBERS = ("num_images", "num_epochs", "batch_size", "learning_rate")


def _structure_flags(function: Function) -> Function:
    """Add what the backbone has otherwise than published: the flags that built it."""
    flags = (
        click.option("--channels", type=int, metavar="N", help="Channels of an image, if not 3."),
        click.option("--size", metavar="N|HxW", help="Of the images of a position table."),
        *structure_options(),
    )
    return _with(function, flags)


def _lineage_flags(function: Function) -> Function:
    """Add where it comes from and how it was trained."""
    flags = (
        click.option("--parent", default="", help="The weights that it started from."),
        click.option("--method", default="", help="How it was trained: supervised, simclr, ..."),
        click.option("--dataset", default="", help="What it was trained on."),
        click.option("--images", "num_images", default=0, metavar="N", help="How many of them."),
        click.option("--loss", default="", help="Such as nt_xent."),
        click.option("--augmentation", "augmentations", multiple=True, help="Each, in order."),
        click.option("--optimizer", default="", help="Such as lars."),
        click.option("--lr", "learning_rate", default=0.0, help="Its learning rate."),
        click.option("--lr-rule", default="", help="How that follows the batch: linear, sqrt."),
        click.option("--epochs", "num_epochs", default=0, metavar="N", help="How long."),
        click.option("--batch-size", default=0, metavar="N", help="Images per step."),
        click.option("--licence", default="", help="SPDX id; empty: the parent's."),
        click.option("--note", default="", help="What is special."),
        click.option("--metric", "metrics", multiple=True, metavar="NAME=VALUE", help="A result."),
        click.option(
            "--result",
            "results",
            multiple=True,
            metavar="TEXT:NAME=VALUE,...",
            help="A row of them.",
        ),
    )
    return _with(function, flags)


def _remedy_flags(function: Function) -> Function:
    """Add how the bytes can be had again; without a FILE they are all there is."""
    flags = (
        click.option("--origin-url", "origin_urls", multiple=True, help="Where it is served."),
        click.option("--recipe", default="", help="How to train it again."),
        click.option("--contact", default="", help="Whom to ask."),
        click.option("--sha256", "source_digest", default="", metavar="HEX", help="Of the file."),
    )
    return _with(function, flags)


def _with(function: Function, flags: "tuple[Any, ...]") -> Function:
    for flag in reversed(flags):
        function = flag(function)
    return function


@click.command("register")
@click.argument("file", required=False, type=FILE)
@click.option("--name", "checkpoint_id", required=True, help="Its name: [a-z][a-z0-9_.-]*.")
@click.option("--architecture", "architecture_id", default="", help="Empty: found by its tensors.")
@click.option("--path", default="", help="Instead of FILE: a path on the catalog's host.")
@click.option("--prefix", default="", help="Of the tree to take, such as teacher.backbone.")
@_lineage_flags
@_remedy_flags
@_structure_flags
@catalog_option
@json_option
def register(**flags: Any) -> None:
    """Register the backbone in FILE (.safetensors, .ckpt or .pth) for every later model.

    Nothing in the file is executed. Wrapper prefixes and head tensors are left out and reported.
    A backbone that is not as published is registered with the flags that say how: whoever starts
    from it gets the same structure. Without a FILE the entry only says how to get the bytes.

    \b
    Example:
      vertebra checkpoints register backbone.ckpt --name letters
      vertebra train --backbone resnet18 --weights checkpoints/letters --digits --epochs 3
      vertebra checkpoints register --name pets --architecture resnet50 --contact anna@example.org
    """
    file = flags["file"]
    if file is not None and flags["path"]:
        raise click.UsageError("give a FILE to upload or --path on the catalog's host, not both")
    page = screen()
    with catalog_client(flags["catalog_address"]) as catalog:
        blob_name = ""
        if file is not None:
            with page.status(Text(f"uploading {file.name}, {words.size(file.stat().st_size)}")):
                blob_name = catalog.blobs.upload(file).name
        told = page.status("reading and comparing it with the architecture")
        with told, called_by_its_name(file, blob_name):
            checkpoint = catalog.register_checkpoint(
                checkpoint_id=flags["checkpoint_id"],
                architecture_id=flags["architecture_id"],
                blob_name=blob_name,
                path=flags["path"],
                prefix=flags["prefix"],
                lineage=_lineage(flags),
                metrics=dict(_metric(text) for text in flags["metrics"]),
                structure=_structure(flags),
                remedies=_remedies(flags),
                source_digest=_digest(flags["source_digest"]),
            )
    if flags["as_json"]:
        print_json(checkpoint)
    else:
        print_registered(page, checkpoint)


def _lineage(flags: Mapping[str, Any]) -> lineage_pb2.Lineage:
    return lineage_pb2.Lineage(
        **{name: flags[name] for name in (*LINEAGE_FLAGS, *LINEAGE_NUMBERS)},
        augmentations=flags["augmentations"],
        results=[_result(text) for text in flags["results"]],
    )


def _result(text: str) -> lineage_pb2.ResultRow:
    """Read `10 % of the labels, frozen: iou=0.54,f1=0.61`."""
    setting, _, numbers = text.rpartition(":")
    if not setting.strip():
        why = f"{text!r} is not TEXT:NAME=VALUE,... such as '10 %, frozen: iou=0.54,f1=0.61'"
        raise click.BadParameter(why, param_hint="--result")
    metrics = dict(_metric(each.strip(), hint="--result") for each in numbers.split(","))
    return lineage_pb2.ResultRow(setting=setting.strip(), metrics=metrics)


def _remedies(flags: Mapping[str, Any]) -> wire.CheckpointRemedies | None:
    remedies = wire.CheckpointRemedies(
        origin_urls=flags["origin_urls"], recipe=flags["recipe"], contact=flags["contact"]
    )
    return remedies if remedies.ByteSize() else None


def _digest(text: str) -> str:
    return f"sha256:{text.removeprefix('sha256:').lower()}" if text else ""


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


def _metric(text: str, *, hint: str = "--metric") -> tuple[str, float]:
    name, equals, value = text.partition("=")
    try:
        if name and equals:
            return name, float(value)
    except ValueError:
        pass
    raise click.BadParameter(f"{text!r} is not NAME=VALUE, such as knn=0.81", param_hint=hint)

"""`vertebra models describe` and `diagram`: a model without its numbers, for people."""

import re
from collections.abc import Callable
from pathlib import Path
from typing import Any, TypeVar

import click
from rich.console import Console
from rich.table import Table
from rich.text import Text

from vertebra.catalog.v1 import model_service_pb2 as wire
from vertebra.catalog_client import CatalogClient
from vertebra.cli import contract_words, words
from vertebra.cli.clients import catalog_client
from vertebra.cli.contract_words import ROLES
from vertebra.cli.model_options import model_options, model_spec, named_options
from vertebra.cli.options import catalog_option, json_option
from vertebra.cli.screen import facts, print_json, screen, table, title
from vertebra.cli.sections import SectionedCommand
from vertebra.cli.written_values import count, parsed

Function = TypeVar("Function", bound=Callable[..., Any])

SHOWN_DEPTH = 2
"""Levels of `--layers` where no number is given."""


def freeze_option(function: Function) -> Function:
    """Add `--freeze`, in the trainer's spelling or the contract's."""
    return click.option(
        "--freeze",
        metavar="MODE",
        default="",
        callback=lambda _context, _option, text: freeze_mode(text),
        help="full (the default), frozen_backbone, last_blocks=N or scratch.",
    )(function)


def freeze_mode(text: str) -> str:
    """Return the contract's `last_blocks(2)` for `last_blocks=2`; anything else as it is."""
    return re.sub(r"^(\w+)=(\d+)$", r"\1(\2)", text)


@click.command(cls=SectionedCommand)
@model_options()
@freeze_option
@click.option("--batch", callback=parsed(count), metavar="N", help="Images a step; 32.")
@click.option("--optimizer", default="", help="adamw (the default), adam or sgd.")
@click.option("--activations", default="", metavar="DTYPE", help="f32 (the default), f16 or bf16.")
@click.option(
    "--layers",
    type=click.IntRange(min=1),
    is_flag=False,
    flag_value=SHOWN_DEPTH,
    metavar="[DEPTH]",
    help=f"Also the layers, so many levels deep; {SHOWN_DEPTH}.",
)
@catalog_option
@json_option
def describe(**flags: Any) -> None:
    """Describe a model without its numbers: nothing is downloaded.

    What BACKBONE and the options mean: what it takes and gives, its parts, what trains under
    --freeze, and the memory that this needs.

    \b
    Example:
      vertebra models describe resnet50 --freeze last_blocks=2
      vertebra models describe resnet50 --head retinanet --classes cat,dog --layers 3
    """
    spec = model_spec(flags)
    page = screen()
    with (
        catalog_client(flags["catalog_address"]) as catalog,
        named_options(),
        page.status("describing", spinner="dots"),
    ):
        one = catalog.describe_model(
            spec,
            freeze_mode=flags["freeze"],
            batch_size=flags["batch"] or 0,
            optimizer=flags["optimizer"],
            activation_dtype=flags["activations"].upper(),
        )
        licence = _licence(catalog, one.spec.weights)
    if flags["as_json"]:
        print_json(one)
    else:
        print_description(page, one, licence)
        if flags["layers"]:
            print_layers(page, one, flags["layers"])


def _licence(catalog: CatalogClient, weights: str) -> str:
    """Return the licence of the numbers that the model starts from; empty for random ones."""
    if not weights:
        return ""
    if weights.startswith("checkpoints/"):
        return catalog.get_checkpoint(weights).lineage.licence
    return catalog.get_weights(weights).licence


@click.command(cls=SectionedCommand)
@model_options()
@click.option(
    "--out",
    "-o",
    "file",
    type=click.Path(dir_okay=False, path_type=Path),
    help="The file to write; else standard output.",
)
@click.option(
    "--format",
    "drawing",
    type=click.Choice(["svg", "dot"]),
    help="svg, or dot for Graphviz; else what the file's name says, or svg.",
)
@freeze_option
@catalog_option
def diagram(**flags: Any) -> None:
    """Draw the model from backbone over neck to head, with shapes.

    \b
    Example:
      vertebra models diagram resnet50 -o resnet50.svg
      vertebra models diagram resnet50 --head retinanet --num-classes 3 --format dot | dot -Tpng
    """
    file = flags["file"]
    spec = model_spec(flags)
    by_name = "dot" if file is not None and file.suffix in (".dot", ".gv") else "svg"
    with catalog_client(flags["catalog_address"]) as catalog, named_options():
        drawn = catalog.render_model(
            spec, format=flags["drawing"] or by_name, freeze_mode=flags["freeze"]
        )
    if file is None:
        click.echo(drawn.content, nl=not drawn.content.endswith("\n"))
        return
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_text(drawn.content, encoding="utf-8")
    click.echo(f"{file} drawn, {words.size(len(drawn.content.encode()))}")


def print_description(page: Console, one: wire.ModelDescription, licence: str) -> None:
    """Print facts, parts and feature maps, as wide as the page."""
    page.print(title(one.spec.backbone, f"  {_source(one)}\n"))
    page.print(
        facts(
            ("task", contract_words.task(one.spec, one.output)),
            ("licence", licence),
            ("takes", "\n".join(contract_words.takes(one.input))),
            ("gives", "\n".join(contract_words.gives(one.output))),
            ("parameters", _parameters(one)),
            ("compute", f"{words.count(one.num_multiply_adds)} multiply-adds {_sample(one)}"),
            ("memory", _memory(one)),
            (
                "counted",
                Text("\n".join([*one.assumptions, one.training_memory.basis]), style="dim"),
            ),
        )
    )
    page.print()
    page.print(_parts(one))
    if one.feature_maps:
        page.print()
        page.print(_feature_maps(one))


def _sample(one: wire.ModelDescription) -> str:
    return "a clip" if one.input.num_frames else "an image"


def _source(one: wire.ModelDescription) -> str:
    if one.spec.HasField("pretrained") and not one.spec.pretrained:
        return "random numbers"
    return f"from {one.spec.weights.removeprefix('torchvision/')}" if one.spec.weights else ""


def _parameters(one: wire.ModelDescription) -> str:
    train, frozen = one.num_trainable_parameters, one.num_frozen_parameters
    return (
        f"{words.count(one.num_parameters)} ({one.num_parameters:,}); under {one.freeze_mode} "
        f"{words.count(train)} train, {words.count(frozen)} stay frozen"
    )


def _memory(one: wire.ModelDescription) -> str:
    if not one.HasField("training_memory"):
        return ""
    need = one.training_memory
    parts = (
        (need.parameter_bytes, "parameters"),
        (need.gradient_bytes, "gradients"),
        (need.optimizer_bytes, "optimizer"),
        (
            need.activation_bytes_per_image * need.batch_size,
            f"activations ({need.batch_size} x {words.size(need.activation_bytes_per_image)})",
        ),
        (need.transient_bytes_per_image * need.batch_size, "for the widest layer"),
    )
    shown = " + ".join(f"{words.size(number)} {name}" for number, name in parts if number)
    total = f"{words.size(need.total_bytes)} to train on {need.batch_size} images a step"
    return f"{total}\n{shown}"


def _parts(one: wire.ModelDescription) -> Table:
    """Return a line a part, from the image to the head, with a bar for its share."""
    numbers = ("TRAIN", "FROZEN", "MULT-ADDS")
    lines = table("PART", "ROLE", *numbers, "OUTPUT", "TRAINS FROM", right=numbers)
    for part in one.parts:
        blocks = part.num_blocks_from_end
        lines.add_row(
            part.name,
            ROLES.get(part.role, ""),
            words.count(part.num_trainable_parameters) if part.num_trainable_parameters else "-",
            words.count(part.num_frozen_parameters) if part.num_frozen_parameters else "-",
            words.count(part.num_multiply_adds) if part.num_multiply_adds else "-",
            sizes_of(part.output),
            f"last_blocks={blocks}" if blocks else "",
            style="" if part.num_trainable_parameters else "dim",
        )
    return lines


def _feature_maps(one: wire.ModelDescription) -> Table:
    numbers = ("STRIDE", "CHANNELS")
    lines = table("FEATURE MAP", *numbers, "SIZE", right=numbers)
    for feature_map in one.feature_maps:
        size = f"{feature_map.height_px} x {feature_map.width_px}"
        lines.add_row(
            feature_map.name,
            str(feature_map.stride_px),
            str(feature_map.num_channels),
            size if feature_map.height_px else "",
        )
    return lines


def sizes_of(shape: wire.TensorShape) -> str:
    """Return `2048 x 7 x 7`, without the batch; empty for no shape."""
    sizes = shape.sizes[1:] if len(shape.sizes) > 1 else shape.sizes
    return " x ".join(str(size) for size in sizes)


def print_layers(page: Console, one: wire.ModelDescription, depth: int) -> None:
    """Print the module tree down to `depth`, each with its output and parameters."""
    numbers = ("PARAMS", "MULT-ADDS")
    lines = table("LAYER", "KIND", "OUTPUT", *numbers, right=numbers)
    hidden = 0
    for module in one.modules:
        level = module.path.count(".") + 1 if module.path else 0
        if level > depth:
            hidden += 1
            continue
        lines.add_row(
            _indented(module, level),
            module.class_name,
            ", ".join(sizes_of(shape) for shape in module.outputs[:1]) + _more(module),
            words.count(module.num_parameters) if module.num_parameters else "-",
            words.count(module.num_multiply_adds) if module.num_multiply_adds else "-",
            style="" if module.num_trainable_parameters or not module.num_parameters else "dim",
        )
    page.print()
    page.print(lines)
    if hidden:
        deeper = f"{words.plural(hidden, 'module')} deeper; --layers {depth + 1} shows more"
        page.print(deeper, style="dim")


def _indented(module: wire.ModuleInfo, level: int) -> Text:
    name = module.path.rpartition(".")[2] or "model"
    return Text("  " * level + name)


def _more(module: wire.ModuleInfo) -> str:
    return f" +{len(module.outputs) - 1}" if len(module.outputs) > 1 else ""

"""`vertebra models`: what the catalog can build, and building it."""

from pathlib import Path
from typing import Any

import click
from rich.console import Console
from rich.text import Text

from vertebra.catalog.v1 import architecture_service_pb2 as architectures
from vertebra.catalog.v1 import model_service_pb2 as models_wire
from vertebra.catalog_client import CatalogClient
from vertebra.cli import words
from vertebra.cli.options import (
    catalog_option,
    filter_options,
    joined_filter,
    json_option,
    pattern_filter,
)
from vertebra.cli.screen import facts, print_json, print_json_list, screen, table, title
from vertebra.model.v1 import model_spec_pb2

TASKS = [name.removeprefix("TASK_").lower() for name in architectures.Task.keys()[1:]]


@click.group()
def models() -> None:
    """List, describe and build models."""


@models.command("ls")
@click.argument("pattern", default="")
@click.option("--task", type=click.Choice(TASKS), help="Only models for this task.")
@click.option("--family", default="", help="Only this family, such as resnet.")
@filter_options
@catalog_option
@json_option
def list_models(**flags: Any) -> None:
    """List architectures whose name has PATTERN in it.

    \b
    Example:
      vertebra models ls 'resnet*' --order-by num_parameters
      vertebra models ls --task detection
    """
    wanted = joined_filter(
        pattern_filter("architecture_id", flags["pattern"]),
        f"task = {flags['task']}" if flags["task"] else "",
        f"family = {flags['family']}" if flags["family"] else "",
        flags["filter_text"],
    )
    with CatalogClient(flags["catalog_address"]) as catalog:
        rows = list(catalog.list_architectures(wanted, flags["order_by"]))
    if flags["as_json"]:
        print_json_list("architectures", rows)
    else:
        _print_architectures(screen(), rows)


@models.command("show")
@click.argument("name")
@click.option("--stages", is_flag=True, help="Also the backbone's stages, for last_blocks=N.")
@catalog_option
@json_option
def show_model(name: str, stages: bool, catalog_address: str, as_json: bool) -> None:
    """Describe one architecture and its weights.

    \b
    Example:
      vertebra models show resnet50 --stages
    """
    with CatalogClient(catalog_address) as catalog:
        one = catalog.get_architecture(name)
        spec = {"backbone": one.architecture_id}
        built = catalog.build_model(spec, definition_only=True) if stages else None
    if as_json:
        print_json(built or one)
        return
    page = screen()
    _print_architecture(page, one)
    if built is not None:
        _print_stages(page, built)


@models.command("build")
@click.argument("backbone")
@click.option("--weights", default="", help="A weight or checkpoints/NAME; else the default.")
@click.option("--no-pretrained", is_flag=True, help="Random numbers instead of weights.")
@click.option("--num-classes", type=click.IntRange(min=1), help="A new head of this width.")
@click.option("--seed", type=click.IntRange(min=0), default=0, help="Seeds a new head.")
@click.option("--allow-partial", is_flag=True, help="Accept weights that miss a part.")
@click.option("--definition-only", is_flag=True, help="Structure only: no numbers, no network.")
@click.option(
    "--save",
    type=click.Path(dir_okay=False, path_type=Path),
    help="Write the whole state to this .safetensors file.",
)
@catalog_option
@json_option
def build(**flags: Any) -> None:
    """Build BACKBONE in the catalog: its weights verified, a new head where asked for.

    \b
    Example:
      vertebra models build resnet18 --num-classes 10 --save resnet18.safetensors
    """
    page, save = screen(), flags["save"]
    with CatalogClient(flags["catalog_address"]) as catalog:
        with page.status("asking the catalog", spinner="dots") as status:
            built = catalog.build_model(
                _spec(flags),
                definition_only=flags["definition_only"],
                on_progress=lambda progress: status.update(_progress_line(progress)),
            )
        if save is not None:
            catalog.save_state(built, save)
    if flags["as_json"]:
        print_json(built)
    else:
        _print_built(page, built, save)


def _spec(flags: dict[str, Any]) -> model_spec_pb2.ModelSpec:
    spec = model_spec_pb2.ModelSpec(
        backbone=flags["backbone"],
        weights=flags["weights"],
        seed=flags["seed"],
        allow_partial=flags["allow_partial"],
    )
    if flags["no_pretrained"]:
        spec.pretrained = False
    if flags["num_classes"]:
        spec.classification.num_classes = flags["num_classes"]
    return spec


def _progress_line(progress: models_wire.BuildProgress) -> Text:
    step = words.word(models_wire.BuildProgress.Step.Name(progress.step), "STEP_")
    return Text(f"{step}: {progress.message}")


def _task(one: architectures.Architecture) -> str:
    return words.word(architectures.Task.Name(one.task), "TASK_")


def _print_architectures(page: Console, rows: list[architectures.Architecture]) -> None:
    if not rows:
        page.print("no architecture matches; `vertebra models ls` lists all")
        return
    numbers = ("PARAMETERS", "GFLOPS", "IMAGE", "WEIGHTS")
    lines = table("ARCHITECTURE", "TASK", *numbers, right=numbers)
    for one in rows:
        lines.add_row(
            one.architecture_id + ("" if one.is_buildable else " *"),
            _task(one),
            words.count(one.num_parameters),
            f"{one.gflops:.2f}",
            str(one.default_image_px or "-"),
            str(len(one.weights) or "-"),
            style="" if one.is_buildable else "dim",
        )
    page.print(lines)
    dimmed = sum(not one.is_buildable for one in rows)
    note = f"; * {dimmed} not built by this release" if dimmed else ""
    page.print(f"\n{words.plural(len(rows), 'architecture')}{note}", style="dim")


def _print_architecture(page: Console, one: architectures.Architecture) -> None:
    page.print(title(one.architecture_id, f"  {_task(one)}, family {one.family}\n"))
    smallest = f"; at least {one.min_image_px} px" if one.min_image_px > 1 else ""
    page.print(
        facts(
            ("parameters", f"{words.count(one.num_parameters)} ({one.num_parameters:,})"),
            ("GFLOPS", f"{one.gflops:.2f}"),
            ("features", str(one.num_features) if one.num_features else "feature maps"),
            ("image", f"{one.default_image_px} px{smallest}" if one.default_image_px else ""),
            ("library", one.library),
            ("licences", ", ".join(one.licences)),
            ("fine-tune", one.float_twin and f"{one.float_twin}, its float twin"),
            ("weights", _weights_lines(one)),
            ("builds", "yes" if one.is_buildable else "not in this release"),
        )
    )


def _weights_lines(one: architectures.Architecture) -> str:
    return "\n".join(
        f"{name.removeprefix('weights/')}{'  (default)' if name == one.default_weights else ''}"
        for name in one.weights
    )


def _print_stages(page: Console, built: models_wire.BuiltModel) -> None:
    lines = table("STAGE", "PARAMETERS", "MODULES", right=("PARAMETERS",))
    for stage in built.layout.stages:
        lines.add_row(stage.name, words.count(stage.num_parameters), ", ".join(stage.modules))
    head = built.num_parameters - built.num_backbone_parameters
    lines.add_row("head", words.count(head), ", ".join(built.layout.head_modules))
    page.print()
    page.print(lines)


def _print_built(page: Console, built: models_wire.BuiltModel, save: Path | None) -> None:
    report = built.load_report
    loaded = f"{report.num_loaded} of {report.num_expected} tensors"
    page.print(title(built.spec.backbone, f" from {built.lineage.parent or 'its recipe'}\n"))
    page.print(
        facts(
            (
                "parameters",
                f"{built.num_parameters:,} ({built.num_backbone_parameters:,} backbone)",
            ),
            ("loaded", loaded if report.num_expected else ""),
            ("initialised", words.listed(report.initialised)),
            ("left out", words.listed(report.dropped)),
            ("rules", words.listed(report.rules)),
            ("missing", words.listed(report.missing)),
            ("image", f"{built.input.height_px} x {built.input.width_px} px"),
            ("backbone digest", words.short_digest(built.backbone_digest)),
            ("state digest", words.short_digest(built.state_digest)),
            ("saved", str(save) if save else ""),
        )
    )

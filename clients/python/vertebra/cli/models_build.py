"""`vertebra models build`: a model with its numbers, and its state in a file."""

from pathlib import Path
from typing import Any

import click
from rich.console import Console
from rich.text import Text

from vertebra.catalog.v1 import model_service_pb2 as wire
from vertebra.catalog_client import CatalogClient
from vertebra.cli import contract_words, words
from vertebra.cli.clients import catalog_client
from vertebra.cli.model_options import model_options, model_spec, named_options
from vertebra.cli.options import catalog_option, json_option
from vertebra.cli.screen import facts, print_json, screen, title
from vertebra.cli.sections import SectionedCommand

DTYPES = {"fp32": "F32", "fp16": "F16", "bf16": "BF16"}
"""People's words -> safetensors'."""


@click.command(cls=SectionedCommand)
@model_options()
@click.option("--definition-only", is_flag=True, help="Structure only: no numbers, no network.")
@click.option(
    "--save",
    type=click.Path(dir_okay=False, path_type=Path),
    metavar="FILE",
    help="Write the state to this .safetensors file.",
)
@click.option("--role", type=click.Choice(["backbone", "neck", "head", "aux"]),
              help="Save only this part.")  # fmt: skip
@click.option("--dtype", type=click.Choice(list(DTYPES)), help="Save floating point as this.")
@catalog_option
@json_option
def build(**flags: Any) -> None:
    """Build a model: weights verified, a new head where asked for.

    \b
    Example:
      vertebra models build resnet18 --classes cat,dog --save cats-and-dogs.safetensors
      vertebra models build resnet50 --head retinanet --num-classes 3 --no-pretrained
    """
    save = flags["save"]
    for name in ("role", "dtype"):
        if flags[name] and save is None:
            raise click.UsageError(f"--{name} says how to --save: give a file")
    if save is not None and flags["definition_only"]:
        raise click.UsageError("--definition-only has no numbers to --save")
    page, spec = screen(), model_spec(flags)
    with (
        catalog_client(flags["catalog_address"]) as catalog,
        named_options(),
        page.status("asking the catalog", spinner="dots") as status,
    ):
        built = catalog.build_model(
            spec,
            definition_only=flags["definition_only"],
            on_progress=lambda progress: status.update(progress_line(progress)),
        )
        if save is not None:
            status.update(Text(f"saving {save}"))
            _save(catalog, built, flags)
    if flags["as_json"]:
        print_json(built)
    else:
        print_built(page, built, save)


def _save(catalog: CatalogClient, built: wire.BuiltModel, flags: dict[str, Any]) -> None:
    dtype = DTYPES.get(flags["dtype"] or "", "")
    catalog.save_state(built, flags["save"], role=flags["role"] or "", dtype=dtype)


def progress_line(progress: wire.BuildProgress) -> Text:
    """Return what is being done, and how many bytes of it are here."""
    step = words.word(wire.BuildProgress.Step.Name(progress.step), "STEP_")
    counted = words.size(progress.bytes_done) if progress.bytes_done else ""
    if counted and progress.bytes_total:
        counted += f" of {words.size(progress.bytes_total)}"
    return Text("  ".join(part for part in (f"{step}: {progress.message}", counted) if part))


def print_built(page: Console, built: wire.BuiltModel, save: Path | None) -> None:
    """Print what was loaded, drawn and left out, and what the state is called."""
    report = built.load_report
    loaded = f"{report.num_loaded} of {report.num_expected} tensors"
    page.print(title(built.spec.backbone, f" from {built.lineage.parent or 'its recipe'}\n"))
    page.print(
        facts(
            ("task", contract_words.task(built.spec, built.output)),
            (
                "parameters",
                f"{built.num_parameters:,} ({built.num_backbone_parameters:,} backbone)",
            ),
            ("loaded", loaded if report.num_expected else ""),
            ("initialised", words.listed(report.initialised)),
            ("left out", words.listed(report.dropped)),
            ("rules", words.listed(report.rules)),
            ("missing", words.listed(report.missing)),
            ("takes", "\n".join(contract_words.takes(built.input))),
            ("gives", "\n".join(contract_words.gives(built.output))),
            ("backbone digest", words.short_digest(built.backbone_digest)),
            ("state digest", words.short_digest(built.state_digest)),
            ("saved", f"{save}, {words.size(save.stat().st_size)}" if save else ""),
        )
    )

"""`vertebra models ls`: what there is, grouped by what it is for."""

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import click
from rich.console import Console
from rich.table import Table
from rich.text import Text

from vertebra.catalog.v1 import architecture_service_pb2 as architectures
from vertebra.cli import words
from vertebra.cli.clients import catalog_client
from vertebra.cli.fitting_table import AT_HAND, fitting_table
from vertebra.cli.options import (
    catalog_option,
    filter_options,
    joined_filter,
    json_option,
    pattern_filter,
)
from vertebra.cli.screen import is_terminal, print_json_list, print_tabs, screen
from vertebra.cli.written_values import amount, parsed

Architecture = architectures.Architecture

TASKS = [name.removeprefix("TASK_").lower() for name in architectures.Task.keys()[1:]]

LIBRARIES = {"torchvision": "torchvision", "huggingface": "transformers"}
"""Where weights are published -> the library that defines the architecture."""

DEFAULT_ORDER = "family, num_parameters"
"""Relatives side by side, from small to large."""

FITTING = ("FAMILY", "FLOAT TWIN", "TASK", "PX", "GFLOPS")
"""What a narrow terminal does without, first things first."""


CONDITIONS: Mapping[str, str] = {
    "for_task": "task = {}",
    "family": "family = {}",
    "max_parameters": "num_parameters <= {}",
    "max_gflops": "gflops <= {}",
    "image_size": "default_image_px = {}",
    "licence": 'licences = "{}"',
    "min_metric": "metric >= {}",
    "cached": "is_cached = true",
    "buildable": "is_buildable = true",
}
"""An option -> what it says in the filter. Source: ListArchitecturesRequest."""


@click.command("ls")
@click.argument("pattern", default="")
@click.option(
    "--task",
    "for_task",
    type=click.Choice(TASKS),
    metavar="TASK",
    help="Only models for this task.",
)
@click.option("--family", metavar="NAME", help="Only this family, such as resnet.")
@click.option(
    "--max-parameters", callback=parsed(amount), metavar="N", help="At most so many: 30M."
)
@click.option("--max-gflops", type=click.FloatRange(min=0), help="10^9 multiply-adds an image.")
@click.option(
    "--image-size", type=click.IntRange(min=1), help="Evaluated at so many pixels by default."
)
@click.option("--licence", metavar="ID", help="Has weights under this licence, such as unknown.")
@click.option("--min-metric", type=float, help="The published result is at least this.")
@click.option("--cached", is_flag=True, help="Default weights are at hand without a network.")
@click.option("--buildable", is_flag=True, help="Leave out what is listed only.")
@click.option("--source", type=click.Choice(list(LIBRARIES)), help="Who publishes the weights.")
@filter_options("architectures")
@catalog_option
@json_option
def list_models(**flags: Any) -> None:
    """List architectures, grouped by task.

    Those whose name has PATTERN in it. With --order there is one list in that order. Into a pipe:
    one line a model, tabs between.

    \b
    Example:
      vertebra models ls 'resnet*'
      vertebra models ls --task detection --max-parameters 30M
      vertebra models ls --order 'metric desc' --filter 'gflops < 1'
    """
    wanted = joined_filter(
        pattern_filter("architecture_id", flags["pattern"]),
        *(
            condition.format(flags[name])
            for name, condition in CONDITIONS.items()
            if flags[name] not in (None, False)
        ),
        flags["filter_text"],
    )
    with catalog_client(flags["catalog_address"]) as catalog:
        found = catalog.list_architectures(wanted, flags["order_by"] or DEFAULT_ORDER)
        rows = [one for one in found if _is_from(one, flags["source"])]
    if flags["as_json"]:
        print_json_list("architectures", rows)
    elif is_terminal():
        print_models(screen(), rows, in_order=bool(flags["order_by"]))
    else:
        print_tabs([list(PIPED), *([text(one) for text in PIPED.values()] for one in rows)])


def _is_from(one: Architecture, source: str | None) -> bool:
    return source is None or one.library.startswith(LIBRARIES[source])


def task_of(one: Architecture) -> str:
    """Return `instance segmentation`."""
    return words.word(architectures.Task.Name(one.task), "TASK_")


PIPED: Mapping[str, Callable[[Architecture], str]] = {
    "architecture": lambda one: one.architecture_id,
    "family": lambda one: one.family,
    "task": lambda one: task_of(one).replace(" ", "_"),
    "parameters": lambda one: str(one.num_parameters),
    "gflops": lambda one: f"{one.gflops:g}",
    "image_px": lambda one: str(one.default_image_px),
    "metric": lambda one: one.metric_name,
    "dataset": lambda one: one.metric_dataset,
    "value": lambda one: f"{one.metric_value:g}" if one.metric_name else "",
    "at_hand": lambda one: "yes" if one.is_cached else "no",
    "builds": lambda one: "yes" if one.is_buildable else "no",
    "float_twin": lambda one: one.float_twin,
    "licences": lambda one: ", ".join(one.licences),
}
"""Columns for programs: plain numbers, empty for nothing."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Group:
    """Rows of one table."""

    heading: str
    rows: Sequence[Architecture]


def _groups(rows: Sequence[Architecture]) -> list[Group]:
    """Return the rows task by task, in the contract's order; quantized ones after the others."""
    keys = sorted({(one.task, bool(one.float_twin)) for one in rows})
    groups = []
    for task, is_quantized in keys:
        inside = [one for one in rows if (one.task, bool(one.float_twin)) == (task, is_quantized)]
        name = f"{'quantized ' if is_quantized else ''}{task_of(inside[0])}"
        groups.append(Group(heading=name, rows=inside))
    return groups


def print_models(page: Console, rows: Sequence[Architecture], *, in_order: bool) -> None:
    """Print tables as wide as the page allows."""
    if not rows:
        page.print("no architecture matches; `vertebra models ls` lists all")
        return
    if in_order:
        page.print(_table(rows, page, in_order=True))
    else:
        for group in _groups(rows):
            page.print(_heading(group))
            page.print(_table(group.rows, page, in_order=False))
            page.print()
    _print_footer(page, rows)


def _heading(group: Group) -> Text:
    note = words.plural(len(group.rows), "model")
    if metric := _only({f"{one.metric_name} on {one.metric_dataset}" for one in _judged(group)}):
        note = f"{note}, {metric}"
    if group.rows[0].float_twin:
        note = f"{note}; fine-tune the twin"
    return Text.assemble((group.heading, "bold"), (f"  {note}", "dim"))


def _judged(group: Group) -> Iterable[Architecture]:
    return (one for one in group.rows if one.metric_name)


def _only(values: set[str]) -> str:
    return values.pop() if len(values) == 1 else ""


def _table(rows: Sequence[Architecture], page: Console, *, in_order: bool) -> Table:
    metric = _only({one.metric_name for one in rows if one.metric_name})
    is_mixed = in_order and len({one.task for one in rows}) > 1
    cells, before = [], ""
    for one in rows:
        cells.append(_cells(one, metric, family="" if one.family == before else one.family))
        before = one.family
    if not is_mixed:
        cells = [{**row, "TASK": ""} for row in cells]
    styles = ["" if one.is_buildable else "dim" for one in rows]
    return fitting_table(page, cells, droppable=FITTING, styles=styles)


def _cells(one: Architecture, metric: str, *, family: str) -> dict[str, str]:
    return {
        "FAMILY": family,
        "MODEL": one.architecture_id,
        "TASK": task_of(one),
        "PARAMS": words.count(one.num_parameters),
        "GFLOPS": gflops(one.gflops),
        "PX": str(one.default_image_px or "-"),
        metric.upper() or "RESULT": _result(one, with_name=not metric),
        "FLOAT TWIN": one.float_twin,
        AT_HAND: AT_HAND if one.is_cached else "",
    }


def gflops(value: float) -> str:
    """Return `4.09`, or `-` where nobody says."""
    return f"{value:,.2f}" if value else "-"


def _result(one: Architecture, *, with_name: bool) -> str:
    if not one.metric_name:
        return ""
    return f"{one.metric_value:.2f}{f' {one.metric_name}' if with_name else ''}"


def _print_footer(page: Console, rows: Sequence[Architecture]) -> None:
    listed_only = sum(not one.is_buildable for one in rows)
    cached = sum(one.is_cached for one in rows)
    notes = [
        words.plural(len(rows), "model"),
        f"{listed_only} dim: listed, not built" if listed_only else "",
        f"{AT_HAND} {cached} with default weights at hand" if cached else "",
    ]
    page.print("; ".join(note for note in notes if note), style="dim")
    first = next((one for one in rows if one.is_buildable), rows[0]).architecture_id
    page.print(f"next: vertebra models describe {first}", style="dim", soft_wrap=True)

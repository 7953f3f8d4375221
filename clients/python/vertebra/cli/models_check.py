"""`vertebra models check` and `compose`: which images and which parts go with a model."""

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

import click
from rich.console import Console
from rich.table import Table
from rich.text import Text

from vertebra.catalog.v1 import model_service_pb2 as wire
from vertebra.cli import exit_codes, words
from vertebra.cli.clients import catalog_client
from vertebra.cli.model_flags import TASKS_OF_HEADS
from vertebra.cli.model_options import (
    TASKS,
    image_size,
    model_options,
    model_spec,
    named_options,
)
from vertebra.cli.options import catalog_option, filter_options, joined_filter, json_option
from vertebra.cli.screen import facts, print_json, print_json_list, screen, table, title
from vertebra.cli.sections import SectionedCommand
from vertebra.cli.written_values import count, parsed

Verdict = wire.InputVerdict

ANSWERS: Mapping[int, tuple[str, str]] = {
    Verdict.KIND_OK: ("runs", "green"),
    Verdict.KIND_WILL_CROP: ("runs, but the border is not seen", "yellow"),
    Verdict.KIND_NEEDS_INTERPOLATION: ("runs when the model is built for it", "yellow"),
    Verdict.KIND_ERROR: ("does not run", "red"),
}
"""A verdict in words, and its colour."""


SHOWN_NAMES = 12
"""So many backbones are all named; of more, the first."""

COUNTS: Mapping[str, str] = {
    "regression": "--num-targets 1",
    "keypoints": "--num-keypoints 17",
    "features": "",
}
"""What the example of a task needs where it does not need classes."""


@click.command(cls=SectionedCommand)
@model_options("size", "channels")
@click.option("--size", required=True, metavar="N|HxW", help="Of the images to check, in pixels.")
@click.option("--built-for", metavar="N|HxW", help="Size that the model is built for.")
@click.option(
    "--channels", callback=parsed(count), metavar="N", help="Of the images; else as built."
)
@click.option("--batch", callback=parsed(count), metavar="N", help="Images a step.")
@catalog_option
@json_option
def check(**flags: Any) -> int:
    """Say whether images of a size run.

    Which sizes near it are legal is said too. Ends with 1 where they do not run in evaluation.

    \b
    Example:
      vertebra models check inception_v3 --size 225x191
      vertebra models check vit_b_16 --size 256 --built-for 256
    """
    height, width = image_size(flags["size"])
    spec = model_spec({**flags, "size": flags["built_for"], "channels": None})
    with catalog_client(flags["catalog_address"]) as catalog, named_options():
        answer = catalog.check_input(
            spec,
            height_px=height,
            width_px=width,
            num_channels=flags["channels"] or 0,
            batch_size=flags["batch"] or 0,
        )
    if flags["as_json"]:
        print_json(answer)
    else:
        print_verdicts(screen(), spec.backbone, f"  given {height} x {width} px", answer)
    return (
        exit_codes.OK if answer.evaluation.kind != Verdict.KIND_ERROR else exit_codes.DOES_NOT_RUN
    )


def print_verdicts(page: Console, name: str, given: str, answer: wire.CheckInputResponse) -> None:
    """Print what becomes of the images, each verdict with its reasons and remedies."""
    page.print(title(name, f"{given}\n"))
    verdicts = [
        ("evaluation", _verdict(answer.evaluation)),
        ("training", _verdict(answer.training)),
    ]
    if answer.evaluation == answer.training:
        verdicts = [("in both modes", verdicts[0][1])]
    page.print(facts(*verdicts, ("sizes", _limits(answer))))


def _verdict(one: Verdict) -> Text:
    word, style = ANSWERS.get(one.kind, ("?", ""))
    lines = [Text(word, style=style), *(Text(reason) for reason in one.reasons)]
    if one.kind == Verdict.KIND_WILL_CROP and one.seen_height_px:
        lines.append(Text(f"seen: {one.seen_height_px} x {one.seen_width_px} px"))
    if one.kind == Verdict.KIND_NEEDS_INTERPOLATION:
        lines.append(Text("--size when it is built; here --built-for"))
    if one.nearest and one.kind != Verdict.KIND_NEEDS_INTERPOLATION:
        sizes = ", ".join(f"{size.height_px}x{size.width_px}" for size in one.nearest)
        lines.append(Text(f"nearest: {sizes}"))
    return Text("\n").join(lines)


def _limits(answer: wire.CheckInputResponse) -> str:
    limits = answer.sizes
    if not answer.HasField("sizes"):
        return ""
    parts = [
        f"at least {limits.min_px} px",
        f"{limits.min_training_px} px to train" if limits.min_training_px > limits.min_px else "",
        f"multiples of {limits.multiple_of_px}" if limits.multiple_of_px > 1 else "",
        "only the size that the model is built for" if limits.is_fixed else "",
    ]
    return ", ".join(part for part in parts if part)


@click.command(cls=SectionedCommand)
@click.argument("backbone", default="")
@click.option(
    "--task", "for_task", type=click.Choice(TASKS), metavar="TASK", help="Only for this task."
)
@click.option("--head", help="Only this head.")
@click.option("--neck", help="Only this neck.")
@click.option("--family", help="Only backbones of this family.")
@filter_options("compositions")
@catalog_option
@json_option
def compose(**flags: Any) -> None:
    """List which neck and head go on which backbone.

    For BACKBONE its heads with their necks; without, how many backbones go under each.

    \b
    Example:
      vertebra models compose resnet50
      vertebra models compose --task detection --neck bifpn
    """
    wanted = joined_filter(
        *(
            f"{field} = {flags[key]}"
            for field, key in (
                ("backbone", "backbone"),
                ("task", "for_task"),
                ("head", "head"),
                ("neck", "neck"),
                ("family", "family"),
            )
            if flags[key]
        ),
        flags["filter_text"],
    )
    with catalog_client(flags["catalog_address"]) as catalog:
        if flags["backbone"]:
            catalog.get_architecture(flags["backbone"])
        rows = list(catalog.list_compositions(wanted, flags["order_by"]))
    if flags["as_json"]:
        print_json_list("compositions", rows)
    else:
        print_compositions(screen(), rows, of_one=bool(flags["backbone"]))


def print_compositions(page: Console, rows: Sequence[wire.Composition], *, of_one: bool) -> None:
    """Print a line for a task and head: its necks, or the backbones that go under it."""
    if not rows:
        page.print("nothing goes together like that; `vertebra models compose` lists all")
        return
    if of_one:
        page.print(_necks(rows))
        page.print("\n* is what an empty --head and --neck mean", style="dim")
    else:
        page.print(_matrix(rows))
        page.print(f"\n{_names(rows)}", style="dim")
    page.print(f"next: vertebra models describe {_example(rows)}", style="dim", soft_wrap=True)


def _example(rows: Sequence[wire.Composition]) -> str:
    """Return a command line for one of them: a dense one, where there is one."""
    dense = [row for row in rows if row.head in TASKS_OF_HEADS] or rows
    one = next((row for row in dense if row.is_default), dense[0])
    head = f" --head {one.head}" if one.head in TASKS_OF_HEADS else f" --task {one.task}"
    neck = "" if one.is_default else f" --neck {one.neck}"
    return f"{one.backbone}{head}{neck} {COUNTS.get(one.task, '--num-classes 2')}".rstrip()


def _grouped(
    rows: Iterable[wire.Composition],
) -> dict[tuple[str, str], list[wire.Composition]]:
    order = TASKS
    groups: dict[tuple[str, str], list[wire.Composition]] = {}
    for one in rows:
        groups.setdefault((one.task, one.head), []).append(one)
    return dict(sorted(groups.items(), key=lambda item: order.index(item[0][0])))


def _necks(rows: Sequence[wire.Composition]) -> Table:
    lines = table("TASK", "HEAD", "NECKS", "FEATURE MAPS")
    lines.columns[2].no_wrap, lines.columns[2].overflow = False, "fold"
    before = ""
    for (task, head), inside in _grouped(rows).items():
        inside.sort(key=lambda one: not one.is_default)
        names = [f"{one.neck or 'none'}{'*' if one.is_default else ''}" for one in inside]
        maps = max((one.feature_maps for one in inside), key=len)
        published = "  (published)" if any(one.is_published for one in inside) else ""
        shown = "" if task == before else task
        before = task
        lines.add_row(shown, head, ", ".join(names) + published, _span(maps))
    return lines


def _span(maps: Sequence[str]) -> str:
    """Return `layer1 to layer4`: they follow each other."""
    return f"{maps[0]} to {maps[-1]}" if len(maps) > 1 else "".join(maps) or "-"


def _matrix(rows: Sequence[wire.Composition]) -> Table:
    """Return how many backbones go under each head through each neck."""
    necks = sorted({one.neck or "none" for one in rows}, key=_neck_rank)
    lines = Table(box=None, pad_edge=False, padding=(0, 1, 0, 0), header_style="dim")
    lines.add_column("TASK")
    lines.add_column("HEAD", style="bold cyan", no_wrap=True)
    for neck in necks:
        lines.add_column(neck.partition("_")[0], justify="right", no_wrap=True)
    before = ""
    for (task, head), inside in _grouped(rows).items():
        counts = Counter(one.neck or "none" for one in inside)
        shown = "" if task == before else task
        before = task
        lines.add_row(shown, head, *(str(counts[neck] or "-") for neck in necks))
    return lines


def _neck_rank(neck: str) -> int:
    order = ("none", "fpn", "bifpn", "pafpn", "transformer_encoder", "simple_pyramid")
    return order.index(neck) if neck in order else len(order)


def _names(rows: Sequence[wire.Composition]) -> str:
    """Return the backbones by name: all of a few, the first of many."""
    names = sorted({one.backbone for one in rows})
    shown = words.listed(names, SHOWN_NAMES if len(names) <= SHOWN_NAMES else 5)
    return f"{words.plural(len(names), 'backbone')}: {shown}"

"""A trained model class by class, in words: a table of classes, and what is taken for what."""

import math
from collections.abc import Sequence

from rich.console import RenderableType
from rich.table import Table
from rich.text import Text

from vertebra.cli import words
from vertebra.cli.screen import table
from vertebra.trainer.v1 import evaluation_pb2 as evaluation

MAX_CLASSES = 40
"""Lines of the table of classes; the worst ones are shown where there are more."""

MAX_COLUMNS = 12
"""A wider confusion matrix would not fit a terminal: its largest mistakes are listed instead."""

MAX_MISTAKES = 10

FIRST = ("precision", "recall", "f1", "iou", "ap", "ap_50", "mae", "r2")
"""The order of columns; others follow by name."""


def evaluation_view(one: evaluation.Evaluation) -> list[RenderableType]:
    """Return the table of classes, then the confusion matrix or its largest mistakes."""
    parts: list[RenderableType] = []
    if one.classes:
        parts.append(_classes(one.classes))
    size = math.isqrt(len(one.confusion))
    names = [one.classes[i].name if i < len(one.classes) else "" for i in range(size)]
    names = [name or str(number) for number, name in enumerate(names)]
    if size > 1 and size <= MAX_COLUMNS:
        parts += [Text(), _matrix(names, one.confusion)]
    elif size > 1:
        parts += [Text(), _mistakes(names, one.confusion)]
    return parts


def value(number: float) -> str:
    """Return a metric; `-` where there was nothing to measure."""
    return "-" if math.isnan(number) else words.metric(number)


def _classes(classes: Sequence[evaluation.ClassEvaluation]) -> Table:
    found = {name for one in classes for name in one.metrics}
    names = [name for name in FIRST if name in found] + sorted(found - set(FIRST))
    is_regression = "mae" in found
    has_counts = not is_regression and any(one.num_true for one in classes)
    counts = ["TRUE"] if has_counts else []
    headings = [*counts, *(name.upper().replace("_", "-") for name in names)]
    lines = table("TARGET" if is_regression else "CLASS", *headings, right=headings)
    shown = sorted(enumerate(classes), key=lambda pair: _badness(pair[1], names))[:MAX_CLASSES]
    for number, one in sorted(shown, key=lambda pair: pair[0]):
        told = [f"{one.num_true:,}"] if has_counts else []
        values = [value(one.metrics[name]) if name in one.metrics else "-" for name in names]
        lines.add_row(one.name or str(number), *told, *values)
    if len(classes) > MAX_CLASSES:
        lines.add_row(f"and {len(classes) - MAX_CLASSES} better ones", *("" for _ in headings))
    return lines


def _badness(one: evaluation.ClassEvaluation, names: Sequence[str]) -> float:
    """Return what sorts the worst classes first; those without a number come last."""
    for name in ("f1", "iou", "ap", *names):
        number = one.metrics.get(name, math.nan)
        if not math.isnan(number):
            return number if name != "mae" else -number
    return math.inf


def _matrix(names: Sequence[str], confusion: Sequence[int]) -> Table:
    """Return true classes down, predictions across."""
    headings = [name[:10] for name in names]
    lines = Table(box=None, pad_edge=False, padding=(0, 2, 0, 0), header_style="bold dim")
    lines.add_column("TRUE \\ TAKEN FOR", style="bold cyan", overflow="fold")
    for heading in headings:
        lines.add_column(heading, justify="right", no_wrap=True)
    for row, name in enumerate(names):
        counts = confusion[row * len(names) : (row + 1) * len(names)]
        lines.add_row(name, *(_cell(count, row == column) for column, count in enumerate(counts)))
    return lines


def _cell(count: int, is_right: bool) -> Text:
    if not count:
        return Text(".", style="dim")
    return Text(f"{count:,}", style="green" if is_right else "red")


def _mistakes(names: Sequence[str], confusion: Sequence[int]) -> Table:
    """Return the pairs of classes that are taken for each other most often."""
    size = len(names)
    wrong = [
        (count, index // size, index % size)
        for index, count in enumerate(confusion)
        if count and index // size != index % size
    ]
    lines = table("TRUE", "TAKEN FOR", "TIMES", right=("TIMES",))
    for count, row, column in sorted(wrong, key=lambda one: (-one[0], one[1:]))[:MAX_MISTAKES]:
        lines.add_row(names[row], names[column], f"{count:,}")
    return lines

"""Learning curves in the terminal: a line a metric."""

import math
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import pairwise

from rich.console import Console, ConsoleOptions
from rich.measure import Measurement
from rich.table import Table
from rich.text import Text

from vertebra.cli import words
from vertebra.cli.screen import table
from vertebra.trainer.v1 import train_event_pb2 as events
from vertebra.trainer.v1 import train_run_pb2 as runs

LEVELS = "▁▂▃▄▅▆▇█"
WIDTH = 30
"""Longer curves are shown by the mean of neighbours."""

FALLING = ("loss", "mae")
"""Less is better; of everything else more is."""

Curve = Mapping[int, float]


def curves_of(passes: Iterable[events.EpochMetrics]) -> Mapping[str, Curve]:
    """Return `validation loss` -> epoch -> value, for every metric of every split.

    An epoch that was done again, after an interruption, counts as it was in the end.
    """
    curves: dict[str, dict[int, float]] = {}
    for one in passes:
        for name, number in one.values.items():
            curves.setdefault(f"{one.split} {name}", {})[one.epoch] = number
    return curves


def curves_view(curves: Mapping[str, Curve]) -> Table:
    """Return a line a curve: where it began, its shape, where it ended, its best epoch."""
    numbers = ("FIRST", "LAST", "BEST")
    lines = _curve_table(*numbers, "EPOCH", right=numbers)
    for name in sorted(curves, key=_order):
        finite = {epoch: y for epoch, y in sorted(curves[name].items()) if math.isfinite(y)}
        if not finite:
            continue
        values = list(finite.values())
        best = _best(name, finite)
        ends = (values[0], values[-1], finite[best])
        lines.add_row(name, Shape(values), *map(words.metric, ends), str(best))
    return lines


def curves_of_series(series: Iterable[runs.MetricSeries]) -> Mapping[str, Curve]:
    """Return the same from the curves that the trainer keeps as long as the job."""
    return {
        one.name.replace("/", " "): dict(zip(one.epochs, one.values, strict=True)) for one in series
    }


def series_view(series: Sequence[runs.MetricSeries]) -> Table:
    """Return the same for curves over steps, as the trainer keeps them."""
    numbers = ("FIRST", "LAST", "BEST", "STEP", "POINTS")
    lines = _curve_table(*numbers, right=numbers)
    for one in sorted(series, key=lambda one: _order(one.name.replace("/", " "))):
        points = zip(one.steps, one.values, strict=True)
        finite = {step: y for step, y in points if math.isfinite(y)}
        if not finite:
            continue
        values = list(finite.values())
        best = _best(one.name.replace("/", " "), finite)
        ends = (values[0], values[-1], finite[best])
        told = (*map(words.metric, ends), f"{best:,}", _num_points(one))
        lines.add_row(one.name, Shape(values), *told)
    return lines


def _num_points(one: runs.MetricSeries) -> str:
    """Return how many points there are, and of a curve that was thinned out how many are shown."""
    num_shown, num_points = len(one.steps), max(one.num_points, len(one.steps))
    return f"{num_points:,}" if num_shown == num_points else f"{num_shown:,} of {num_points:,}"


def _curve_table(*headings: str, right: Sequence[str]) -> Table:
    """Return a table in which only the shapes are narrower on a narrow page."""
    lines = table("CURVE", "", *headings, right=right)
    name, shape = lines.columns[:2]
    name.no_wrap, shape.no_wrap = True, False
    return lines


def _order(name: str) -> tuple[bool, bool, str]:
    return not name.endswith(" loss"), name.startswith("validation"), name


def _best(name: str, curve: Curve) -> int:
    """Return the epoch of the best value; the first of equal ones."""
    falls = name.rpartition(" ")[2] in FALLING
    return (min if falls else max)(curve, key=lambda epoch: curve[epoch])


@dataclass(frozen=True, slots=True)
class Shape:
    """A curve's shape, in as many columns as there are for it."""

    values: Sequence[float]

    def __rich_console__(self, console: Console, options: ConsoleOptions) -> Iterator[Text]:
        """Yield one line."""
        yield Text(sparkline(self.values, min(WIDTH, options.max_width)))

    def __rich_measure__(self, console: Console, options: ConsoleOptions) -> Measurement:
        """Return how narrow and how wide it can be."""
        return Measurement(1, min(WIDTH, len(self.values)))


def sparkline(values: Sequence[float], width: int = WIDTH) -> str:
    """Return the curve as blocks of eight heights, its lowest value at the bottom."""
    if len(values) > width:
        edges = [round(index * len(values) / width) for index in range(width + 1)]
        parts = [values[a:b] for a, b in pairwise(edges)]
        values = [sum(part) / len(part) for part in parts]
    low, high = min(values), max(values)
    scale = (len(LEVELS) - 1) / (high - low) if high > low else 0.0
    return "".join(LEVELS[round((value - low) * scale)] for value in values)

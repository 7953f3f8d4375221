"""Learning curves in the terminal: a line a metric."""

import math
from collections.abc import Iterable, Mapping, Sequence
from itertools import pairwise

from rich.table import Table

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
    lines = table("CURVE", "", *numbers, "EPOCH", right=numbers)
    for name in sorted(curves, key=_order):
        finite = {epoch: y for epoch, y in sorted(curves[name].items()) if math.isfinite(y)}
        if not finite:
            continue
        values = list(finite.values())
        best = _best(name, finite)
        ends = (values[0], values[-1], finite[best])
        lines.add_row(name, sparkline(values), *map(words.metric, ends), str(best))
    return lines


def curves_of_series(series: Iterable[runs.MetricSeries]) -> Mapping[str, Curve]:
    """Return the same from the curves that the trainer keeps as long as the job."""
    return {
        one.name.replace("/", " "): dict(zip(one.epochs, one.values, strict=True)) for one in series
    }


def series_view(series: Sequence[runs.MetricSeries]) -> Table:
    """Return the same for curves over steps, as the trainer keeps them."""
    numbers = ("FIRST", "LAST", "BEST", "STEP", "POINTS")
    lines = table("CURVE", "", *numbers, right=numbers)
    for one in sorted(series, key=lambda one: _order(one.name.replace("/", " "))):
        points = zip(one.steps, one.values, strict=True)
        finite = {step: y for step, y in points if math.isfinite(y)}
        if not finite:
            continue
        values = list(finite.values())
        best = _best(one.name.replace("/", " "), finite)
        ends = (values[0], values[-1], finite[best])
        told = (*map(words.metric, ends), f"{best:,}", f"{one.num_points:,}")
        lines.add_row(one.name, sparkline(values), *told)
    return lines


def _order(name: str) -> tuple[bool, bool, str]:
    return not name.endswith(" loss"), name.startswith("validation"), name


def _best(name: str, curve: Curve) -> int:
    """Return the epoch of the best value; the first of equal ones."""
    falls = name.rpartition(" ")[2] in FALLING
    return (min if falls else max)(curve, key=lambda epoch: curve[epoch])


def sparkline(values: Sequence[float]) -> str:
    """Return the curve as blocks of eight heights, its lowest value at the bottom."""
    if len(values) > WIDTH:
        edges = [round(index * len(values) / WIDTH) for index in range(WIDTH + 1)]
        parts = [values[a:b] for a, b in pairwise(edges)]
        values = [sum(part) / len(part) for part in parts]
    low, high = min(values), max(values)
    scale = (len(LEVELS) - 1) / (high - low) if high > low else 0.0
    return "".join(LEVELS[round((value - low) * scale)] for value in values)

"""Draws the demo's learning curves into one PNG."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure

COLOURS = ("#1b6ca8", "#d1495b", "#767676")
"""Told apart by people who do not see red and green too."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Curve:
    """One job's validation accuracy: epoch -> share of images classified correctly, 0 to 1."""

    label: str
    accuracy_by_epoch: Mapping[int, float]


def draw_curves(path: Path, pretraining: Curve, fine_tuning: Sequence[Curve]) -> None:
    """Write a picture of 1200 x 500 px: pretraining left, the fine-tuned heads right."""
    figure = Figure(figsize=(12, 5), dpi=100, layout="constrained")
    FigureCanvasAgg(figure)
    left, right = figure.subplots(1, 2)
    _draw_panel(left, "Pretraining: 26 letters, everything trains", [pretraining], 1 / 26)
    title = "Fine-tuning: 10 digits, 10 labels each, only the head trains"
    _draw_panel(right, title, fine_tuning, 1 / 10)
    figure.savefig(path)


def _draw_panel(axes, title: str, curves: Sequence[Curve], chance: float) -> None:  # type: ignore[no-untyped-def]
    """Draw curves with their last value at the end of each line, and the line of guessing."""
    axes.axhline(chance, color="#bbbbbb", linewidth=1, linestyle="--")
    label = {"xycoords": ("axes fraction", "data"), "ha": "right", "va": "top"}
    axes.annotate("guessing", (0.99, chance - 0.01), color="#888888", fontsize=9, **label)
    for curve, colour in zip(curves, COLOURS[: len(curves)], strict=True):
        epochs = sorted(curve.accuracy_by_epoch)
        values = [curve.accuracy_by_epoch[epoch] for epoch in epochs]
        axes.plot(epochs, values, color=colour, linewidth=2, label=curve.label)
        axes.annotate(f" {values[-1]:.2f}", (epochs[-1], values[-1]), color=colour, va="center")
    axes.set_title(title, loc="left", fontsize=11)
    axes.set_xlabel("epoch")
    axes.set_ylabel("validation accuracy")
    axes.set_ylim(0, 1)
    axes.margins(x=0.08)
    axes.spines[["top", "right"]].set_visible(False)
    axes.grid(axis="y", color="#eeeeee")
    if len(curves) > 1:
        axes.legend(frameon=False, loc="upper left")

"""Learning curves as a picture: a panel for the loss, for each metric, and for the learning rate.

matplotlib is imported when a picture is drawn, at the end of a job: it takes a second.
"""

import math
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

from trainer_service.run_views.history import History

MAX_METRICS = 4
"""Panels besides those of loss and learning rate; all metrics are in the table."""

TRAIN, VALIDATION, QUIET, EXPORTED = "#1f6fb4", "#d1571b", "#8a8f98", "#2f7d4f"
"""Blue and orange, which also those tell apart who see no red or green; grey for what is beside."""

Draw = Callable[[Any, History], None]


def draw_curves(path: Path, history: History, *, exported_epoch: int = 0) -> None:
    """Write a PNG of everything that was measured.

    Args:
        exported_epoch: is marked; 0 marks none.

    Raises:
        OSError: the disk is full or gone.
    """
    from matplotlib.backends.backend_agg import FigureCanvasAgg
    from matplotlib.figure import Figure

    panels = _panels(history)
    num_columns = 2 if len(panels) == 4 else min(len(panels), 3)
    num_rows = math.ceil(len(panels) / num_columns)
    figure = Figure(figsize=(4.6 * num_columns, 3.2 * num_rows), layout="constrained")
    FigureCanvasAgg(figure)
    for number, (title, draw) in enumerate(panels, start=1):
        axes = figure.add_subplot(num_rows, num_columns, number)
        draw(axes, history)
        _finish(axes, title, history, exported_epoch)
    figure.savefig(path, format="png", dpi=120, metadata={"Software": None})


def _panels(history: History) -> Sequence[tuple[str, Draw]]:
    metrics = history.metric_names()[:MAX_METRICS]
    return [
        ("loss", _draw_loss),
        *((name, _metric_panel(name)) for name in metrics),
        ("learning rate", _draw_lr),
    ]


def _draw_loss(axes: Any, history: History) -> None:
    steps = [(history.in_epochs(one.step), one.values["loss"]) for one in history.steps]
    axes.plot(*_columns(steps), color=QUIET, linewidth=0.7, alpha=0.6, label="steps")
    _draw_splits(axes, history, "loss")


def _metric_panel(name: str) -> Draw:
    return lambda axes, history: _draw_splits(axes, history, name)


def _draw_splits(axes: Any, history: History, name: str) -> None:
    for split, color in (("train", TRAIN), ("validation", VALIDATION)):
        epochs, values = history.curve(split, name)
        if values:
            axes.plot(epochs, values, color=color, marker="o", markersize=3, label=split)


def _draw_lr(axes: Any, history: History) -> None:
    names = sorted({name for one in history.steps for name in one.values if _is_lr(name)})
    for name in names:
        told = [
            (history.in_epochs(one.step), one.values[name])
            for one in history.steps
            if name in one.values
        ]
        axes.plot(*_columns(told), linewidth=1.2, label=name)


def _is_lr(name: str) -> bool:
    return name == "lr" or name.startswith("lr/")


def _columns(points: Sequence[tuple[float, float]]) -> tuple[list[float], list[float]]:
    return [x for x, _ in points], [y for _, y in points]


def _mark(axes: Any, epochs: Sequence[float], label: str, color: str) -> None:
    for number, epoch in enumerate(epochs):
        only_once = label if number == 0 else None
        axes.axvline(epoch, color=color, linestyle="--", linewidth=0.9, label=only_once)


def _finish(axes: Any, title: str, history: History, exported_epoch: int) -> None:
    axes.set_title(title, fontsize=10, loc="left")
    axes.set_xlabel("epoch", fontsize=8)
    axes.tick_params(labelsize=8)
    axes.grid(visible=True, color="#e4e6ea", linewidth=0.6)
    axes.spines[["top", "right"]].set_visible(False)
    _mark(axes, [history.in_epochs(step) for step in history.phase_steps], "next phase", QUIET)
    _mark(axes, [exported_epoch] if exported_epoch else [], "exported", EXPORTED)
    if axes.get_legend_handles_labels()[1]:
        axes.legend(fontsize=7, frameon=False)

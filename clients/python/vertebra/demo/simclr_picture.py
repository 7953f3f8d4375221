"""Draws what SimCLR learned, and what it was worth, into one PNG."""

from collections.abc import Mapping
from pathlib import Path

from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure

COLOURS = ("#767676", "#1b6ca8", "#d1495b")
"""No pretraining, frozen, fine-tuned: told apart by people who do not see red and green too."""

Course = Mapping[int, float]
"""Epoch -> value."""


def draw_rows(
    path: Path, pretraining_loss: Course, iou: Mapping[tuple[str, float], Course]
) -> None:
    """Write a picture of 1300 x 500 px: the loss of the pretraining left, then the IoU of every
    kind of start as it learned, one panel per share of the labels.

    Args:
        iou: (kind of start, share of the labels) -> course.
    """
    data_ratios = sorted({data_ratio for _, data_ratio in iou})
    figure = Figure(figsize=(13, 5), dpi=100, layout="constrained")
    FigureCanvasAgg(figure)
    left, *others = figure.subplots(1, 1 + len(data_ratios))
    _draw_loss(left, pretraining_loss)
    highest = max(max(course.values()) for course in iou.values())
    for panel, data_ratio in zip(others, data_ratios, strict=True):
        courses = {name: course for (name, ratio), course in iou.items() if ratio == data_ratio}
        _draw_iou(panel, courses, f"Segmentation with {data_ratio:.0%} of the labels")
        panel.set_ylim(0, 1.1 * highest)
    others[0].legend(frameon=False, loc="upper left")
    figure.savefig(path)


def _draw_loss(axes, course: Course) -> None:  # type: ignore[no-untyped-def]
    epochs = sorted(course)
    axes.plot(epochs, [course[epoch] for epoch in epochs], color="#333333", linewidth=2)
    axes.annotate(f" {course[epochs[-1]]:.2f}", (epochs[-1], course[epochs[-1]]), va="center")
    _dress(axes, "SimCLR without labels", "epoch", "validation loss (NT-Xent)")


def _draw_iou(axes, courses: Mapping[str, Course], title: str) -> None:  # type: ignore[no-untyped-def]
    """Draw against the share of the training: epochs of few images are short."""
    for (name, course), colour in zip(courses.items(), COLOURS[: len(courses)], strict=True):
        epochs = sorted(course)
        shares = [100 * epoch / epochs[-1] for epoch in epochs]
        values = [course[epoch] for epoch in epochs]
        axes.plot(shares, values, color=colour, linewidth=2, label=name)
        axes.annotate(f" {values[-1]:.2f}", (100, values[-1]), color=colour, va="center")
    _dress(axes, title, "share of the steps, %", "validation IoU")


def _dress(axes, title: str, x: str, y: str) -> None:  # type: ignore[no-untyped-def]
    axes.set_title(title, loc="left", fontsize=11)
    axes.set_xlabel(x)
    axes.set_ylabel(y)
    axes.margins(x=0.1)
    axes.spines[["top", "right"]].set_visible(False)
    axes.grid(axis="y", color="#eeeeee")

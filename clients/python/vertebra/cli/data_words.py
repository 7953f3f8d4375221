"""What the look at every image gave, in words."""

from collections.abc import Sequence

from rich.console import Group, RenderableType
from rich.text import Text

from vertebra.cli import words
from vertebra.cli.plan_words import warning_line
from vertebra.cli.screen import table
from vertebra.trainer.v1 import evaluation_pb2 as evaluation

MAX_CLASSES = 20
MAX_FILES = 5


def data_view(report: evaluation.DataReport) -> RenderableType:
    """Return how many images there are and what is wrong with them, then how many of each class."""
    return Group(*data_lines(report), *_classes(report.classes))


def data_lines(report: evaluation.DataReport) -> list[Text]:
    """Return a line for what was read, and one for everything that should be known."""
    read = (
        f"images read: {report.num_train_images:,} to train on,"
        f" {report.num_validation_images:,} to validate on"
    )
    lines = [Text(read, style="dim")]
    if report.num_unusable:
        files = [f"{one.path} ({one.reason})" for one in report.unusable[:MAX_FILES]]
        left_out = f"left out: {_listed(files, report.num_unusable)}"
        lines.append(warning_line(f"{report.num_unusable:,} of the images are {left_out}"))
    if report.num_leaks:
        pairs = [_pair(leak) for leak in report.leaks[:MAX_FILES]]
        both = words.plural(report.num_leaks, "picture")
        is_in = "is" if report.num_leaks == 1 else "are"
        lines.append(
            warning_line(f"{both} {is_in} in both splits: {_listed(pairs, report.num_leaks)}")
        )
    return lines + [warning_line(text) for text in report.warnings]


def _pair(leak: evaluation.Leak) -> str:
    how = "=" if leak.is_identical else "looks like"
    return f"{leak.train_path} {how} {leak.validation_path}"


def _listed(shown: Sequence[str], num_all: int) -> str:
    more = f" and {num_all - len(shown):,} more" if num_all > len(shown) else ""
    return ", ".join(shown) + more


def _classes(classes: Sequence[evaluation.ClassCount]) -> list[RenderableType]:
    if not classes:
        return []
    lines = table("CLASS", "TO TRAIN", "TO VALIDATE", right=("TO TRAIN", "TO VALIDATE"))
    for one in classes[:MAX_CLASSES]:
        numbers = (one.num_train_images, one.num_validation_images)
        lines.add_row(one.name or "-", *(f"{number:,}" for number in numbers))
    if len(classes) > MAX_CLASSES:
        lines.add_row(f"and {len(classes) - MAX_CLASSES} more", "", "")
    return [lines]

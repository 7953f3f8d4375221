"""What is printed: tables and lines for people, JSON for programs."""

import json
import re
import sys
from collections.abc import Iterable, Iterator, Sequence
from typing import Any, TextIO, cast

import click
from google.protobuf.message import Message
from rich.console import Console, ConsoleOptions, RenderableType
from rich.segment import Segment
from rich.table import Table
from rich.text import Text

from vertebra.wire_json import to_json

TRAILING_BLANKS = re.compile(r" +$", re.MULTILINE)

CONTROL_CHARACTERS = re.compile(r"[\x00-\x08\x0b-\x1f\x7f-\x9f]")
"""All but tab and line feed."""

PIPED_WIDTH = 500
"""Into a pipe nothing is cut or wrapped: tables are as wide as their content."""


def screen() -> Console:
    """Return the terminal, or a plain wide page when output goes elsewhere.

    rich switches colours off outside of terminals and where NO_COLOR is set.
    """
    console = Screen(highlight=False, markup=False, emoji=False)
    if console.is_terminal:
        return console
    page = cast(TextIO, TrimmedPage(sys.stdout))
    return Screen(file=page, width=PIPED_WIDTH, highlight=False, markup=False, emoji=False)


class Screen(Console):
    """A console on which names, other people's texts, cannot move the cursor or change colours."""

    def render(
        self, renderable: RenderableType, options: ConsoleOptions | None = None
    ) -> Iterator[Segment]:
        """Yield what rich renders, control characters inside texts spelled out."""
        for segment in super().render(renderable, options):
            if segment.control or not CONTROL_CHARACTERS.search(segment.text):
                yield segment
            else:
                yield Segment(CONTROL_CHARACTERS.sub(_spelled, segment.text), segment.style)

    def on_broken_pipe(self) -> None:
        """Leave it to `main.run`: a reader such as `head` that has seen enough is no failure."""
        raise BrokenPipeError


def _spelled(found: re.Match[str]) -> str:
    return f"\\x{ord(found.group()):02x}"


class TrimmedPage:
    """Writes to `out` without the blanks that fill up a table's last column.

    No io class: those flush when they are collected, when `out` may already be closed, and
    Python 3.13 prints what that raises.
    """

    def __init__(self, out: TextIO) -> None:
        self._out = out

    def write(self, text: str) -> int:
        """Write lines without their trailing blanks."""
        return self._out.write(TRAILING_BLANKS.sub("", text))

    def flush(self) -> None:
        """Pass on."""
        self._out.flush()


def print_json(message: Message) -> None:
    """Print one JSON document."""
    click.echo(json.dumps(to_json(message), indent=2, ensure_ascii=False))


def print_json_list(field: str, messages: Iterable[Message]) -> None:
    """Print one JSON document that holds a whole list under its field name."""
    rows = [to_json(message) for message in messages]
    click.echo(json.dumps({field: rows}, indent=2, ensure_ascii=False))


def print_json_line(document: dict[str, Any]) -> None:
    """Print one line of a stream, at once."""
    click.echo(json.dumps(document, ensure_ascii=False))


def table(*headings: str, right: Sequence[str] = ()) -> Table:
    """Return a table without lines; numbers under the headings in `right` align right."""
    rows = Table(box=None, pad_edge=False, padding=(0, 2, 0, 0), header_style="bold dim")
    for number, heading in enumerate(headings):
        rows.add_column(
            heading,
            justify="right" if heading in right else "left",
            style="bold cyan" if number == 0 else "",
            overflow="fold" if number == 0 else "ellipsis",
            no_wrap=number > 0,
        )
    return rows


def title(name: str, rest: str) -> Text:
    """Return the line above a description: a name that stands out, and what it is."""
    return Text.assemble((name, "bold cyan"), rest)


def facts(*pairs: tuple[str, str | Text], width: int = 0) -> Table:
    """Return lines of label and value, without those that have no value.

    Args:
        width: of the labels at least, padding not counted.
    """
    rows = Table.grid(padding=(0, 2, 0, 0))
    rows.add_column(style="dim", no_wrap=True, min_width=width or None)
    rows.add_column(overflow="fold")
    for label, value in pairs:
        if value:
            rows.add_row(label, value)
    return rows


def is_terminal() -> bool:
    """Return whether a person reads what is printed."""
    return screen().is_terminal


def print_tabs(rows: Iterable[Sequence[str]]) -> None:
    """Print lines for `cut`, `sort` and `awk`."""
    for row in rows:
        click.echo("\t".join(row))

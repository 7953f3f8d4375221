"""Weights on their way into the store, while they are: a spinner and a bar each."""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import Protocol

from rich.cells import cell_len
from rich.console import Console, Group, RenderableType
from rich.live import Live
from rich.progress_bar import ProgressBar
from rich.spinner import Spinner
from rich.table import Table
from rich.text import Text

from vertebra.catalog.v1 import weights_service_pb2 as wire
from vertebra.cli import words

MAX_BAR_COLUMNS = 40
MAX_NAME = 44
"""Columns of a terminal; a name of more is cut, for what is done with it to have room."""


class Row(Protocol):
    """Something on its way."""

    def view(self) -> RenderableType:
        """Return how it looks now."""


class EnsureRow:
    """One weight: threads tell it, the screen asks it."""

    def __init__(self, name: str) -> None:
        self._name = name
        self._latest = wire.EnsureProgress()
        self._spinner = Spinner("dots")
        self._ended = ""

    def take(self, progress: wire.EnsureProgress) -> None:
        """Note what is being done now."""
        self._latest = progress

    def end(self, how: str) -> None:
        """Note that nothing more comes."""
        self._ended = how

    def view(self) -> RenderableType:
        """Return one line, and a bar under it while bytes are counted."""
        latest = self._latest
        line = Table.grid(padding=(0, 1, 0, 0), expand=True)
        line.add_column(width=1)
        width = min(cell_len(self._name), MAX_NAME)
        line.add_column(style="bold cyan", no_wrap=True, overflow="ellipsis", width=width)
        line.add_column(no_wrap=True, overflow="ellipsis", ratio=1)
        if self._ended:
            line.add_row("", self._name, Text(self._ended, style="dim"))
            return line
        line.add_row(self._spinner, self._name, _doing(latest))
        return Group(line, _bar(latest)) if latest.bytes_done else line


@contextmanager
def live_rows(page: Console, rows: Sequence[Row]) -> Iterator[None]:
    """Show rows until the block ends, then clear them; nothing outside of a terminal."""
    if not page.is_terminal:
        yield
        return
    with Live(
        console=page,
        get_renderable=lambda: Group(*(row.view() for row in rows)),
        transient=True,
        refresh_per_second=8,
    ):
        yield


def _doing(progress: wire.EnsureProgress) -> str:
    if progress.step == wire.EnsureProgress.STEP_DOWNLOADING and progress.location:
        return f"from {progress.location}"
    if progress.HasField("left"):
        return f"left {progress.left.location}"
    return progress.text


def _bar(progress: wire.EnsureProgress) -> RenderableType:
    """Return `---- 45 %  44.1 MB of 97.8 MB  12.3 MB/s  0:04 left`, with what is known of it."""
    total = progress.bytes_total
    line = Table.grid(padding=(0, 1, 0, 0))
    line.add_column()
    line.add_column()
    line.add_column(no_wrap=True, style="dim")
    bar = ProgressBar(total=total or None, completed=progress.bytes_done, width=MAX_BAR_COLUMNS)
    line.add_row(" ", bar if total else "", "  ".join(_numbers(progress)))
    return line


def _numbers(progress: wire.EnsureProgress) -> Iterator[str]:
    done, total = progress.bytes_done, progress.bytes_total
    if total:
        yield f"{done / total:4.0%}".replace("%", " %")
        yield f"{words.size(done)} of {words.size(total)}"
    else:
        yield words.size(done)
    if progress.bytes_per_s:
        yield f"{words.size(int(progress.bytes_per_s))}/s"
    if progress.HasField("remaining"):
        yield f"{words.duration(progress.remaining.ToTimedelta().total_seconds())} left"

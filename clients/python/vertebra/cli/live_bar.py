"""The one line that moves while a job is watched, and that says when nothing new comes."""

from collections.abc import Iterator
from contextlib import contextmanager

from rich.console import Console
from rich.progress import (
    BarColumn,
    Progress,
    ProgressColumn,
    SpinnerColumn,
    Task,
    TaskProgressColumn,
    TextColumn,
)
from rich.table import Column
from rich.text import Text

from vertebra.cli import words

QUIET_S = 15.0
"""From then on the time left and the speed are old, and are not shown as if they were news."""


class Detail(ProgressColumn):
    """What the newest event said; in its place, after a while, for how long none came.

    Tasks have the fields `detail`, `heard_at` (by the bar's own clock) and `is_at_work`: who waits
    in the queue or is paused has nothing to say.
    """

    def render(self, task: Task) -> Text:
        """Return the end of the line."""
        silent_s = task.get_time() - task.fields["heard_at"]
        if task.fields["is_at_work"] and silent_s >= QUIET_S:
            return Text(f"nothing new for {words.duration(silent_s)}", style="yellow")
        return Text(task.fields["detail"], style="dim")


@contextmanager
def live_bar(page: Console) -> Iterator[Progress]:
    """Yield a bar that vanishes at the end; none is drawn where output is no terminal."""
    bar = Progress(
        SpinnerColumn(),
        TextColumn("{task.description}"),
        BarColumn(bar_width=None),
        TaskProgressColumn(),
        Detail(table_column=Column(no_wrap=True)),
        console=page,
        transient=True,
        disable=not page.is_terminal,
    )
    with bar:
        yield bar

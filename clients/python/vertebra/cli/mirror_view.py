"""Bytes on their way into or out of a bundle, while they are."""

import time

from rich.console import Group, RenderableType
from rich.progress_bar import ProgressBar
from rich.spinner import Spinner
from rich.table import Table
from rich.text import Text

from vertebra.bundle_export import Watcher
from vertebra.bundle_import import ImportWatcher
from vertebra.bundle_layout import BundleBlob
from vertebra.catalog.v1 import weights_service_pb2 as weights_wire
from vertebra.cli import words

BAR_COLUMNS = 30
"""Beside it go sizes, a rate and a time on a terminal of 80."""


class BytesRow:
    """A line with what is done now, and a bar with how much of everything is done.

    Args:
        total_bytes: of everything; about right is enough.
        has_rate: whether the bytes come one after the other, so that a rate says something.
    """

    def __init__(self, total_bytes: int, *, has_rate: bool = True) -> None:
        self._has_rate = has_rate
        self._total = total_bytes
        self._before = 0
        self._now = 0
        self._doing = ""
        self._spinner = Spinner("dots")
        self._since = time.monotonic()

    def doing(self, text: str) -> None:
        """Note what is done now."""
        self._doing = text

    def at(self, num_bytes: int) -> None:
        """Note how much of the present file is done."""
        self._now = num_bytes

    def more(self, num_bytes: int) -> None:
        """Note that more of the present file is done."""
        self._now += num_bytes

    def next(self, size_bytes: int) -> None:
        """Note that a file is done."""
        self._before += size_bytes
        self._now = 0

    def view(self) -> RenderableType:
        """Return the two lines."""
        line = Table.grid(padding=(0, 1, 0, 0))
        line.add_row(self._spinner, Text(self._doing, no_wrap=True, overflow="ellipsis"))
        done = min(self._before + self._now, self._total)
        if not done:
            return line
        numbers = f"{words.size(done)} of {words.size(self._total)}{self._left(done)}"
        bar = Table.grid(padding=(0, 1, 0, 0))
        bar.add_row(
            " ",
            ProgressBar(total=self._total or 1, completed=done, width=BAR_COLUMNS),
            Text(numbers, style="dim", no_wrap=True),
        )
        return Group(line, bar)

    def _left(self, done: int) -> str:
        elapsed = time.monotonic() - self._since
        if elapsed < 1 or not self._has_rate:
            return ""
        rate = done / elapsed
        return f"  {words.size(int(rate))}/s  {words.duration((self._total - done) / rate)} left"


class ExportRow(Watcher):
    """Shows an export."""

    def __init__(self, total_bytes: int) -> None:
        self.row = BytesRow(total_bytes, has_rate=False)

    def prepares(self, progress: weights_wire.EnsureProgress) -> None:
        """Show what the catalog is doing; a location without the file is no news."""
        if progress.HasField("left"):
            return
        text = progress.text
        if progress.bytes_total and progress.location:
            done, total = words.size(progress.bytes_done), words.size(progress.bytes_total)
            text = f"the catalog fetches from {progress.location}: {done} of {total}"
        self.row.doing(text)

    def copies(self, reference: str, num_bytes: int) -> None:
        """Show a copy."""
        self.row.doing(f"copying {reference.removeprefix('torchvision/')}")
        self.row.at(num_bytes)

    def copied(self, size_bytes: int) -> None:
        """Show that a blob is here."""
        self.row.next(size_bytes)


class ImportRow(ImportWatcher):
    """Shows an import: each blob is read, then sent."""

    def __init__(self, total_bytes: int) -> None:
        self.row = BytesRow(total_bytes)

    def reads(self, blob: BundleBlob, num_bytes: int) -> None:
        """Show that a blob is compared with its name."""
        self.row.doing(f"reading {_name(blob)}")

    def sends(self, blob: BundleBlob, num_bytes: int) -> None:
        """Show that a blob is sent."""
        self.row.doing(f"sending {_name(blob)}")
        self.row.at(num_bytes)

    def done(self, blob: BundleBlob) -> None:
        """Show that a blob is dealt with."""
        self.row.next(blob.size_bytes)


def _name(blob: BundleBlob) -> str:
    return words.listed([each.removeprefix("torchvision/") for each in blob.references], limit=1)

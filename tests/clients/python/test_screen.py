"""What reaches a terminal, and the plain page for output that goes elsewhere."""

import io
import subprocess
import sys

from rich.table import Table

from tests.fakes.fake_trainer import FakeTrainer
from vertebra.cli.screen import Screen, TrimmedPage


class CountingPage(io.StringIO):
    """Counts how often it was flushed."""

    num_flushes = 0

    def flush(self) -> None:
        """Count."""
        self.num_flushes += 1


def test_a_page_that_is_let_go_leaves_its_stream_alone() -> None:
    """The stream may be closed by then, and Python 3.13 prints what a flush would raise."""
    out = CountingPage()

    page = TrimmedPage(out)
    page.write("resnet50   \n")
    del page

    assert out.getvalue() == "resnet50\n"
    assert out.num_flushes == 0


def test_a_name_cannot_clear_the_screen_or_change_colours() -> None:
    out = io.StringIO()
    page = Screen(file=out, force_terminal=True, width=60, highlight=False, markup=False)
    table = Table("NAME")
    table.add_row("\x1b[2Jcat\x07", style="bold")

    page.print(table)
    page.print("\x9b31mdog")

    assert "\x1b[2J" not in out.getvalue()
    assert "\x07" not in out.getvalue()
    assert "\\x1b[2" in out.getvalue()
    assert "\\x9b31mdog" in out.getvalue()
    assert "\x1b[1m" in out.getvalue()  # our own colours are still there


def test_a_reader_that_has_seen_enough_is_no_failure(with_trainer: FakeTrainer) -> None:
    """As in `vertebra jobs ls | head -1`: the reader is gone before anything is written."""
    for number in range(2000):
        with_trainer.keep(f"{number:08x}")
    command = [sys.executable, "-m", "vertebra.cli", "jobs", "ls"]

    program = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE)
    with program:
        assert program.stdout is not None and program.stderr is not None
        program.stdout.close()
        told = program.stderr.read()

    assert (program.returncode, told) == (0, b"")

"""What reaches a terminal, and the plain page for output that goes elsewhere."""

import io

from rich.table import Table

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

"""The plain page for output that goes elsewhere than a terminal."""

import io

from vertebra.cli.screen import TrimmedPage


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

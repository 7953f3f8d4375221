"""Columns go where a page is narrow; cells stay whole."""

import pytest

from tests.clients.python.cli.conftest import Terminal, told
from vertebra.cli.fitting_table import fitting_table

ROWS = ({"MODEL": "a" * 30, "PARAMS": "1 M", "LICENCE": "b" * 30, "EMPTY": ""},)


@pytest.mark.parametrize(
    ("width", "headings"),
    [(80, ["MODEL", "PARAMS", "LICENCE"]), (60, ["MODEL", "PARAMS"]), (36, ["MODEL"])],
)
def test_a_narrow_page_has_fewer_columns(
    terminal: Terminal, width: int, headings: list[str]
) -> None:
    page = terminal(width)

    page.print(fitting_table(page, ROWS, droppable=("LICENCE", "PARAMS")))

    assert told(page)[0].split() == headings
    assert "…" not in "".join(told(page))


def test_what_cannot_go_is_cut(terminal: Terminal) -> None:
    page = terminal(20)

    page.print(fitting_table(page, ROWS, droppable=("LICENCE", "PARAMS")))

    assert told(page)[1].endswith("…")

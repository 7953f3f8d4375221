"""A table that leaves out columns where the page is narrow, instead of cutting every cell."""

from collections.abc import Mapping, Sequence

from rich.console import Console
from rich.table import Table

from vertebra.cli.screen import PIPED_WIDTH

AT_HAND = "●"
"""The mark of weights whose bytes are here; also its column, which has no heading."""

STYLES: Mapping[str, str] = {"FAMILY": "dim", "MODEL": "bold cyan", AT_HAND: "green"}

TEXTS = ("FAMILY", "MODEL", "TASK", "FLOAT TWIN", "FREEZE", "LICENCE", AT_HAND)
"""Aligned left; other columns are numbers."""

Row = Mapping[str, str]
"""Heading -> cell; every row has the same headings."""


def fitting_table(
    page: Console,
    rows: Sequence[Row],
    *,
    droppable: Sequence[str],
    styles: Sequence[str] = (),
) -> Table:
    """Return the table with as many columns as fit the page.

    Args:
        droppable: headings of what the page does without where it is narrow, first things first.
        styles: of each row.
    """
    headings = [name for name in rows[0] if any(row[name] for row in rows)]
    for name in (*droppable, ""):
        lines = _table(rows, headings, styles or [""] * len(rows))
        if natural_width(page, lines) <= page.width or not name:
            break
        headings = [heading for heading in headings if heading != name]
    return lines


def natural_width(page: Console, lines: Table) -> int:
    """Return how many characters wide a table would like to be."""
    return page.measure(lines, options=page.options.update(width=PIPED_WIDTH)).maximum


def _table(rows: Sequence[Row], headings: Sequence[str], styles: Sequence[str]) -> Table:
    lines = Table(box=None, pad_edge=False, padding=(0, 2, 0, 0), header_style="dim")
    for name in headings:
        lines.add_column(
            "" if name == AT_HAND else name,
            justify="left" if name in TEXTS else "right",
            style=STYLES.get(name, ""),
            no_wrap=True,
        )
    for row, style in zip(rows, styles, strict=True):
        lines.add_row(*(row[name] for name in headings), style=style)
    return lines

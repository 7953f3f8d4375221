"""A CSV file as columns of text: header, rows, and what is wrong with a row. Knows no images."""

import csv
import io
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from catalog_service.errors import listed
from trainer_service.errors import DataInvalid

OTHER_SEPARATORS = (";", "\t", "|")
"""What spreadsheets write where a comma is part of a number."""

MAX_TABLE_BYTES = 2**30
"""Ten million rows of a hundred characters; more is no table to be read whole."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Row:
    """One line of the table."""

    line: int
    """Counted from 1, as editors show it."""
    cells: tuple[str, ...]
    """As many as the header has; empty ones where the line has fewer."""
    fault: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Table:
    """Header and rows."""

    path: Path
    header: tuple[str, ...]
    rows: tuple[Row, ...]

    def place(self, column: str) -> int:
        """Return where a column is.

        Raises:
            DataInvalid: there is none of this name.
        """
        if column not in self.header:
            raise DataInvalid(
                f"{str(self.path)!r} has no column {column!r}; there are"
                f" {listed([repr(name) for name in self.header])}"
            )
        return self.header.index(column)


def read_table(path: Path) -> Table:
    """Return what a table holds.

    Raises:
        DataInvalid: it cannot be read, is no UTF-8, has no header or no rows, or two columns of one
            name.
    """
    rows = _lines(path)
    if not rows or not any(rows[0][1]):
        raise DataInvalid(f"{str(path)!r} is empty; a table starts with a line of column names")
    header = tuple(cell.strip() for cell in rows[0][1])
    if twice := [repr(name) for name, count in Counter(header).items() if count > 1]:
        raise DataInvalid(f"{str(path)!r} has two columns named {listed(twice)}")
    if len(rows) == 1:
        raise DataInvalid(f"{str(path)!r} has column names and no rows")
    _require_commas(path, header)
    return Table(
        path=path,
        header=header,
        rows=tuple(_row(line, cells, len(header)) for line, cells in rows[1:]),
    )


def _require_commas(path: Path, header: tuple[str, ...]) -> None:
    other = next((each for each in OTHER_SEPARATORS if each in header[0]), "")
    if len(header) == 1 and other:
        raise DataInvalid(
            f"{str(path)!r} has one column, {header[0]!r}: separate columns by commas,"
            f" not {other!r}"
        )


def _lines(path: Path) -> list[tuple[int, list[str]]]:
    """Return all lines that hold something, numbered."""
    try:
        if path.stat().st_size > MAX_TABLE_BYTES:
            raise DataInvalid(f"{str(path)!r} is larger than {MAX_TABLE_BYTES:,} bytes")
        reader = csv.reader(io.StringIO(path.read_text("utf-8-sig"), newline=""), strict=True)
        return [(reader.line_num, cells) for cells in reader if any(map(str.strip, cells))]
    except UnicodeDecodeError as error:
        raise DataInvalid(f"{str(path)!r} is not UTF-8: {error}; save it as UTF-8") from error
    except csv.Error as error:
        raise DataInvalid(f"{str(path)!r}, line {reader.line_num}: {error}") from error
    except OSError as error:
        raise DataInvalid(f"cannot read {str(path)!r}: {error.strerror}") from error


def _row(line: int, cells: Sequence[str], width: int) -> Row:
    stripped = tuple(cell.strip() for cell in cells)
    if len(cells) == width:
        return Row(line=line, cells=stripped)
    return Row(
        line=line,
        cells=(*stripped, *[""] * width)[:width],
        fault=f"{len(cells)} cells, the header has {width}",
    )

"""Rows as text that people read, which is Markdown too, and as JSON between two processes."""

from collections.abc import Iterable, Sequence
from dataclasses import asdict
from typing import Any

from tests.benchmarks.rows import Row

COLUMNS = (
    "metric",
    "ours",
    "peer",
    "our median (min-max)",
    "peer's median (min-max)",
    "times better",
    "of pairs",
)


def table_of(rows: Sequence[Row]) -> list[str]:
    """Return an aligned table, a line a row, and below it what both sides ran."""
    cells = [COLUMNS, *map(_cells, rows)]
    widths = [max(map(len, column)) for column in zip(*cells, strict=True)]
    lines = [
        "| " + " | ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)) + " |"
        for row in cells
    ]
    lines.insert(1, "|" + "|".join("-" * (width + 2) for width in widths) + "|")
    return [*lines, "", *_commands(rows)]


def _cells(row: Row) -> tuple[str, ...]:
    return (
        row.metric,
        row.ours,
        row.peer,
        _spread(row.our_values, row.our_median),
        _spread(row.peer_values, row.peer_median),
        f"{row.ratio:.2f}",
        f"{min(row.ratios):.2f}-{max(row.ratios):.2f} ({len(row.ratios)})",
    )


def _spread(values: Sequence[float], median: float) -> str:
    return f"{_number(median)} ({_number(min(values))}-{_number(max(values))})"


def _number(value: float) -> str:
    """Return three digits, or all those before the point."""
    return f"{value:,.0f}" if abs(value) >= 100 else f"{value:.3g}"


def _commands(rows: Iterable[Row]) -> list[str]:
    said = {row.ours: row.our_command for row in rows} | {
        row.peer: row.peer_command for row in rows
    }
    return [f"* {name}: `{command}`" for name, command in said.items()]


def rows_to_json(rows: Iterable[Row]) -> list[dict[str, Any]]:
    """Return plain JSON."""
    return [asdict(row) for row in rows]


def rows_from_json(data: Iterable[dict[str, Any]]) -> list[Row]:
    """Return the rows that `rows_to_json` wrote."""
    return [
        Row(**{name: tuple(v) if isinstance(v, list) else v for name, v in row.items()})
        for row in data
    ]

"""Every row of the table of faults has tests that exist and say what they counted."""

import ast
from pathlib import Path

import pytest

from tests.robustness.rows import ROWS, Row

ROOT = Path(__file__).resolve().parents[2]
NUM_ROWS = 28


def arguments_of(test: str) -> set[str]:
    """Return the names of a test's arguments; empty where there is no such test."""
    path, _, name = test.partition("::")
    found = [
        {one.arg for one in node.args.args}
        for node in ast.walk(ast.parse((ROOT / path).read_text()))
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef) and node.name == name
    ]
    return found[0] if found else set()


def test_all_rows_are_there_once_and_in_order():
    assert [row.number for row in ROWS] == list(range(1, NUM_ROWS + 1))
    assert len({row.fault for row in ROWS}) == NUM_ROWS


@pytest.mark.parametrize("row", ROWS, ids=lambda row: str(row.number))
def test_a_rows_tests_exist_and_count(row: Row):
    silent = [test for test in row.tests if "counted" not in arguments_of(test)]

    assert row.tests
    assert silent == []

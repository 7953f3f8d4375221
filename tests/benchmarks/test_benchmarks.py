"""Every benchmark runs and returns numbers. How large they are decides nothing here."""

import pytest

from tests.benchmarks.report import rows_from_json, rows_to_json, table_of
from tests.benchmarks.rows import Row
from tests.benchmarks.table import BENCHMARKS, Benchmark
from tests.robustness.counting import Counted


@pytest.mark.parametrize("benchmark", BENCHMARKS, ids=lambda benchmark: benchmark.name)
def test_a_benchmark_returns_positive_numbers_for_both_sides(
    benchmark: Benchmark, counted: Counted
) -> None:
    rows = benchmark.measure(is_tiny=True)

    assert rows
    assert {row.benchmark for row in rows} == {benchmark.name}
    for row in rows:
        assert len(row.our_values) == len(row.peer_values) >= 1
        assert min(row.our_values + row.peer_values) > 0, row
        assert row.ours != row.peer
        assert row.our_command and row.peer_command
    assert rows_from_json(rows_to_json(rows)) == rows
    assert len(table_of(rows)) > len(rows)
    counted(benchmarks=1, measured_rows=len(rows))


def row(ours: tuple[float, ...], peer: tuple[float, ...], *, more_is_better: bool) -> Row:
    """Return a row of these values."""
    return Row(
        benchmark="b",
        metric="m",
        ours="o",
        peer="p",
        our_command="c",
        peer_command="d",
        our_values=ours,
        peer_values=peer,
        more_is_better=more_is_better,
    )


def test_a_ratio_says_how_many_times_better_ours_is() -> None:
    faster = row((20.0, 30.0, 90.0), (10.0, 10.0, 10.0), more_is_better=True)
    cheaper = row((1.0, 2.0, 2.0), (4.0, 4.0, 2.0), more_is_better=False)

    assert faster.ratio == 3.0
    assert cheaper.ratio == 2.0


def test_a_ratio_is_of_neighbours_not_of_medians() -> None:
    """A machine that slows down for a while slows both sides of a pair."""
    slowed = row((10.0, 1.0, 10.0), (5.0, 0.5, 5.0), more_is_better=True)

    assert slowed.ratios == (2.0, 2.0, 2.0)

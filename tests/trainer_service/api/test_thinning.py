"""Curves with fewer points keep what is seen: their ends, their peaks, and what is no number."""

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from trainer_service.api.thinning import thinned


def test_a_curve_that_is_short_enough_stays_whole():
    assert thinned([1, 2, 3], [0.0, 1.0, 0.0], 3) == [0, 1, 2]


@pytest.mark.parametrize(("most", "kept"), [(1, [9]), (2, [0, 9])])
def test_the_newest_point_comes_first_and_then_the_oldest(most, kept):
    assert thinned(range(10), [0.0] * 10, most) == kept


def test_a_peak_is_kept_where_every_nth_point_would_miss_it():
    values = [0.0] * 1000
    values[337] = 5.0

    kept = thinned(range(1000), values, 20)

    assert 337 in kept
    assert 337 not in range(0, 1000, 50), "the naive way"


def test_a_value_that_is_no_number_is_kept():
    values = [math.sin(step / 7) for step in range(1000)]
    values[441] = math.nan

    assert 441 in thinned(range(1000), values, 30)


@given(
    values=st.lists(st.floats(allow_nan=True, allow_infinity=True), min_size=1, max_size=200),
    most=st.integers(1, 50),
)
def test_any_curve_keeps_its_order_and_its_number_of_points(values, most):
    kept = thinned(range(len(values)), values, most)

    assert kept == sorted(set(kept))
    assert len(kept) == min(most, len(values))
    assert kept[-1] == len(values) - 1

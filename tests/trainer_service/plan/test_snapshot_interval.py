"""How much time lies between two snapshots."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from trainer_service.plan.snapshot_interval import snapshot_interval_s


@given(st.floats(min_value=0, max_value=3600))
def test_saving_takes_two_percent_of_the_time_at_most(save_s: float) -> None:
    assert save_s <= 0.0201 * (snapshot_interval_s(save_s) + save_s)


@given(st.floats(min_value=0, max_value=2.4))
def test_no_more_than_two_minutes_are_lost_where_saving_is_fast_enough(save_s: float) -> None:
    assert snapshot_interval_s(save_s) <= 120


@pytest.mark.parametrize("save_s", [0.0, 30.0])
def test_a_wish_is_followed_whatever_it_costs(save_s: float) -> None:
    assert snapshot_interval_s(save_s, 5.0) == 5.0

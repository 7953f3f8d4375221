"""How much time lies between two snapshots."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from trainer_service.plan.snapshot_interval import is_due, snapshot_interval_s


@given(st.floats(min_value=0, max_value=3600))
def test_saving_takes_two_percent_of_the_time_at_most(save_s: float) -> None:
    assert save_s <= 0.0201 * (snapshot_interval_s(save_s) + save_s)


@given(st.floats(min_value=0, max_value=2.4))
def test_no_more_than_two_minutes_are_lost_where_saving_is_fast_enough(save_s: float) -> None:
    assert snapshot_interval_s(save_s) <= 120


@pytest.mark.parametrize("save_s", [0.0, 30.0])
def test_a_wish_is_followed_whatever_it_costs(save_s: float) -> None:
    assert snapshot_interval_s(save_s, 5.0) == 5.0


@given(
    st.floats(min_value=0, max_value=60, exclude_max=True),
    st.floats(min_value=0, max_value=1.2),
    st.floats(min_value=0, max_value=120),
)
def test_a_validation_begins_unsaved_only_where_no_more_than_two_minutes_can_be_lost(
    since_s: float, save_s: float, validation_s: float
) -> None:
    is_saved = is_due(since_s, save_s, ahead_s=validation_s)

    assert is_saved or since_s + validation_s <= 120 or save_s > 0.02 * since_s


@pytest.mark.parametrize(
    ("since_s", "save_s", "validation_s", "is_saved"),
    [
        (50, 0.5, 90, True),
        (50, 0.5, 60, False),  # no more is lost than may be
        (50, 2.0, 90, False),  # saving costs more than it is worth
        (5, 0.0, 0, False),
        (61, 0.5, 0, True),
    ],
)
def test_a_save_is_due_before_a_long_validation(
    since_s: float, save_s: float, validation_s: float, is_saved: bool
) -> None:
    assert is_due(since_s, save_s, ahead_s=validation_s) is is_saved


@pytest.mark.parametrize(("wished_s", "is_saved"), [(300.0, False), (100.0, True)])
def test_who_may_lose_more_is_not_saved_before_a_validation(
    wished_s: float, is_saved: bool
) -> None:
    assert is_due(50, 0.0, wished_s, ahead_s=90) is is_saved

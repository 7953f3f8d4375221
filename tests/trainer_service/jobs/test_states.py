"""The one transition table: final states absorb, and no sequence of moves breaks out of it."""

import pytest
from hypothesis import given
from hypothesis import strategies as some

from trainer_service.jobs import (
    FINAL_STATES,
    TRANSITIONS,
    JobState,
    TransitionRefused,
    check_transition,
)

ATTEMPTED = some.lists(some.sampled_from(list(JobState)), max_size=30)


def walk(attempted: list[JobState]) -> list[JobState]:
    """Return the states of a job that is told to move again and again."""
    states = [JobState.QUEUED]
    for state in attempted:
        try:
            check_transition(states[-1], state)
        except TransitionRefused:
            continue
        states.append(state)
    return states


def test_the_table_knows_every_state():
    assert set(TRANSITIONS) == set(JobState)


def test_final_states_are_the_three_that_the_contract_names():
    assert {JobState.SUCCEEDED, JobState.FAILED, JobState.CANCELLED} == FINAL_STATES


@given(ATTEMPTED)
def test_nothing_follows_a_final_state(attempted):
    states = walk(attempted)

    assert not any(state in FINAL_STATES for state in states[:-1])


@given(ATTEMPTED)
def test_success_comes_only_from_work_and_cancelled_only_from_cancelling(attempted):
    states = walk(attempted)

    if states[-1] is JobState.SUCCEEDED:
        assert states[-2] in (JobState.RUNNING, JobState.PAUSING)
    if states[-1] is JobState.CANCELLED:
        assert states[-2] is JobState.CANCELLING


@pytest.mark.parametrize("state", sorted(set(JobState) - FINAL_STATES - {JobState.CANCELLING}))
def test_every_job_that_is_not_final_can_be_cancelled(state):
    check_transition(state, JobState.CANCELLING)


def test_a_refusal_says_what_would_be_right():
    with pytest.raises(TransitionRefused, match=r"'queued' cannot become 'succeeded'.*preparing"):
        check_transition(JobState.QUEUED, JobState.SUCCEEDED)

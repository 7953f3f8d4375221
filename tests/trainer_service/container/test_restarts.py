"""What follows the end of the API process in a container."""

import pytest

from trainer_service.container.restarts import GiveUp, Policy, StartAgain, status_of, what_follows

POLICY = Policy(first_wait_s=1, longest_wait_s=10, well_after_s=60, num_tries=3)


def follows(exit_code: int, **facts) -> StartAgain | GiveUp:
    """Return what follows for a process that ended at once and alone, unless `facts` say more."""
    usual = {"lived_s": 1.0, "num_quick_ends": 0, "has_others": False, "policy": POLICY}
    return what_follows(exit_code, **{**usual, **facts})


@pytest.mark.parametrize("exit_code", [0, 1, -9])
def test_a_program_that_ended_is_started_again_whatever_its_status(exit_code):
    """Nobody asked it to end, not even with status 0."""
    assert follows(exit_code) == StartAgain(wait_s=1, num_quick_ends=1)


def test_it_waits_twice_as_long_each_time_and_never_too_long():
    """A database that restarts is not asked a hundred times a second."""
    waits = [follows(1, num_quick_ends=n, has_others=True).wait_s for n in range(6)]

    assert waits == [1, 2, 4, 8, 10, 10]


def test_after_a_long_life_counting_begins_anew():
    """What it died of is a new matter."""
    assert follows(1, num_quick_ends=2, lived_s=61) == StartAgain(wait_s=1, num_quick_ends=0)


def test_one_that_ends_again_and_again_ends_the_container():
    """Then the orchestrator shows it, and waits longer each time."""
    assert follows(-11, num_quick_ends=2) == GiveUp(exit_code=139)
    assert follows(0, num_quick_ends=2) == GiveUp(exit_code=1)


def test_settings_that_cannot_be_used_are_not_tried_twice():
    """They are the same the next time."""
    assert follows(2) == GiveUp(exit_code=2)


def test_while_a_job_runs_the_container_does_not_end():
    """The job can finish; its events wait for the next API."""
    assert isinstance(follows(2, has_others=True), StartAgain)
    assert isinstance(follows(1, num_quick_ends=50, has_others=True), StartAgain)


def test_it_waits_no_longer_after_weeks_of_quick_ends():
    """A job of many days runs beside it: a number that grows would end process 1 and the job."""
    usual = Policy()
    follows_then = follows(1, num_quick_ends=10_000, has_others=True, policy=usual)

    assert follows_then == StartAgain(wait_s=usual.longest_wait_s, num_quick_ends=10_001)


def test_a_signal_is_a_status_as_shells_write_it():
    """137 is what everybody looks for when memory ran out."""
    assert [status_of(code) for code in (0, 3, -9)] == [0, 3, 137]

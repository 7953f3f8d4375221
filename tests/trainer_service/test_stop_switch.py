"""The stop switch: who goes when, and with which last word."""

import pytest

from tests.fakes.still_clock import StillClock
from trainer_service.jobs import Cancelled, LastWord, Paused, Preempted
from trainer_service.stop_switch import StopRequested, StopSwitch


@pytest.fixture
def clock() -> StillClock:
    """Return a clock that stands still."""
    return StillClock(100.0)


@pytest.fixture
def stop(clock: StillClock) -> StopSwitch:
    """Return a switch that nobody touched."""
    return StopSwitch(clock)


def word_at(stop: StopSwitch) -> LastWord | None:
    """Return the last word that a look at the switch leads to, None where work goes on."""
    try:
        stop.check()
    except StopRequested as stopped:
        return stopped.word
    return None


def test_nobody_goes_unasked(stop: StopSwitch) -> None:
    assert word_at(stop) is None


def test_who_is_cancelled_goes_at_once_and_saves_nothing(stop: StopSwitch) -> None:
    stop.training_begins()
    stop.ask_pause(1, within_s=0)

    stop.request()

    assert word_at(stop) == Cancelled()


def test_a_pause_before_the_first_step_loses_nothing_and_waits_for_nothing(
    stop: StopSwitch,
) -> None:
    stop.begins_at(40)

    stop.ask_pause(1, within_s=30)

    assert word_at(stop) == Paused(step=40)


def test_a_pause_while_training_waits_for_a_save(stop: StopSwitch) -> None:
    stop.training_begins()

    stop.ask_pause(1, within_s=30)

    assert word_at(stop) is None
    assert stop.asked is not None and stop.asked.number == 1


def test_a_pause_whose_time_is_over_is_not_answered(stop: StopSwitch, clock: StillClock) -> None:
    stop.ask_pause(1, within_s=30)

    clock.now += 31

    assert stop.asked is None
    assert word_at(stop) is None


def test_a_withdrawn_pause_is_forgotten(stop: StopSwitch) -> None:
    stop.ask_pause(1, within_s=0)

    stop.withdraw_pause()

    assert stop.asked is None


def test_an_answer_to_one_pause_leaves_a_newer_one(stop: StopSwitch) -> None:
    stop.ask_pause(1, within_s=0)
    answered = stop.asked
    stop.ask_pause(2, within_s=0)

    stop.withdraw_pause(answered)

    assert stop.asked is not None and stop.asked.number == 2


@pytest.mark.parametrize(("save_s", "stays"), [(14.9, True), (15.1, False)])
def test_a_preempted_worker_stays_to_save_if_that_takes_less_than_its_share_of_the_grace(
    stop: StopSwitch, save_s: float, stays: bool
) -> None:
    stop.training_begins()
    stop.save_s = save_s

    stop.ask_preempt(25, "the machine is needed")

    word = word_at(stop)
    assert (word is None) == stays
    if not stays:
        assert isinstance(word, Preempted)
        assert not word.is_saved
        assert "the machine is needed; saving takes about 15.1 s" in word.message


def test_time_that_passes_before_a_step_ends_is_not_left_for_saving(
    stop: StopSwitch, clock: StillClock
) -> None:
    """A validation in which nothing can be saved is given up when the time runs out."""
    stop.training_begins()
    stop.save_s = 6
    stop.ask_preempt(25, "signal")
    assert word_at(stop) is None

    clock.now += 16

    assert isinstance(word_at(stop), Preempted)


def test_asking_to_go_again_leaves_no_more_time(stop: StopSwitch, clock: StillClock) -> None:
    stop.training_begins()
    stop.save_s = 6
    stop.ask_preempt(25, "signal")
    clock.now += 16

    stop.ask_preempt(25, "signal")

    assert isinstance(word_at(stop), Preempted)


def test_who_is_preempted_before_the_first_step_has_lost_nothing(stop: StopSwitch) -> None:
    stop.ask_preempt(25, "signal")

    assert word_at(stop) == Preempted(is_saved=True, message="signal")


def test_every_look_shows_that_work_moves() -> None:
    looks: list[int] = []
    stop = StopSwitch(looked=lambda: looks.append(1))

    stop.check()
    stop.check()

    assert len(looks) == 2

"""A hang is a silence that nothing explains: neither slow steps, nor a long phase, nor the past."""

import pytest

from tests.fakes.job_values import epoch_metrics, step
from trainer_service.jobs import JobMessage, SpoolLine
from trainer_service.supervisor import Timing
from trainer_service.supervisor.hang_watch import HangWatch

TIMING = Timing(hang_s=120.0, long_phase_s=1800.0)


def line(event, time=0.0):
    return SpoolLine(index=0, time=time, event=event)


def steps(every_s, count=10):
    return [line(step(number), time=number * every_s) for number in range(1, count)]


def silent_since_0(lines):
    watch = HangWatch(TIMING, now=0.0)
    watch.told(lines, now=0.0)
    return watch


def test_two_minutes_without_a_sign_between_batches_are_a_hang():
    watch = silent_since_0(steps(every_s=0.1))

    assert not watch.is_hung(120.0)
    assert watch.is_hung(120.5)


@pytest.mark.parametrize("every_s", [10.0, 60.0])
def test_slow_steps_are_waited_for_twenty_times_as_long(every_s):
    """A limit of two minutes would kill a job whose steps take three."""
    watch = silent_since_0(steps(every_s=every_s))

    assert not watch.is_hung(20 * every_s)
    assert watch.is_hung(20 * every_s + 1)


def test_one_slow_step_does_not_make_the_watch_patient():
    times = [1.0, 2.0, 3.0, 4.0, 500.0, 501.0]
    watch = silent_since_0([line(step(number), time=time) for number, time in enumerate(times, 1)])

    assert watch.is_hung(121.0)


@pytest.mark.parametrize("lines", [[], [line(JobMessage(text="checking 1,000,000 images"))]])
def test_before_the_first_step_a_silence_may_be_long(lines):
    watch = silent_since_0(lines)

    assert not watch.is_hung(1800.0)
    assert watch.is_hung(1801.0)


def test_the_first_step_may_be_slow_though_the_start_was_validated():
    """On a CPU, 32 images of a Mask R-CNN take minutes: every attempt would end there."""
    watch = silent_since_0([line(JobMessage(text="loading")), line(epoch_metrics(0, 0.1))])

    assert not watch.is_hung(1800.0)

    watch.told([line(step(1))], now=1800.0)
    assert not watch.is_hung(1800.0 + 3600.0)
    assert watch.is_hung(1800.0 + 3601.0)


def test_an_export_may_be_silent_for_long():
    exporting = [*steps(0.1), line(epoch_metrics(1, 0.5)), line(JobMessage(text="exporting"))]

    assert not silent_since_0(exporting).is_hung(1000.0)


def test_a_worker_that_moves_without_a_word_is_alive():
    watch = silent_since_0(steps(0.1))

    for now in range(60, 6000, 60):
        watch.moved(float(now))
        assert not watch.is_hung(now + 60.0)


def test_a_silence_as_long_as_one_that_ended_by_itself_is_no_hang():
    """Validation batches of a detector may take minutes, and come again every epoch."""
    watch = silent_since_0(steps(0.1))
    watch.moved(100.0)

    assert not watch.is_hung(100.0 + 199.0)
    assert watch.is_hung(100.0 + 201.0)


def test_time_that_somebody_else_watched_does_not_count():
    watch = silent_since_0(steps(0.1))
    watch.rest(600.0)

    assert not watch.is_hung(700.0)
    assert watch.is_hung(721.0)

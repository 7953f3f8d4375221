"""When training is saved, and what a worker says that was asked to go."""

import errno
from collections.abc import Callable

import pytest

from catalog_service.blobs.disk import DiskFull
from trainer_service.jobs import (
    LastWord,
    Paused,
    Preempted,
    SnapshotFailed,
    SnapshotRef,
    SnapshotTaken,
)
from trainer_service.stop_switch import StopRequested, StopSwitch
from trainer_service.train.saver import NO_SAVER, Decision, TimedSaver


class Bench:
    """A saver on a clock that stands still, and what it said."""

    def __init__(self, **settings: float) -> None:
        self.now = 0.0
        self.save_s = 0.5
        self.stop = StopSwitch(lambda: self.now)
        self.saver = TimedSaver(self.stop, clock=lambda: self.now, **settings)  # type: ignore[arg-type]
        self.saver.begin(0)
        self.said: list[SnapshotTaken | SnapshotFailed] = []

    def write(self) -> SnapshotRef:
        """Take the time that a save takes."""
        self.now += self.save_s
        return SnapshotRef(
            attempt=1,
            step=7,
            epoch=1,
            path="/snapshots/1-7",
            digest="sha256:0",
            size_bytes=10,
            save_s=0.0,
            create_time=0.0,
        )

    def save(self, step: int, write: Callable[[], SnapshotRef] | None = None) -> None:
        """Save as the loop does: what is said is told before anything follows."""
        for event in self.saver.save(step, write or self.write):
            self.said.append(event)

    def last_word(self, work: Callable[[], object]) -> LastWord:
        """Return the word of a worker that this work makes go."""
        with pytest.raises(StopRequested) as stopped:
            work()
        return stopped.value.word


def full() -> SnapshotRef:
    raise DiskFull("no room to store a snapshot")


def broken() -> SnapshotRef:
    raise KeyError("momentum")


def test_a_save_is_due_when_its_time_has_come() -> None:
    bench = Bench(wished_interval_s=10)

    bench.now = 9.9
    assert not bench.saver.due(6)
    bench.now = 10.0
    assert bench.saver.due(7)


def test_a_save_is_due_before_a_validation_that_would_lose_too_much() -> None:
    bench = Bench()
    bench.now = 50.0

    assert not bench.saver.due(6)
    assert not bench.saver.due(6, ahead_s=60.0)
    assert bench.saver.due(6, ahead_s=90.0)


def test_the_time_to_the_next_save_runs_from_the_end_of_the_last() -> None:
    bench = Bench(wished_interval_s=10)
    bench.now, bench.save_s = 10.0, 4.0
    bench.save(7)

    bench.now = 23.9
    assert not bench.saver.due(8)
    bench.now = 24.0
    assert bench.saver.due(9)


def test_an_unmeasured_save_is_paced_by_its_estimate_and_then_by_the_measurement() -> None:
    """2 % of the time at the most: a save of 4 s comes every 200 s."""
    bench = Bench(estimated_save_s=4.0)
    bench.now = 199.0
    assert not bench.saver.due(1)
    bench.now = 200.0
    assert bench.saver.due(2)

    bench.save_s = 2.0
    bench.save(2)

    bench.now = 202.0 + 99.0
    assert not bench.saver.due(3)
    bench.now = 202.0 + 100.0
    assert bench.saver.due(4)


def test_what_is_told_of_a_save_has_its_measured_time() -> None:
    bench = Bench()

    bench.save(7)

    (taken,) = bench.said
    assert isinstance(taken, SnapshotTaken)
    assert taken.snapshot.save_s == 0.5


def test_who_is_to_pause_saves_now_says_so_and_goes() -> None:
    bench = Bench()
    bench.stop.ask_pause(3, within_s=60)

    assert bench.saver.due(7)
    word = bench.last_word(lambda: bench.save(7))

    assert word == Paused(step=7)
    assert [type(each) for each in bench.said] == [SnapshotTaken]


def test_who_is_to_pause_and_is_saved_already_goes_without_another_save() -> None:
    bench = Bench()
    bench.save(7)
    bench.stop.ask_pause(3, within_s=60)

    assert bench.last_word(lambda: bench.saver.due(7)) == Paused(step=7)


def test_a_pause_that_was_withdrawn_while_it_saved_does_not_end_the_worker() -> None:
    bench = Bench()
    bench.stop.ask_pause(3, within_s=60)

    def too_slow() -> SnapshotRef:
        bench.stop.withdraw_pause()
        return bench.write()

    bench.save(7, too_slow)

    assert [type(each) for each in bench.said] == [SnapshotTaken]


@pytest.mark.parametrize(
    ("write", "reason", "words"),
    [
        (full, "DISK_FULL", "no room to store a snapshot"),
        (broken, "SNAPSHOT_FAILED", "KeyError while saving; the attempt's log.txt"),
    ],
)
def test_a_pause_that_cannot_save_is_answered_and_training_goes_on(
    write: Callable[[], SnapshotRef], reason: str, words: str, capfd: pytest.CaptureFixture[str]
) -> None:
    bench = Bench()
    bench.stop.ask_pause(3, within_s=60)

    bench.save(7, write)

    (failed,) = bench.said
    assert isinstance(failed, SnapshotFailed)
    assert (failed.reason, failed.control_number) == (reason, 3)
    assert words in failed.message
    assert "Traceback" in capfd.readouterr().err
    assert not bench.saver.due(8)


def test_a_disk_that_is_full_is_known_by_the_systems_words() -> None:
    bench = Bench()

    def no_room() -> SnapshotRef:
        raise OSError(errno.ENOSPC, "No space left on device", "/snapshots/x")

    bench.save(7, no_room)

    (failed,) = bench.said
    assert isinstance(failed, SnapshotFailed)
    assert failed.reason == "DISK_FULL"
    assert "/snapshots/x" in failed.message


def test_a_failed_save_is_tried_again_when_the_next_is_due() -> None:
    bench = Bench(wished_interval_s=10)
    bench.now = 10.0
    bench.save(7, full)

    assert not bench.saver.due(8)
    bench.now = 20.0
    assert bench.saver.due(9)


def test_a_save_that_fails_slowly_costs_no_more_than_one_that_succeeds() -> None:
    bench = Bench()

    def slow() -> SnapshotRef:
        bench.now += 4.0
        return broken()

    bench.now = 60.0
    bench.save(7, slow)

    bench.now = 64.0 + 199.0
    assert not bench.saver.due(8)
    bench.now = 64.0 + 200.0
    assert bench.saver.due(9)


def test_who_is_preempted_and_cannot_save_goes_and_says_why() -> None:
    bench = Bench()
    bench.stop.ask_preempt(25, "signal")

    word = bench.last_word(lambda: bench.save(7, full))

    assert word == Preempted(is_saved=False, message="signal; no room to store a snapshot")


def test_who_is_preempted_with_time_left_saves_and_goes() -> None:
    bench = Bench()
    bench.stop.ask_preempt(25, "signal")

    assert bench.saver.due(7)
    word = bench.last_word(lambda: bench.save(7))

    assert word == Preempted(is_saved=True, message="signal")


def test_who_is_preempted_without_time_goes_unsaved() -> None:
    bench = Bench(estimated_save_s=20.0)
    bench.stop.ask_preempt(25, "signal")

    word = bench.last_word(lambda: bench.saver.due(7))

    assert isinstance(word, Preempted)
    assert not word.is_saved


def test_the_step_that_an_attempt_begins_at_is_saved() -> None:
    bench = Bench()
    bench.saver.begin(40)
    bench.stop.ask_pause(3, within_s=60)

    assert bench.last_word(lambda: bench.saver.due(40)) == Paused(step=40)


def test_all_ranks_do_what_is_agreed() -> None:
    asked: list[Decision] = []

    def agree(decision: Decision) -> Decision:
        asked.append(decision)
        return "save"

    saver = TimedSaver(StopSwitch(), agree=agree)
    saver.begin(0)

    assert saver.due(1)
    assert asked == ["go_on"]


def test_training_without_a_place_is_never_saved() -> None:
    NO_SAVER.begin(0)

    assert not NO_SAVER.due(10**9)

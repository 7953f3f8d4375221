"""Which snapshots stay: the last two, the best and pinned ones."""

from trainer_service.jobs import SnapshotRef
from trainer_service.supervisor.retention import superfluous


def snapshot(attempt, step, *, best=False, pinned=False):
    return SnapshotRef(
        attempt=attempt,
        step=step,
        epoch=0,
        path="",
        digest="sha256:0",
        size_bytes=1,
        save_s=0.1,
        create_time=0.0,
        is_best=best,
        is_pinned=pinned,
    )


def go(snapshots, *, choices=None):
    newest_first = sorted(snapshots, key=lambda one: (one.attempt, one.step), reverse=True)
    usual = newest_first[:3] if choices is None else choices
    return superfluous(newest_first, usual)


def test_the_last_two_stay():
    assert go([snapshot(1, step) for step in (10, 20, 30, 40)]) == ["1-20", "1-10"]


def test_the_best_epochs_stays():
    taken = [snapshot(1, 10, best=True), *(snapshot(1, step) for step in (20, 30, 40))]

    assert go(taken) == ["1-20"]


def test_only_the_newest_best_stays():
    taken = [snapshot(1, step, best=step < 30) for step in (10, 20, 30, 40)]

    assert go(taken) == ["1-10"]


def test_pinned_ones_stay():
    taken = [snapshot(1, step, pinned=step == 10) for step in (10, 20, 30, 40)]

    assert go(taken) == ["1-20"]


def test_one_that_was_left_behind_takes_no_place_of_the_last_two():
    """A pinned snapshot of a line that was left is nothing to go on from."""
    left, line = snapshot(1, 99, pinned=True), [snapshot(1, 10), snapshot(2, 20)]

    assert go([left, *line], choices=line[::-1]) == []

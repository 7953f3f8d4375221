"""A snapshot counts once its row is there; what the job went past does not."""

import pytest

from tests.fakes.stored_jobs import (
    lines,
    pause,
    resume,
    running_job,
    snapshot,
    started_again,
)
from trainer_service.errors import LeaseLost, SnapshotNotFound
from trainer_service.job_store import Outcome, snapshots
from trainer_service.job_store.schema import SNAPSHOTS
from trainer_service.jobs import JobState, RolledBack


def ids(refs):
    return [ref.snapshot_id for ref in refs]


def with_snapshots(store, *steps, best=()):
    """Return the hold of a running job that saved at these steps."""
    hold = running_job(store)
    store.append_lines(
        hold, lines(*(snapshot(1, number, is_best=number in best) for number in steps))
    )
    return hold


def paused(store, hold):
    pause(store, hold.job_id)
    store.move(hold, JobState.PAUSED)


def test_a_snapshot_reads_back_as_the_worker_said_it(store):
    hold = with_snapshots(store, 10)

    assert store.snapshots(hold.job_id) == [snapshot(1, 10).snapshot]
    assert store.find_job(hold.job_id).snapshot == snapshot(1, 10).snapshot


def test_once_a_job_has_succeeded_only_pinned_snapshots_are_of_use(store):
    hold = with_snapshots(store, 10, 20, 30, best=(10,))
    other = with_snapshots(store, 10)
    store.set_pin(hold.job_id, "1-20", True)
    assert store.spent() == []
    store.finish(hold, Outcome(state=JobState.SUCCEEDED))
    store.finish(other, Outcome(state=JobState.FAILED))

    assert store.spent() == [hold.job_id]
    for job_id in (hold.job_id, other.job_id):
        store.drop_spent(job_id)

    assert ids(store.snapshots(hold.job_id)) == ["1-20"]
    assert ids(store.snapshots(other.job_id)) == ["1-10"], "it may be resumed"
    assert store.spent() == []
    store.set_pin(hold.job_id, "1-20", False)
    assert store.spent() == [hold.job_id]


def test_a_snapshot_of_a_host_that_lost_the_job_is_none(store):
    hold = running_job(store)
    store.move(hold, JobState.QUEUED)

    with pytest.raises(LeaseLost):
        store.append_lines(hold, lines(snapshot(1, 10)))
    assert store.snapshots(hold.job_id) == []


def test_the_next_attempt_goes_on_from_the_newest_or_the_two_before(store):
    hold = with_snapshots(store, 10, 20, 30, 40)

    assert ids(store.resume_from(hold.job_id)) == ["1-40", "1-30", "1-20"]
    assert ids(store.snapshots(hold.job_id)) == ["1-40", "1-30", "1-20", "1-10"]


def test_a_named_one_comes_first_and_only_older_ones_stand_in_for_it(store):
    """Who goes back wants nothing of what came after."""
    hold = with_snapshots(store, 10, 20, 30, 40)
    paused(store, hold)

    job = resume(store, hold.job_id, "1-20")

    assert ids(store.resume_from(hold.job_id)) == ["1-20", "1-10"]
    assert (job.snapshot.snapshot_id, job.resume_snapshot_id) == ("1-20", "1-20")
    assert [one.snapshot.snapshot_id for one in store.jobs([hold.job_id])] == ["1-20"]


def test_a_named_one_is_named_until_the_job_has_gone_on_from_it(store):
    hold = with_snapshots(store, 10, 20)
    paused(store, hold)
    resume(store, hold.job_id, "1-10")
    hold = started_again(store, hold.job_id)
    store.move(hold, JobState.QUEUED, "host drains")
    hold = started_again(store, hold.job_id)
    assert ids(store.resume_from(hold.job_id)) == ["1-10"]

    store.append_lines(hold, lines(RolledBack(to_step=10, to_epoch=0), snapshot(3, 15)))

    assert store.find_job(hold.job_id).resume_snapshot_id == ""
    assert ids(store.resume_from(hold.job_id)) == ["3-15", "1-10"]


def test_who_names_none_goes_on_from_the_newest_whatever_was_named_before(store):
    hold = with_snapshots(store, 10, 20)
    paused(store, hold)
    resume(store, hold.job_id, "1-10")
    pause(store, hold.job_id)

    job = resume(store, hold.job_id)

    assert job.snapshot.snapshot_id == "1-20"
    assert ids(store.resume_from(hold.job_id)) == ["1-20", "1-10"]


def test_what_the_job_went_back_from_is_gone_unless_it_is_pinned(store):
    hold = with_snapshots(store, 10, 20, 30)
    store.set_pin(hold.job_id, "1-30", True)
    paused(store, hold)
    resume(store, hold.job_id, "1-10")
    hold = started_again(store, hold.job_id)

    store.append_lines(hold, lines(RolledBack(to_step=10, to_epoch=0)))

    assert ids(store.snapshots(hold.job_id)) == ["1-30", "1-10"]
    assert ids(store.resume_from(hold.job_id)) == ["1-10"]
    assert store.find_job(hold.job_id).snapshot.snapshot_id == "1-10"


def test_a_pinned_one_can_be_gone_back_to(store):
    hold = with_snapshots(store, 10, 30)
    store.set_pin(hold.job_id, "1-30", True)
    paused(store, hold)
    resume(store, hold.job_id, "1-10")
    hold = started_again(store, hold.job_id)
    store.append_lines(hold, lines(RolledBack(to_step=10, to_epoch=0)))
    paused(store, hold)

    resume(store, hold.job_id, "1-30")

    assert ids(store.resume_from(hold.job_id)) == ["1-30", "1-10"]


def test_the_line_of_a_pinned_one_is_the_jobs_line_again(store):
    """Whatever was saved on the line that is left: a retry goes on from where this one did."""
    hold = with_snapshots(store, 10, 30)
    store.set_pin(hold.job_id, "1-30", True)
    paused(store, hold)
    resume(store, hold.job_id, "1-10")
    hold = started_again(store, hold.job_id)
    store.append_lines(hold, lines(RolledBack(to_step=10, to_epoch=0), snapshot(2, 20)))
    paused(store, hold)
    resume(store, hold.job_id, "1-30")
    hold = started_again(store, hold.job_id)

    store.append_lines(hold, lines(RolledBack(to_step=30, to_epoch=0)))

    assert ids(store.resume_from(hold.job_id)) == ["1-30", "1-10"]


def test_one_snapshot_is_the_best(store):
    hold = with_snapshots(store, 10, 20, 30, best=(10, 20))

    assert [ref.is_best for ref in store.snapshots(hold.job_id)] == [False, True, False]


def test_a_snapshot_is_pinned_and_unpinned(store):
    hold = with_snapshots(store, 10)

    assert store.set_pin(hold.job_id, "1-10", True).is_pinned
    assert store.snapshots(hold.job_id)[0].is_pinned
    assert not store.set_pin(hold.job_id, "1-10", False).is_pinned


def test_a_pin_needs_a_snapshot(store):
    hold = with_snapshots(store, 10)

    with pytest.raises(SnapshotNotFound, match="it has 1-10"):
        store.set_pin(hold.job_id, "2-10", True)


def test_dropping_spares_pinned_ones_and_what_the_job_would_go_on_from(store):
    hold = with_snapshots(store, 10, 20, 30)
    store.set_pin(hold.job_id, "1-10", True)

    dropped = store.drop_snapshots(hold, ["1-10", "1-20", "1-30", "9-9"])

    assert dropped == ["1-20"]
    assert ids(store.snapshots(hold.job_id)) == ["1-30", "1-10"]


def test_dropping_spares_the_one_that_was_named(store):
    hold = with_snapshots(store, 10, 20, 30)
    paused(store, hold)
    resume(store, hold.job_id, "1-10")
    hold = started_again(store, hold.job_id)

    assert store.drop_snapshots(hold, ["1-10", "1-20"]) == ["1-20"]


def test_a_host_that_lost_the_job_drops_no_snapshot_of_it(store):
    """It stood still between looking and dropping; another attempt may be reading that one now."""
    late = with_snapshots(store, 10, 20, 30)
    paused(store, late)
    resume(store, late.job_id, "1-10")
    hold = started_again(store, late.job_id)
    store.append_lines(hold, lines(RolledBack(to_step=10, to_epoch=0), snapshot(2, 20)))

    with pytest.raises(LeaseLost):
        store.drop_snapshots(late, ["1-10"])

    assert ids(store.snapshots(late.job_id)) == ["2-20", "1-10"]


def test_one_that_is_pinned_in_the_moment_of_dropping_stays(store, monkeypatch):
    hold = with_snapshots(store, 10, 20)
    read = snapshots.snapshots

    def read_then_pin(connection, job_id):
        found = read(connection, job_id)
        connection.execute(SNAPSHOTS.update().values(is_pinned=True))  # as another process would
        return found

    monkeypatch.setattr(snapshots, "snapshots", read_then_pin)

    assert store.drop_snapshots(hold, ["1-10"]) == []


def test_the_same_step_saved_twice_is_one_snapshot(store):
    """An interval's snapshot, and a pause at the same step."""
    hold = with_snapshots(store, 10)

    store.append_lines(hold, lines(snapshot(1, 10, is_best=True), first=1))

    assert [ref.is_best for ref in store.snapshots(hold.job_id)] == [True]

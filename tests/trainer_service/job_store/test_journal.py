"""Dense events, each spool line once, and everything else in step with them."""

import pytest

from tests.fakes.job_values import epoch_metrics, planned, step, train_plan
from tests.fakes.stored_jobs import (
    all_events,
    lines,
    pause,
    running_job,
    snapshot,
    started_again,
)
from trainer_service.errors import SpoolGap
from trainer_service.jobs import (
    ClassEvaluation,
    Evaluated,
    Evaluation,
    Failed,
    JobState,
    ModelReady,
    Planned,
    RolledBack,
    StateChanged,
)


def test_events_are_dense_and_fold_into_the_job(store):
    hold = running_job(store)

    store.append_lines(hold, lines(planned(), step(1), step(2), epoch_metrics(1, 0.5)))
    store.append_lines(hold, lines(step(3), epoch_metrics(2, 0.75), first=4))

    job = store.find_job(hold.job_id)
    records = store.events(hold.job_id, after_seq=0, limit=100)
    assert [record.seq for record in records] == list(range(1, len(records) + 1))
    assert job.last_seq == len(records)
    assert job.plan == train_plan()
    assert job.progress.step == 3
    assert job.metrics["validation/accuracy"] == 0.75
    assert job.metrics["step/loss"] == pytest.approx(1 / 3)
    assert [type(record.event) for record in records[:5]] == [
        StateChanged,
        StateChanged,
        ModelReady,
        StateChanged,
        Planned,
    ]


def test_the_newest_evaluation_is_the_jobs(store):
    hold = running_job(store)
    first = Evaluation(metrics={"iou": 0.25}, confusion=(1, 2, 3, 4), num_images=10)
    newest = Evaluation(
        metrics={"iou": 0.5},
        classes=(ClassEvaluation(name="cat", metrics={"iou": 0.75}, num_true=3),),
        num_images=10,
    )

    assert store.find_job(hold.job_id).evaluation is None
    store.append_lines(hold, lines(Evaluated(epoch=1, evaluation=first)))
    store.append_lines(hold, lines(Evaluated(epoch=2, evaluation=newest), first=1))

    assert store.find_job(hold.job_id).evaluation == newest
    assert [job.evaluation for job in store.jobs([hold.job_id])] == [newest]


def test_lines_given_twice_are_stored_once(store):
    hold = running_job(store)
    whole = lines(step(1), step(2), step(3))

    store.append_lines(hold, whole[:2])
    store.append_lines(hold, whole)
    store.append_lines(hold, whole)

    steps = [event.step for event in all_events(store, hold.job_id) if hasattr(event, "step")]
    assert steps == [1, 2, 3]


def test_a_missing_line_is_refused_and_nothing_of_it_is_stored(store):
    hold = running_job(store)
    before = store.position(hold.job_id)

    with pytest.raises(SpoolGap, match="line 0 is missing"):
        store.append_lines(hold, lines(step(2), first=1))
    assert store.position(hold.job_id) == before


def test_a_workers_last_word_is_no_event(store):
    hold = running_job(store)
    before, _ = store.position(hold.job_id)

    store.append_lines(hold, lines(step(1), Failed(reason="R", message="m")))

    assert store.position(hold.job_id) == (before + 1, False)


def test_lines_are_stored_while_the_job_pauses(store):
    hold = running_job(store)
    pause(store, hold.job_id)

    store.append_lines(hold, lines(step(1), snapshot(1, 1)))

    assert store.find_job(hold.job_id).snapshot.snapshot_id == "1-1"


def test_a_rollback_takes_the_job_back_to_its_snapshot(store):
    hold = running_job(store)
    told = (epoch_metrics(0, 0.1), step(1), step(2), step(3), epoch_metrics(2, 0.9))
    store.append_lines(hold, lines(*told))
    store.move(hold, JobState.QUEUED)
    hold = started_again(store, hold.job_id)

    store.append_lines(hold, lines(RolledBack(to_step=2, to_epoch=1, num_lost_steps=1)))

    job = store.find_job(hold.job_id)
    assert (job.progress.step, job.progress.epoch) == (2, 1)
    assert job.metrics["step/loss"] == 0.5
    assert job.metrics["validation/accuracy"] == 0.1
    assert len([e for e in all_events(store, hold.job_id) if hasattr(e, "images_per_s")]) == 3


def test_a_rollback_in_the_middle_of_a_batch_counts_from_there(store):
    hold = running_job(store)

    store.append_lines(
        hold, lines(step(1), step(2), RolledBack(to_step=1, to_epoch=0), step(2), step(3))
    )

    (loss,) = store.metrics(hold.job_id, patterns=["step/loss"]).series
    assert list(loss.steps) == [1, 2, 3]
    assert store.find_job(hold.job_id).progress.step == 3


def test_the_time_that_is_left_is_measured_anew_after_a_rollback(store):
    """Steps that are done twice would make it look slow."""
    hold = running_job(store)
    store.append_lines(hold, lines(step(1), step(2)))
    assert store.find_job(hold.job_id).progress.remaining_s(10) is not None

    store.append_lines(hold, lines(RolledBack(to_step=1, to_epoch=0), step(2), first=2))

    assert store.find_job(hold.job_id).progress.remaining_s(10) is None


def test_an_attempt_says_where_it_began_and_how_far_it_came(store):
    hold = running_job(store)
    assert store.attempt(hold.job_id).start_step == 0
    store.append_lines(hold, lines(step(1), step(2), step(3)))
    store.move(hold, JobState.QUEUED)
    hold = started_again(store, hold.job_id)
    assert store.attempt(hold.job_id).start_step is None

    store.append_lines(hold, lines(RolledBack(to_step=2, to_epoch=0), step(3), step(4)))

    first, second = store.attempts(hold.job_id)
    assert (first.start_step, first.last_step) == (0, 3)
    assert (second.start_step, second.last_step) == (2, 4)

"""One clean curve, whatever was rolled back, told twice, or compacted."""

from tests.fakes.job_values import epoch_metrics, step
from tests.fakes.stored_jobs import lines, running_job
from trainer_service.jobs import RolledBack, StepMetrics


def curve(store, job_id, name, **steps):
    """Return a curve's steps and values."""
    (series,) = store.metrics(job_id, patterns=[name], **steps).series
    return list(zip(series.steps, series.values, strict=True))


def told(number, loss):
    return StepMetrics(epoch=1, step=number, values={"loss": loss})


def test_every_metric_is_a_curve(store):
    hold = running_job(store)
    store.append_lines(hold, lines(step(1), step(2), epoch_metrics(1, 0.5)))

    curves = store.metrics(hold.job_id)

    assert [series.name for series in curves.series] == [
        "step/loss",
        "step/lr",
        "validation/accuracy",
    ]
    assert curves.series[0].epochs == [1, 1]
    assert curves.last_seq == store.position(hold.job_id)[0]


def test_patterns_and_steps_choose(store):
    hold = running_job(store)
    store.append_lines(hold, lines(*(step(number) for number in range(1, 6)), epoch_metrics(1, 1)))

    chosen = store.metrics(hold.job_id, patterns=["step/l*", "train/*"], min_step=2, max_step=3)

    assert [(one.name, list(one.steps)) for one in chosen.series] == [
        ("step/loss", [2, 3]),
        ("step/lr", [2, 3]),
    ]
    assert store.metrics(hold.job_id, patterns=["nothing"]).series == ()


def test_what_is_told_again_replaces_what_was_rolled_back(store):
    hold = running_job(store)
    store.append_lines(hold, lines(told(1, 1.0), told(2, 2.0), told(3, 3.0)))

    store.append_lines(hold, lines(RolledBack(to_step=1, to_epoch=0), told(2, 2.5), first=3))

    assert curve(store, hold.job_id, "step/loss") == [(1, 1.0), (2, 2.5)]


def test_a_rollback_in_one_batch_with_what_it_undoes(store):
    hold = running_job(store)

    store.append_lines(
        hold, lines(told(1, 1.0), told(2, 2.0), RolledBack(to_step=1, to_epoch=0), told(2, 9.0))
    )

    assert curve(store, hold.job_id, "step/loss") == [(1, 1.0), (2, 9.0)]


def test_a_point_told_twice_is_one_point(store):
    hold = running_job(store)

    store.append_lines(hold, lines(told(1, 1.0), told(1, 2.0)))
    store.append_lines(hold, lines(told(1, 3.0), first=2))

    assert curve(store, hold.job_id, "step/loss") == [(1, 3.0)]


def test_numbers_that_are_none_are_kept(store):
    hold = running_job(store)

    store.append_lines(hold, lines(told(1, float("nan")), told(2, float("inf"))))

    first, second = curve(store, hold.job_id, "step/loss")
    assert first[1] != first[1]
    assert second == (2, float("inf"))


def test_curves_outlive_their_events(store):
    hold = running_job(store)
    store.append_lines(hold, lines(*(told(number, 1.0) for number in range(1, 21))))

    store.compact(hold.job_id, keep=1)

    assert len(curve(store, hold.job_id, "step/loss")) == 20

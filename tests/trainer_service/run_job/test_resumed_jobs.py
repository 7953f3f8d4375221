"""Whole jobs that are interrupted and go on: what they export and tell is what they would have."""

from dataclasses import replace
from pathlib import Path
from typing import TypeVar

import pytest

from catalog_service.models.freeze_plan import FreezeMode, UnfreezeStep
from tests.fakes.interruptions import JobRun
from tests.fakes.work_orders import write_tiny_order
from trainer_service.datasets import images
from trainer_service.datasets.batch import Positions
from trainer_service.datasets.images import Images, Loaded
from trainer_service.jobs import (
    EpochMetrics,
    Evaluated,
    JobEvent,
    JobMessage,
    JobWarning,
    PhaseStarted,
    RolledBack,
    SnapshotFailed,
    SnapshotTaken,
    StepMetrics,
    WorkOrder,
)

Event = TypeVar("Event", bound=JobEvent)

FROZEN = FreezeMode(kind="frozen_backbone")
GRADUAL = FreezeMode(kind="gradual", steps=(UnfreezeStep(after_epochs=1, num_blocks=1),))

FULL = (pytest.mark.full,)

NUM_STEPS_PER_EPOCH = 3
"""Of three classes of ten images, a fifth of which is for validation: 24 in batches of 8."""


def of(kind: type[Event], events: list[JobEvent]) -> list[Event]:
    """Return the events of one kind."""
    return [event for event in events if isinstance(event, kind)]


def texts(events: list[JobEvent]) -> str:
    """Return all messages."""
    return "\n".join(event.text for event in of(JobMessage, events))


def saved_in(order: WorkOrder, folder: Path) -> WorkOrder:
    """Return the order of a job whose snapshots are kept."""
    return replace(order, snapshots_folder=str(folder / "snapshots"))


_wholes: dict[FreezeMode, JobRun] = {}


def whole(order: WorkOrder) -> JobRun:
    """Run a job in one go; once for each freeze mode, where nothing else differs."""
    is_usual = not order.spec.norm and not order.run_folder
    if is_usual and order.spec.freeze in _wholes:
        return _wholes[order.spec.freeze]
    run = JobRun(replace(order, export_dir=f"{order.export_dir}-whole"))
    run.attempt(1)
    if is_usual:
        _wholes[order.spec.freeze] = run
    return run


def assert_ended_alike(run: JobRun, expected: JobRun) -> None:
    """Compare what was exported and what readers were told of it."""
    (export,), (other,) = run.exports, expected.exports
    assert (export.state_digest, export.backbone_digest) == (
        other.state_digest,
        other.backbone_digest,
    )
    assert repr(export.metrics) == repr(other.metrics) and export.epoch == other.epoch
    for kind in (EpochMetrics, PhaseStarted, Evaluated):
        assert repr(of(kind, run.events)) == repr(of(kind, expected.events))
    losses = {each.step: repr(each.values) for each in of(StepMetrics, run.events)}
    told = [each for each in of(StepMetrics, expected.events) if each.step in losses]
    assert told and not [each for each in told if losses[each.step] != repr(each.values)]


@pytest.mark.parametrize(
    ("mode", "step"),
    [
        pytest.param(FROZEN, 4, id="kept features, within an epoch"),
        pytest.param(FROZEN, 3, id="kept features, between two", marks=FULL),
        pytest.param(GRADUAL, 2, id="phases, before the second", marks=FULL),
        pytest.param(GRADUAL, 3, id="phases, as the second begins"),
        pytest.param(GRADUAL, 4, id="phases, in the second", marks=FULL),
    ],
)
def test_an_interrupted_job_exports_what_it_would_have(
    tmp_path: Path, mode: FreezeMode, step: int
) -> None:
    order = saved_in(write_tiny_order(tmp_path, freeze=mode), tmp_path)
    run = JobRun(order)

    run.attempt(1, leave_after=step)
    said = run.attempt(2, last_told_step=step + 1)

    assert said[0] == RolledBack(
        to_step=step, to_epoch=step // NUM_STEPS_PER_EPOCH, num_lost_steps=1
    )
    assert_ended_alike(run, whole(order))


def test_a_job_is_interrupted_twice(tmp_path: Path) -> None:
    order = saved_in(write_tiny_order(tmp_path, freeze=FROZEN), tmp_path)
    run = JobRun(order)

    run.attempt(1, leave_after=1)
    run.attempt(2, leave_after=4)
    run.attempt(3)

    assert_ended_alike(run, whole(order))
    assert [snapshot.snapshot_id for snapshot in run.snapshots] == ["2-4", "2-3", "2-2", "1-1"]


def test_kept_features_are_found_again(tmp_path: Path) -> None:
    order = saved_in(write_tiny_order(tmp_path, freeze=FROZEN), tmp_path)
    folder = {"features_folder": str(tmp_path / "features"), "features_budget_bytes": 2**30}
    run = JobRun(replace(order, **folder))  # type: ignore[arg-type]

    run.attempt(1, leave_after=4)
    said = run.attempt(2)

    assert "kept by an earlier job" in texts(said)
    assert_ended_alike(run, whole(order))


def test_norms_are_not_recalibrated_again(tmp_path: Path) -> None:
    """By then what is before them has learned: they would get other statistics."""
    order = saved_in(write_tiny_order(tmp_path, norm="recalibrate"), tmp_path)
    run = JobRun(order)

    first = run.attempt(1, leave_after=4)
    second = run.attempt(2)

    assert "recalibrating" in texts(first) and "recalibrating" not in texts(second)
    assert_ended_alike(run, whole(order))


def test_a_job_that_was_over_only_exports(tmp_path: Path) -> None:
    """It was interrupted while it exported, say."""
    order = saved_in(write_tiny_order(tmp_path, freeze=FROZEN), tmp_path)
    run = JobRun(order)

    run.attempt(1, leave_after=2 * NUM_STEPS_PER_EPOCH)
    said = run.attempt(2)

    assert not of(StepMetrics, said) and not of(EpochMetrics, said)
    assert_ended_alike(run, whole(order))


def test_nothing_is_decoded_for_steps_that_are_done(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    order = saved_in(write_tiny_order(tmp_path), tmp_path)
    run = JobRun(order)
    run.attempt(1, leave_after=5)
    asked: list[int] = []

    def counted(chosen: Images, positions: Positions) -> Loaded:
        asked.append(len(positions))
        return images.read_all(chosen, positions)

    monkeypatch.setattr("trainer_service.datasets.batches.read_all", counted)
    run.attempt(2)

    assert asked == [8]  # the sixth and last step's


def test_the_next_snapshot_is_taken_where_the_newest_is_damaged(tmp_path: Path) -> None:
    order = saved_in(write_tiny_order(tmp_path, freeze=FROZEN), tmp_path)
    run = JobRun(order)
    run.attempt(1, leave_after=4)
    newest = Path(run.snapshots[0].path) / "model.safetensors"
    newest.write_bytes(newest.read_bytes()[:-1])

    said = run.attempt(2, last_told_step=4)

    rolled_back, warning = said[:2]
    assert rolled_back == RolledBack(to_step=3, to_epoch=1, num_lost_steps=1)
    assert isinstance(warning, JobWarning) and warning.code == "SNAPSHOT_DAMAGED"
    assert str(newest.parent) in warning.text and "model.safetensors" in warning.text
    (export,), (other,) = run.exports, whole(order).exports
    assert export.state_digest == other.state_digest


def test_a_job_without_a_whole_snapshot_begins_anew_and_says_so(tmp_path: Path) -> None:
    order = saved_in(write_tiny_order(tmp_path, freeze=FROZEN), tmp_path)
    run = JobRun(order)
    run.attempt(1, leave_after=2)
    for snapshot in run.snapshots:
        (Path(snapshot.path) / "manifest.json").unlink()

    said = run.attempt(2, last_told_step=2)

    assert said[0] == RolledBack(to_step=0, to_epoch=0, num_lost_steps=2)
    assert [each.code for each in of(JobWarning, said)][:2] == ["SNAPSHOT_DAMAGED"] * 2
    (export,), (other,) = run.exports, whole(order).exports
    assert export.state_digest == other.state_digest


def test_other_data_is_told(tmp_path: Path) -> None:
    """As many images of each class, so the plan is the same; but one of them is another."""
    order = saved_in(write_tiny_order(tmp_path), tmp_path)
    run = JobRun(order)
    run.attempt(1, leave_after=2)
    first, second, *_ = sorted((tmp_path / "data").rglob("*.png"))
    first.write_bytes(second.read_bytes())

    said = run.attempt(2)

    (warning,) = [each for each in of(JobWarning, said) if each.code == "DATA_CHANGED"]
    assert "step 2" in warning.text


@pytest.mark.full
def test_views_of_an_interrupted_job_are_one_curve(tmp_path: Path) -> None:
    """The table has a line for each epoch, whatever attempt it was in."""
    order = replace(
        saved_in(write_tiny_order(tmp_path, freeze=FROZEN), tmp_path),
        run_folder=str(tmp_path / "run"),
    )
    run = JobRun(order)
    run.attempt(1, leave_after=4)
    run.attempt(2)

    whole(replace(order, run_folder=str(tmp_path / "run-whole")))

    tables = [(tmp_path / each / "metrics.csv").read_text() for each in ("run", "run-whole")]
    assert tables[0] == tables[1]
    assert len(tables[0].splitlines()) == 1 + 1 + 2  # names, before training, two epochs


def test_a_job_without_a_place_for_snapshots_cannot_pause_and_goes_on(tmp_path: Path) -> None:
    run = JobRun(write_tiny_order(tmp_path, freeze=FROZEN))

    said = run.attempt(1, pause_at_start=True)

    (failed,) = of(SnapshotFailed, said)
    assert (failed.reason, failed.control_number) == ("SNAPSHOTS_NOT_KEPT", 1)
    assert run.exports and not of(SnapshotTaken, said)

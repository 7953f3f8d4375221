"""People look at a run with the tools that they have: TensorBoard, a table, a picture."""

import csv
import json
import math
from itertools import pairwise
from pathlib import Path

import numpy as np
import pytest
from PIL import Image
from tensorboard.backend.event_processing.event_accumulator import EventAccumulator

from tests.fakes.job_values import planned, train_plan
from trainer_service.jobs import (
    EpochMetrics,
    JobEvent,
    JobMessage,
    JobWarning,
    PhaseStarted,
    StepMetrics,
)
from trainer_service.run_views import RunViews
from trainer_service.run_views.history import MAX_STEPS, History
from trainer_service.run_views.tensorboard_file import TensorboardFile


def epoch(number: int, split: str, **values: float) -> EpochMetrics:
    return EpochMetrics(
        epoch=number,
        split=split,  # type: ignore[arg-type]
        values=values,
        step=2 * number,
    )


def step(number: int, loss: float = 1.0) -> StepMetrics:
    values = {"loss": loss, "lr": 1e-3, "lr/head": 2e-3}
    return StepMetrics(epoch=1, step=number, values=values, images_per_s=9.0)


def run_of(num_epochs: int) -> list[JobEvent]:
    """Return the events of a job of two steps an epoch, with a phase in the middle."""
    plan = train_plan()
    phase = PhaseStarted(phase=2, reason="after 1 epoch", freeze=plan.freeze, optimizer_groups=())
    events: list[JobEvent] = [planned(), epoch(0, "validation", loss=2.0, accuracy=0.1)]
    for number in range(1, num_epochs + 1):
        events += [step(2 * number - 1, 2 / number), step(2 * number, 1.8 / number)]
        events += [epoch(number, "train", loss=1.9 / number, accuracy=0.4)]
        events += [epoch(number, "validation", loss=2.1 / number, accuracy=1 - 0.8 / number)]
        events += [phase] if number == 1 else []
    return [*events, JobMessage(text="exporting")]


def views_of(folder: Path, events: list[JobEvent]) -> tuple[RunViews, list[JobEvent]]:
    told: list[JobEvent] = []
    views = RunViews(folder, told.append)
    for event in events:
        views.add(event)
    return views, told


def test_tensorboard_reads_every_metric_by_step(tmp_path: Path) -> None:
    """TensorBoard's own reader, which refuses a record with a wrong checksum."""
    views, told = views_of(tmp_path, run_of(3))
    files = views.finished()

    read = EventAccumulator(str(files["tensorboard_events"].parent))
    read.Reload()

    scalars = {
        tag: [(one.step, one.value) for one in read.Scalars(tag)] for tag in read.Tags()["scalars"]
    }
    assert scalars["accuracy/validation"][0] == (0, pytest.approx(0.1))
    assert [at for at, _ in scalars["loss/step"]] == [1, 2, 3, 4, 5, 6]
    assert [at for at, _ in scalars["loss/train"]] == [2, 4, 6]
    assert {"lr", "lr/head", "images_per_s"} < scalars.keys()
    assert not told


def test_tensorboard_sees_an_epoch_while_the_job_runs(tmp_path: Path) -> None:
    views, _ = views_of(tmp_path, [epoch(1, "validation", loss=0.5)])

    read = EventAccumulator(str(tmp_path))
    with views:
        read.Reload()

    assert [one.step for one in read.Scalars("loss/validation")] == [2]


def test_the_table_has_a_line_an_epoch_and_a_column_a_metric(tmp_path: Path) -> None:
    views, _ = views_of(tmp_path, run_of(2))

    rows = list(csv.DictReader(views.finished()["metrics_csv"].read_text().splitlines()))

    assert [row["epoch"] for row in rows] == ["0", "1", "2"]
    assert rows[0]["train/loss"] == ""
    assert rows[0]["validation/accuracy"] == "0.1"
    assert list(rows[0])[:4] == ["epoch", "step", "train/loss", "train/accuracy"]


def test_the_picture_shows_curves(tmp_path: Path) -> None:
    """It is no empty canvas: both curves' colours are in it."""
    views, _ = views_of(tmp_path, run_of(4))

    picture = Image.open(views.finished(exported_epoch=3)["curves_png"]).convert("RGB")

    pixels = np.asarray(picture).reshape(-1, 3)
    for colour in ((0x1F, 0x6F, 0xB4), (0xD1, 0x57, 0x1B)):
        assert (pixels == colour).all(axis=1).sum() > 100


def test_numbers_that_are_none_break_no_view(tmp_path: Path) -> None:
    events: list[JobEvent] = [planned(), epoch(1, "validation", loss=1.0, r2=math.nan)]

    views, told = views_of(tmp_path, events)

    assert len(views.finished()) == 3
    assert not told


def test_a_run_without_an_epoch_has_views_too(tmp_path: Path) -> None:
    views, told = views_of(tmp_path, [])

    assert len(views.finished()) == 3
    assert not told


def test_a_folder_that_cannot_be_written_costs_the_views_and_not_the_job(tmp_path: Path) -> None:
    folder = tmp_path / "file" / "run"
    folder.parent.write_text("in the way")

    views, told = views_of(folder, run_of(1))

    assert views.finished() == {}
    warnings = [one for one in told if isinstance(one, JobWarning)]
    assert {one.code for one in warnings} == {"VIEW_INCOMPLETE"}
    assert len(warnings) == 3


def test_a_full_disk_costs_one_view_and_is_told_once(tmp_path: Path) -> None:
    """/dev/full takes nothing, as a full disk does; the training must not wait for it."""
    told: list[JobEvent] = []
    full = Path("/dev/full")
    views = RunViews(tmp_path, told.append, open_events=lambda _: TensorboardFile(full))

    for event in run_of(3):
        views.add(event)

    assert "tensorboard_events" not in views.finished()
    assert len(told) == 1


def test_views_of_an_earlier_attempt_are_replaced(tmp_path: Path) -> None:
    """Two attempts' curves in one picture would go back in time."""
    views_of(tmp_path, run_of(4))[0].finished()

    views, _ = views_of(tmp_path, run_of(1))

    rows = list(csv.DictReader(views.finished()["metrics_csv"].read_text().splitlines()))
    assert [row["epoch"] for row in rows] == ["0", "1"]


def test_a_long_run_keeps_a_bounded_number_of_points() -> None:
    history = History()

    for number in range(1, 5 * MAX_STEPS):
        history.add(step(number))

    kept = [one.step for one in history.steps]
    gaps = {after - before for before, after in pairwise(kept)}
    assert MAX_STEPS / 2 <= len(kept) <= MAX_STEPS
    assert len(gaps) == 1


def accumulated(folder: Path) -> dict[str, list[tuple[int, float]]]:
    """Return every curve as TensorBoard shows it."""
    shown = EventAccumulator(str(folder))
    shown.Reload()
    return {
        tag: [(each.step, each.value) for each in shown.Scalars(tag)]
        for tag in shown.Tags()["scalars"]
    }


def test_views_of_a_run_that_went_on_are_those_of_one_that_did_not_stop(tmp_path: Path) -> None:
    """What was told after the snapshot is shown once: as the second attempt tells it."""
    events = run_of(4)
    at = events.index(step(5, 2 / 3))
    first, _ = views_of(tmp_path / "run", events[:at])
    with first:
        saved = json.loads(json.dumps(first.saved()))  # as a snapshot has it
        for event in events[at : at + 3]:
            first.add(event)  # lost: the attempt dies here
    again = RunViews(tmp_path / "run", lambda event: None, saved=saved)
    for event in events[at:]:
        again.add(event)
    again.finished()
    whole, _ = views_of(tmp_path / "whole", events)
    whole.finished()

    assert accumulated(tmp_path / "run") == accumulated(tmp_path / "whole")
    for name in ("metrics.csv", "curves.png"):
        assert (tmp_path / "run" / name).read_bytes() == (tmp_path / "whole" / name).read_bytes()


def test_views_that_forget_what_was_shown_would_begin_in_the_middle(tmp_path: Path) -> None:
    events = run_of(4)
    at = events.index(step(5, 2 / 3))
    with views_of(tmp_path / "run", events[:at])[0]:
        pass
    again, _ = views_of(tmp_path / "run", events[at:])
    again.finished()

    assert min(at for at, _ in accumulated(tmp_path / "run")["loss/step"]) == 5


def test_the_thinning_of_a_long_curve_goes_on_where_it_was() -> None:
    history = History()
    for number in range(MAX_STEPS + 3):
        history.add(step(number))

    again = History.of(history.saved())
    for each in (history, again):
        for number in range(MAX_STEPS + 3, 2 * MAX_STEPS):
            each.add(step(number))

    assert again.saved() == history.saved()

"""Every event that readers see becomes its message, with what is in it."""

import math
from dataclasses import replace
from typing import get_args

import pytest

from tests.fakes.job_values import epoch_metrics, job_model, planned, step
from trainer_service.api.event_wire import WRITERS, event_message
from trainer_service.api.job_wire import export_message
from trainer_service.job_store import EventRecord
from trainer_service.jobs import (
    AttemptEnded,
    ClassColor,
    ClassCount,
    ClassEvaluation,
    DataChecked,
    DataReport,
    Evaluated,
    Evaluation,
    ExitClass,
    Export,
    Exported,
    ExportFile,
    JobEvent,
    JobMessage,
    JobState,
    JobWarning,
    Leak,
    ModelReady,
    PhaseStarted,
    PredictionSample,
    RolledBack,
    SnapshotFailed,
    SnapshotRef,
    SnapshotTaken,
    StateChanged,
    UnusableImage,
)
from trainer_service.jobs.events import EVENT_KINDS
from vertebra.trainer.v1 import train_job_pb2, train_run_pb2
from vertebra.trainer.v1.train_event_pb2 import TrainEvent

EVALUATION = Evaluation(
    metrics={"iou": 0.5},
    classes=(
        ClassEvaluation(name="cat", metrics={"iou": 0.75}, num_true=30),
        ClassEvaluation(name="dog", metrics={"iou": math.nan}, num_true=0),
    ),
    confusion=(1, 2, 3, 4),
    num_images=10,
)
REPORT = DataReport(
    num_train_images=8,
    num_validation_images=2,
    classes=(ClassCount(name="cat", num_train_images=4, num_validation_images=1),),
    unusable=(UnusableImage(path="/x/a.png", reason="truncated"),),
    num_unusable=3,
    leaks=(Leak(train_path="/x/b.png", validation_path="/x/c.png", is_identical=True),),
    num_leaks=2,
    mean=(0.5, 0.25, 0.125),
    std=(0.1, 0.2, 0.3),
    fingerprint="sha256:3",
    warnings=("w",),
)
EXPORT = Export(
    architecture_id="resnet18",
    backbone_digest="sha256:1",
    state_digest="sha256:2",
    files=(
        ExportFile(kind="metrics_csv", path="/x/metrics.csv"),
        ExportFile(kind="curves_png", path="/x/curves.png"),
        ExportFile(kind="tensorboard_events", path="/x/events"),
    ),
    metrics={"validation/iou": 0.5},
    epoch=3,
)
SNAPSHOT = SnapshotRef(
    attempt=2,
    step=1500,
    epoch=3,
    path="/var/lib/vertebra/jobs/9f3c/snapshots/2-1500",
    digest="sha256:4",
    size_bytes=1000,
    save_s=0.25,
    create_time=12.5,
    is_best=True,
)
EVENTS: dict[str, JobEvent] = {
    "state_changed": StateChanged(from_state=None, to_state=JobState.QUEUED),
    "model_ready": ModelReady(model=job_model()),
    "planned": planned(),
    "step_metrics": step(3),
    "epoch_metrics": epoch_metrics(1, 0.75),
    "warning": JobWarning(code="c", text="t"),
    "message": JobMessage(text="t"),
    "exported": Exported(export=EXPORT),
    "data_checked": DataChecked(report=REPORT),
    "phase_started": PhaseStarted(
        phase=2,
        reason="after 3 epochs",
        freeze=planned().plan.freeze,
        optimizer_groups=planned().plan.optimizer_groups,
    ),
    "evaluated": Evaluated(epoch=4, evaluation=EVALUATION),
    "snapshot_taken": SnapshotTaken(snapshot=SNAPSHOT),
    "snapshot_failed": SnapshotFailed(reason="DISK_FULL", message="no room", control_number=7),
    "rolled_back": RolledBack(to_step=1500, to_epoch=3, num_lost_steps=12),
    "attempt_ended": AttemptEnded(number=2, exit_class=ExitClass.HUNG, detail="silent for 120 s"),
}


def written(word: str) -> TrainEvent:
    record = EventRecord(seq=7, time=12.5, attempt=1, event=EVENTS[word])
    return event_message("9f3c", record)


def test_there_is_a_writer_and_an_example_of_every_kind() -> None:
    kinds = set(get_args(JobEvent))

    assert set(WRITERS) | {Exported, SnapshotTaken} == kinds
    assert {type(event) for event in EVENTS.values()} == kinds
    assert set(EVENTS) <= set(EVENT_KINDS)


@pytest.mark.parametrize("word", EVENTS)
def test_an_event_is_in_the_field_of_its_kind(word: str) -> None:
    message = written(word)

    assert message.WhichOneof("event") == word
    assert (message.seq, message.attempt) == (7, 1)


def test_a_data_report_is_told_with_every_file() -> None:
    report = written("data_checked").data_checked.report

    assert (report.num_unusable, report.num_leaks) == (3, 2)
    assert (report.unusable[0].path, report.unusable[0].reason) == ("/x/a.png", "truncated")
    assert report.leaks[0].is_identical
    assert report.classes[0].num_train_images == 4
    assert list(report.mean) == [0.5, 0.25, 0.125]
    assert (report.fingerprint, list(report.warnings)) == ("sha256:3", ["w"])


def test_an_evaluation_is_told_class_by_class() -> None:
    evaluated = written("evaluated").evaluated

    assert evaluated.epoch == 4
    assert evaluated.evaluation.metrics["iou"] == 0.5
    assert [each.name for each in evaluated.evaluation.classes] == ["cat", "dog"]
    assert math.isnan(evaluated.evaluation.classes[1].metrics["iou"])
    assert list(evaluated.evaluation.confusion) == [1, 2, 3, 4]
    assert evaluated.evaluation.num_images == 10


def test_a_phase_says_why_it_started_and_what_trains() -> None:
    phase = written("phase_started").phase_started

    assert (phase.phase, phase.reason) == (2, "after 3 epochs")
    assert phase.freeze.mode == "frozen_backbone"
    assert [group.name for group in phase.optimizer_groups] == ["weights"]


def test_views_of_a_run_are_files_of_the_export() -> None:
    exported = written("exported").exported
    kinds = train_job_pb2.ExportFile

    assert exported.epoch == 3
    assert [file.kind for file in exported.files] == [
        kinds.KIND_METRICS_CSV,
        kinds.KIND_CURVES_PNG,
        kinds.KIND_TENSORBOARD_EVENTS,
    ]


@pytest.mark.parametrize("is_right", [None, False, True])
def test_a_sample_is_told_with_its_picture(is_right: bool | None) -> None:
    """None is absent: masks are neither right nor wrong."""
    sample = PredictionSample(
        image="scene 12",
        truth="cat (12 %)",
        prediction="dog (7.1 %, IoU 0.00)",
        is_right=is_right,
        is_among_worst=True,
        panels=("image", "truth", "prediction"),
        gap_px=6,
        width_px=732,
        height_px=240,
        legend=(ClassColor(class_name="cat", color="#4363d8"),),
    )
    file = ExportFile(kind="sample_png", path="/x/sample-1.png", sample=sample)

    (message,) = export_message("9f3c", replace(EXPORT, files=(file,))).files

    told = message.sample
    assert message.kind == train_job_pb2.ExportFile.KIND_SAMPLE_PNG
    assert (told.is_right if told.HasField("is_right") else None) is is_right
    assert list(told.panels) == [told.PANEL_IMAGE, told.PANEL_TRUTH, told.PANEL_PREDICTION]
    assert [(each.class_name, each.color) for each in told.legend] == [("cat", "#4363d8")]
    plain = ("image", "truth", "prediction", "is_among_worst", "gap_px", "width_px", "height_px")
    assert all(getattr(told, name) == getattr(sample, name) for name in plain)


def test_a_snapshot_is_told_by_name_and_without_its_place_on_the_disk() -> None:
    message = written("snapshot_taken")
    snapshot = message.snapshot_taken.snapshot

    assert snapshot.name == "trainJobs/9f3c/snapshots/2-1500"
    assert (snapshot.attempt, snapshot.step, snapshot.epoch) == (2, 1500, 3)
    assert (snapshot.size_bytes, snapshot.digest) == (1000, "sha256:4")
    assert (snapshot.save_time.nanos, snapshot.create_time.seconds) == (250_000_000, 12)
    assert (snapshot.is_best, snapshot.is_pinned) == (True, False)
    assert SNAPSHOT.path not in str(message)


def test_a_snapshot_that_failed_says_why() -> None:
    failed = written("snapshot_failed").snapshot_failed

    assert (failed.reason, failed.message) == ("DISK_FULL", "no room")


def test_a_roll_back_says_where_the_curve_goes_on() -> None:
    rolled_back = written("rolled_back").rolled_back

    assert (rolled_back.to_step, rolled_back.to_epoch, rolled_back.num_lost_steps) == (1500, 3, 12)


def test_the_end_of_an_attempt_says_how_it_ended() -> None:
    ended = written("attempt_ended").attempt_ended

    assert (ended.number, ended.detail) == (2, "silent for 120 s")
    assert ended.exit_class == train_run_pb2.EXIT_CLASS_HUNG

"""Every event that readers see becomes its message, with what is in it."""

import math
from typing import get_args

import pytest

from tests.fakes.job_values import epoch_metrics, job_model, planned, step
from trainer_service.api.event_wire import WRITERS, event_message
from trainer_service.job_store import EventRecord
from trainer_service.jobs import (
    ClassCount,
    ClassEvaluation,
    DataChecked,
    DataReport,
    Evaluated,
    Evaluation,
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
    StateChanged,
    UnusableImage,
)
from trainer_service.jobs.events import EVENT_KINDS
from vertebra.trainer.v1 import train_job_pb2
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
}


def written(word: str) -> TrainEvent:
    record = EventRecord(seq=7, time=12.5, attempt=1, event=EVENTS[word])
    return event_message("9f3c", record)


def test_there_is_a_writer_and_an_example_of_every_kind() -> None:
    kinds = set(get_args(JobEvent))

    assert set(WRITERS) | {Exported} == kinds
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

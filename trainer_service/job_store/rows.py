"""Rows to values and back, and what an event changes in its job's row."""

import json
from collections.abc import Mapping
from typing import Any, TypeVar

import sqlalchemy as sql

from catalog_service.models.plain_json import from_plain, to_plain
from trainer_service.job_store.records import Attempt, EventRecord, JobRecord, NewJob, Progress
from trainer_service.jobs import (
    EpochMetrics,
    Evaluated,
    Evaluation,
    Export,
    JobEvent,
    JobFailure,
    JobModel,
    JobSpec,
    JobState,
    ModelReady,
    Planned,
    StateChanged,
    StepMetrics,
    TrainPlan,
)
from trainer_service.jobs.events import event_from_json

Value = TypeVar("Value")
Columns = dict[str, Any]
"""Column name -> new value, for an UPDATE."""


def to_text(value: object) -> str:
    """Return a value as the text of a document column."""
    return json.dumps(to_plain(value), separators=(",", ":"), sort_keys=True)


def from_text(kind: type[Value], text: str) -> Value:
    """Return the value that `to_text` wrote."""
    return from_plain(kind, json.loads(text))


def _optional(kind: type[Value], text: str | None) -> Value | None:
    return from_text(kind, text) if text is not None else None


def job_of(row: sql.RowMapping) -> JobRecord:
    """Return the job of a row of `jobs`."""
    return JobRecord(
        job_id=row["job_id"],
        spec=from_text(JobSpec, row["spec"]),
        sent_spec=row["sent_spec"],
        state=JobState(row["state"]),
        state_reason=row["state_reason"],
        failure=_optional(JobFailure, row["failure"]),
        create_time=row["create_time"],
        start_time=row["start_time"],
        end_time=row["end_time"],
        last_seq=row["last_seq"],
        attempt=row["attempt"],
        progress=from_text(Progress, row["progress"]),
        metrics=json.loads(row["metrics"]),
        model=_optional(JobModel, row["model"]),
        plan=_optional(TrainPlan, row["plan"]),
        evaluation=_optional(Evaluation, row["evaluation"]),
    )


def first_row(job_id: str, new: NewJob, time: float) -> Columns:
    """Return the row of a job that nothing happened to yet."""
    return {
        "job_id": job_id,
        "display_name": new.spec.display_name,
        "backbone": new.spec.model.backbone,
        "spec": to_text(new.spec),
        "sent_spec": new.sent_spec,
        "state": JobState.QUEUED.value,
        "state_reason": "",
        "create_time": time,
        "start_time": 0.0,
        "end_time": 0.0,
        "last_seq": 0,
        "attempt": 0,
        "progress": to_text(Progress()),
        "metrics": "{}",
    }


def export_row(job_id: str, export: Export) -> Columns:
    """Return the row of an export."""
    return {"job_id": job_id, "number": export.number, "data": to_text(export)}


def attempt_of(row: sql.RowMapping) -> Attempt:
    """Return the attempt of a row of `attempts`."""
    return Attempt(
        job_id=row["job_id"],
        number=row["number"],
        nonce=row["nonce"],
        num_lines_stored=row["num_lines_stored"],
    )


def event_of(row: sql.RowMapping) -> EventRecord:
    """Return the event of a row of `events`."""
    event = event_from_json(row["kind"], json.loads(row["data"]))
    assert isinstance(event, JobEvent)  # last words are never stored
    return EventRecord(seq=row["seq"], time=row["time"], attempt=row["attempt"], event=event)


def export_of(row: sql.RowMapping) -> Export:
    """Return the export of a row of `exports`."""
    return from_text(Export, row["data"])


def columns_after(row: Mapping[str, Any], event: JobEvent, time: float) -> Columns:
    """Return what `event` changes in its job's row. `row` has the columns as they are before it."""
    match event:
        case StateChanged():
            return _state_columns(event, time)
        case ModelReady():
            return {"model": to_text(event.model)}
        case Planned():
            return {"plan": to_text(event.plan)}
        case StepMetrics():
            progress = _progress_after(from_text(Progress, row["progress"]), event, time)
            return {"progress": to_text(progress)} | _metrics(row, "step", event.values)
        case EpochMetrics():
            return _metrics(row, event.split, event.values)
        case Evaluated():
            return {"evaluation": to_text(event.evaluation)}
        case _:
            return {}


def _state_columns(event: StateChanged, time: float) -> Columns:
    columns: Columns = {"state": event.to_state.value, "state_reason": event.reason}
    if event.failure is not None:
        columns |= {"failure": to_text(event.failure)}
    if event.to_state is JobState.RUNNING:
        columns |= {"start_time": time}
    if event.to_state in (JobState.SUCCEEDED, JobState.FAILED, JobState.CANCELLED):
        columns |= {"end_time": time}
    return columns


def _progress_after(before: Progress, event: StepMetrics, time: float) -> Progress:
    is_first = before.first_step == 0
    return Progress(
        epoch=event.epoch,
        step=event.step,
        images_per_s=event.images_per_s or before.images_per_s,
        first_step=event.step if is_first else before.first_step,
        first_step_time=time if is_first else before.first_step_time,
        last_step_time=time,
    )


def _metrics(row: Mapping[str, Any], prefix: str, values: Mapping[str, float]) -> Columns:
    newest = {f"{prefix}/{name}": value for name, value in values.items()}
    return {"metrics": json.dumps(json.loads(row["metrics"]) | newest)}

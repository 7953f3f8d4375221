"""What a run of events changes besides the log: the job's row, its attempt's, and its curves."""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

from trainer_service.job_store.records import Progress
from trainer_service.job_store.rows import Columns, from_text, storable, to_json, to_text
from trainer_service.jobs import (
    EpochMetrics,
    Evaluated,
    JobEvent,
    JobState,
    ModelReady,
    Planned,
    RolledBack,
    SnapshotRef,
    SnapshotTaken,
    StateChanged,
    StepMetrics,
)

ENDS = (JobState.SUCCEEDED, JobState.FAILED, JobState.CANCELLED)


@dataclass(frozen=True, slots=True, kw_only=True)
class Timed:
    """An event on its way into the log."""

    event: JobEvent
    time: float
    spool_index: int | None = None
    """None for the supervisor's own."""


@dataclass(slots=True, kw_only=True)
class Fold:
    """Changes that are gathered event by event, so that each row is written once."""

    job: Columns = field(default_factory=dict)
    attempt: Columns = field(default_factory=dict)
    points: dict[tuple[str, int], Columns] = field(default_factory=dict)
    """New points of curves, by split and step."""
    snapshots: list[SnapshotRef] = field(default_factory=list)


def fold(row: Mapping[str, Any], entries: Sequence[Timed]) -> Fold:
    """Return what `entries` change.

    Args:
        row: the job's columns as they are before them.
    """
    changes = Fold()
    progress = first_progress = from_text(Progress, row["progress"])
    newest: dict[str, float] = {}
    for entry in entries:
        event = entry.event
        match event:
            case StepMetrics():
                progress = _progress_after(progress, event, entry.time)
                _add_point(changes, newest, "step", event)
                changes.attempt["last_step"] = event.step
            case EpochMetrics():
                _add_point(changes, newest, event.split, event)
            case RolledBack():
                progress = replace(progress, step=event.to_step, epoch=event.to_epoch, first_step=0)
                changes.attempt |= {"start_step": event.to_step, "last_step": event.to_step}
                changes.job["resume_snapshot"] = ""  # it has gone on from there
            case SnapshotTaken():
                changes.snapshots.append(event.snapshot)
            case _:
                changes.job |= _columns_after(event, row, entry.time)
    if progress is not first_progress:
        changes.job["progress"] = to_text(progress)
    if newest:
        changes.job["metrics"] = to_json(json.loads(row["metrics"]) | newest)
    return changes


def _columns_after(event: JobEvent, row: Mapping[str, Any], time: float) -> Columns:
    match event:
        case StateChanged():
            return _state_columns(event, row, time)
        case ModelReady():
            return {"model": to_text(event.model)}
        case Planned():
            return {"plan": to_text(event.plan)}
        case Evaluated():
            return {"evaluation": to_text(event.evaluation)}
        case _:
            return {}


def _state_columns(event: StateChanged, row: Mapping[str, Any], time: float) -> Columns:
    columns: Columns = {"state": event.to_state.value, "state_reason": storable(event.reason)}
    if event.failure is not None:
        columns["failure"] = to_text(event.failure)
    if event.to_state is JobState.RUNNING and not row["start_time"]:
        columns["start_time"] = time
    if event.to_state is JobState.QUEUED:
        columns["queue_time"] = time
    if event.to_state in ENDS:
        columns["end_time"] = time
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


def _add_point(
    changes: Fold, newest: dict[str, float], split: str, event: StepMetrics | EpochMetrics
) -> None:
    newest |= {f"{split}/{name}": value for name, value in event.values.items()}
    changes.points[split, event.step] = {
        "split": split,
        "step": event.step,
        "epoch": event.epoch,
        "numbers": to_json(dict(event.values)),
    }

"""Rows to values and back."""

import json
from functools import lru_cache
from typing import Any, TypeVar

import sqlalchemy as sql

from catalog_service.models.plain_json import from_plain, to_plain
from trainer_service.job_store.records import (
    Attempt,
    EventRecord,
    JobRecord,
    NewJob,
    Progress,
)
from trainer_service.jobs import (
    AttemptEnd,
    Evaluation,
    ExitClass,
    Export,
    JobEvent,
    JobFailure,
    JobModel,
    JobSpec,
    JobState,
    SnapshotRef,
    TrainPlan,
)
from trainer_service.jobs.events import event_from_json
from trainer_service.jobs.host import HostDevice, HostRecord

Value = TypeVar("Value")
Columns = dict[str, Any]
"""Column name -> new value, for an INSERT or UPDATE."""


to_json = json.JSONEncoder(separators=(",", ":")).encode
"""Made once: `json.dumps` makes one a call."""


def to_text(value: object) -> str:
    """Return a value as the text of a document column."""
    return json.dumps(to_plain(value), separators=(",", ":"), sort_keys=True)


def from_text(kind: type[Value], text: str) -> Value:
    """Return the value that `to_text` wrote."""
    return from_plain(kind, json.loads(text))


def storable(text: str) -> str:
    """Return a caller's text as every database can keep it: PostgreSQL has no NUL."""
    return text.replace("\0", "\N{REPLACEMENT CHARACTER}")


@lru_cache(maxsize=128)
def _shared(kind: type[Value], text: str) -> Value:
    """Return the value of a long document, which is the same in many reads and many jobs: parsing
    the layout of one model takes milliseconds, and lists have fifty.
    """
    return from_text(kind, text)


def _optional(kind: type[Value], text: str | None) -> Value | None:
    return from_text(kind, text) if text is not None else None


def job_of(row: sql.RowMapping, snapshot: SnapshotRef | None) -> JobRecord:
    """Return the job of a row of `jobs`, and what it would go on from."""
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
        first_seq=row["first_seq"],
        last_seq=row["last_seq"],
        attempt=row["attempt"],
        progress=from_text(Progress, row["progress"]),
        metrics=json.loads(row["metrics"]),
        model=_shared(JobModel, row["model"]) if row["model"] is not None else None,
        plan=_shared(TrainPlan, row["plan"]) if row["plan"] is not None else None,
        evaluation=_optional(Evaluation, row["evaluation"]),
        owner=row["owner"],
        not_before=row["not_before"],
        pause_deadline=row["pause_deadline"],
        deadline=row["deadline"],
        snapshot=snapshot,
        resume_snapshot_id=row["resume_snapshot"],
        trace=row["trace"],
    )


def first_row(job_id: str, new: NewJob, time: float) -> Columns:
    """Return the row of a job that nothing happened to yet."""
    run = new.spec.run
    return {
        "job_id": job_id,
        "display_name": storable(new.spec.display_name),
        "backbone": new.spec.model.backbone,
        "spec": to_text(new.spec),
        "sent_spec": new.sent_spec,
        "state": JobState.QUEUED.value,
        "state_reason": "",
        "create_time": time,
        "queue_time": time,
        "start_time": 0.0,
        "end_time": 0.0,
        "last_seq": 0,
        "attempt": 0,
        "progress": to_text(Progress()),
        "metrics": "{}",
        "priority": run.priority,
        "num_devices": run.num_devices,
        "engine": run.engine,
        "trace": new.trace,
    }


def label_rows(job_id: str, new: NewJob) -> list[Columns]:
    """Return the rows of a job's labels."""
    labels = new.spec.labels.items()
    return [{"job_id": job_id, "name": name, "value": value} for name, value in labels]


def export_row(job_id: str, export: Export) -> Columns:
    """Return the row of an export."""
    return {"job_id": job_id, "number": export.number, "data": to_text(export)}


def export_of(row: sql.RowMapping) -> Export:
    """Return the export of a row of `exports`."""
    return from_text(Export, row["data"])


def attempt_of(row: sql.RowMapping) -> Attempt:
    """Return the attempt of a row of `attempts`."""
    return Attempt(
        job_id=row["job_id"],
        number=row["number"],
        nonce=row["nonce"],
        num_lines_stored=row["num_lines_stored"],
        host=row["host"],
        device_indices=tuple(json.loads(row["device_indices"])),
        num_devices=row["num_devices"],
        start_time=row["start_time"],
        end_time=row["end_time"],
        end=_end_of(row),
        start_step=row["start_step"],
        last_step=row["last_step"],
    )


def _end_of(row: sql.RowMapping) -> AttemptEnd | None:
    if not row["exit_class"]:
        return None
    exit_class = ExitClass(row["exit_class"])
    return AttemptEnd(exit_class=exit_class, reason=row["reason"], detail=row["detail"])


def event_of(row: sql.RowMapping) -> EventRecord:
    """Return the event of a row of `events`."""
    event = event_from_json(row["kind"], json.loads(row["data"]))
    assert isinstance(event, JobEvent)  # last words are never stored
    return EventRecord(seq=row["seq"], time=row["time"], attempt=row["attempt"], event=event)


def snapshot_row(job_id: str, snapshot: SnapshotRef) -> Columns:
    """Return the row of a snapshot."""
    return {"job_id": job_id, "is_left": False, **to_plain(snapshot)}


def snapshot_of(row: sql.RowMapping) -> SnapshotRef:
    """Return the snapshot of a row of `snapshots`."""
    return SnapshotRef(
        attempt=row["attempt"],
        step=row["step"],
        epoch=row["epoch"],
        path=row["path"],
        digest=row["digest"],
        size_bytes=row["size_bytes"],
        save_s=row["save_s"],
        create_time=row["create_time"],
        is_best=bool(row["is_best"]),
        is_pinned=bool(row["is_pinned"]),
    )


def host_row(host: HostRecord, seen_time: float) -> Columns:
    """Return the row of a host that was heard of just now."""
    return {
        "host_id": host.host_id,
        "name": storable(host.name),
        "devices": to_text(host.devices),
        "engines": json.dumps(host.engines),
        "is_draining": host.is_draining,
        "seen_time": seen_time,
    }


def host_of(row: sql.RowMapping) -> HostRecord:
    """Return the host of a row of `hosts`."""
    return HostRecord(
        host_id=row["host_id"],
        name=row["name"],
        devices=tuple(from_plain(HostDevice, one) for one in json.loads(row["devices"])),
        engines=tuple(json.loads(row["engines"])),
        is_draining=bool(row["is_draining"]),
        seen_time=row["seen_time"],
    )

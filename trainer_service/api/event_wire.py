"""Events: value -> message."""

from collections.abc import Callable, Mapping
from typing import Any

from trainer_service.api.durations import time_message
from trainer_service.api.evaluation_wire import evaluation_message, report_message
from trainer_service.api.job_wire import export_message, failure_message, model_message
from trainer_service.api.plan_wire import freeze_plan_message, group_messages, plan_message
from trainer_service.api.run_wire import (
    attempt_ended_message,
    rolled_back_message,
    snapshot_failed_message,
    snapshot_message,
)
from trainer_service.api.words import STATES
from trainer_service.job_store import EventRecord
from trainer_service.jobs import (
    AttemptEnded,
    DataChecked,
    EpochMetrics,
    Evaluated,
    Exported,
    JobEvent,
    JobMessage,
    JobWarning,
    ModelReady,
    PhaseStarted,
    Planned,
    RolledBack,
    SnapshotFailed,
    SnapshotTaken,
    StateChanged,
    StepMetrics,
)
from trainer_service.jobs.events import event_kind
from vertebra.trainer.v1 import train_event_pb2 as pb
from vertebra.trainer.v1 import train_job_pb2
from vertebra.trainer.v1.train_job_pb2 import JOB_STATE_UNSPECIFIED


def event_message(job_id: str, record: EventRecord) -> pb.TrainEvent:
    """Return one event of a job's log. The field is the word that the store uses for its kind."""
    message = pb.TrainEvent(
        seq=record.seq, time=time_message(record.time), attempt=max(1, record.attempt)
    )
    event = record.event
    if isinstance(event, Exported):
        message.exported.CopyFrom(export_message(job_id, event.export))
    elif isinstance(event, SnapshotTaken):
        message.snapshot_taken.snapshot.CopyFrom(snapshot_message(job_id, event.snapshot))
    else:
        getattr(message, event_kind(event)).CopyFrom(WRITERS[type(event)](event))
    return message


def _state_changed(event: StateChanged) -> pb.StateChanged:
    before = STATES[event.from_state] if event.from_state else JOB_STATE_UNSPECIFIED
    return pb.StateChanged(
        from_state=before,
        to_state=STATES[event.to_state],
        reason=event.reason,
        failure=failure_message(event.failure) if event.failure else None,
    )


def _model_ready(event: ModelReady) -> train_job_pb2.JobModel:
    return model_message(event.model)


def _planned(event: Planned) -> train_job_pb2.TrainPlan:
    return plan_message(event.plan)


def _step_metrics(event: StepMetrics) -> pb.StepMetrics:
    message = pb.StepMetrics(epoch=event.epoch, step=event.step, images_per_s=event.images_per_s)
    message.values.update(event.values)
    return message


def _epoch_metrics(event: EpochMetrics) -> pb.EpochMetrics:
    message = pb.EpochMetrics(epoch=event.epoch, split=event.split, step=event.step)
    message.values.update(event.values)
    return message


def _warning(event: JobWarning) -> pb.Warning:
    return pb.Warning(code=event.code, text=event.text)


def _message(event: JobMessage) -> pb.Message:
    return pb.Message(text=event.text)


def _data_checked(event: DataChecked) -> pb.DataChecked:
    return pb.DataChecked(report=report_message(event.report))


def _phase_started(event: PhaseStarted) -> pb.PhaseStarted:
    return pb.PhaseStarted(
        phase=event.phase,
        reason=event.reason,
        freeze=freeze_plan_message(event.freeze),
        optimizer_groups=group_messages(event.optimizer_groups),
    )


def _evaluated(event: Evaluated) -> pb.Evaluated:
    return pb.Evaluated(epoch=event.epoch, evaluation=evaluation_message(event.evaluation))


WRITERS: Mapping[type[JobEvent], Callable[[Any], Any]] = {
    StateChanged: _state_changed,
    ModelReady: _model_ready,
    Planned: _planned,
    StepMetrics: _step_metrics,
    EpochMetrics: _epoch_metrics,
    JobWarning: _warning,
    JobMessage: _message,
    DataChecked: _data_checked,
    PhaseStarted: _phase_started,
    Evaluated: _evaluated,
    SnapshotFailed: snapshot_failed_message,
    RolledBack: rolled_back_message,
    AttemptEnded: attempt_ended_message,
}
"""Every kind of event but exports and snapshots, whose names need the job's."""

"""Events: value -> message."""

from trainer_service.api.job_wire import (
    export_message,
    failure_message,
    model_message,
    plan_message,
    time_message,
)
from trainer_service.api.words import STATES
from trainer_service.job_store import EventRecord
from trainer_service.jobs import (
    EpochMetrics,
    Exported,
    JobMessage,
    JobWarning,
    ModelReady,
    Planned,
    StateChanged,
    StepMetrics,
)
from vertebra.trainer.v1 import train_event_pb2 as pb
from vertebra.trainer.v1.train_job_pb2 import JOB_STATE_UNSPECIFIED


def event_message(job_id: str, record: EventRecord) -> pb.TrainEvent:
    """Return one event of a job's log."""
    message = pb.TrainEvent(
        seq=record.seq, time=time_message(record.time), attempt=max(1, record.attempt)
    )
    match record.event:
        case StateChanged() as event:
            message.state_changed.CopyFrom(_state_changed(event))
        case ModelReady(model=model):
            message.model_ready.CopyFrom(model_message(model))
        case Planned(plan=plan):
            message.planned.CopyFrom(plan_message(plan))
        case StepMetrics() as event:
            message.step_metrics.CopyFrom(_step_metrics(event))
        case EpochMetrics() as event:
            message.epoch_metrics.CopyFrom(_epoch_metrics(event))
        case JobWarning(code=code, text=text):
            message.MergeFrom(pb.TrainEvent(warning=pb.Warning(code=code, text=text)))
        case Exported(export=export):
            message.exported.CopyFrom(export_message(job_id, export))
        case JobMessage(text=text):
            message.message.CopyFrom(pb.Message(text=text))
    return message


def _state_changed(event: StateChanged) -> pb.StateChanged:
    before = STATES[event.from_state] if event.from_state else JOB_STATE_UNSPECIFIED
    return pb.StateChanged(
        from_state=before,
        to_state=STATES[event.to_state],
        reason=event.reason,
        failure=failure_message(event.failure) if event.failure else None,
    )


def _step_metrics(event: StepMetrics) -> pb.StepMetrics:
    message = pb.StepMetrics(epoch=event.epoch, step=event.step, images_per_s=event.images_per_s)
    message.values.update(event.values)
    return message


def _epoch_metrics(event: EpochMetrics) -> pb.EpochMetrics:
    message = pb.EpochMetrics(epoch=event.epoch, split=event.split, step=event.step)
    message.values.update(event.values)
    return message

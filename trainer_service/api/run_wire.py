"""Attempts and snapshots: value -> message."""

from trainer_service.api.durations import duration_message, optional_time, time_message
from trainer_service.api.names import snapshot_name
from trainer_service.api.words import EXIT_CLASSES
from trainer_service.job_store import Attempt
from trainer_service.jobs import (
    AttemptEnded,
    RolledBack,
    SnapshotFailed,
    SnapshotPlan,
    SnapshotRef,
)
from vertebra.trainer.v1 import train_event_pb2, train_run_pb2


def attempt_message(attempt: Attempt) -> train_run_pb2.Attempt:
    """Return one run of a job's worker."""
    end = attempt.end
    return train_run_pb2.Attempt(
        number=attempt.number,
        host=attempt.host,
        start_time=optional_time(attempt.start_time),
        end_time=optional_time(attempt.end_time),
        exit_class=EXIT_CLASSES[end.exit_class] if end else None,
        detail=end.detail if end else "",
        start_step=attempt.start_step or 0,
        last_step=attempt.last_step,
        num_devices=attempt.num_devices,
    )


def snapshot_message(job_id: str, snapshot: SnapshotRef) -> train_run_pb2.Snapshot:
    """Return what training would go on from; where its files are is our own business."""
    return train_run_pb2.Snapshot(
        name=snapshot_name(job_id, snapshot.snapshot_id),
        attempt=snapshot.attempt,
        step=snapshot.step,
        epoch=snapshot.epoch,
        create_time=time_message(snapshot.create_time),
        size_bytes=snapshot.size_bytes,
        save_time=duration_message(snapshot.save_s),
        is_best=snapshot.is_best,
        is_pinned=snapshot.is_pinned,
        digest=snapshot.digest,
    )


def snapshot_plan_message(plan: SnapshotPlan) -> train_run_pb2.SnapshotPlan:
    """Return how often training is saved."""
    return train_run_pb2.SnapshotPlan(
        size_bytes=plan.size_bytes,
        save_time=duration_message(plan.save_s),
        interval=duration_message(plan.interval_s),
        possible_loss=duration_message(plan.possible_loss_s),
    )


def snapshot_failed_message(event: SnapshotFailed) -> train_event_pb2.SnapshotFailed:
    """Return why nothing could be saved; the number of the command is our own business."""
    return train_event_pb2.SnapshotFailed(reason=event.reason, message=event.message)


def rolled_back_message(event: RolledBack) -> train_event_pb2.RolledBack:
    """Return where an attempt begins."""
    return train_event_pb2.RolledBack(
        to_step=event.to_step, to_epoch=event.to_epoch, num_lost_steps=event.num_lost_steps
    )


def attempt_ended_message(event: AttemptEnded) -> train_event_pb2.AttemptEnded:
    """Return how an attempt ended."""
    return train_event_pb2.AttemptEnded(
        number=event.number,
        exit_class=EXIT_CLASSES[event.exit_class],
        detail=event.detail,
    )

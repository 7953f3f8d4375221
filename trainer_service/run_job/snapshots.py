"""The snapshots of a job: the one that an attempt goes on from, and those that it takes."""

import math
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

from catalog_service.models.plain_json import JsonObject
from trainer_service.errors import SnapshotsNotKept
from trainer_service.freezing import Seal, moving_tensors
from trainer_service.jobs import (
    HEARTBEAT_FILE,
    JobWarning,
    RolledBack,
    SnapshotRef,
    TrainPlan,
    WorkOrder,
)
from trainer_service.run_job.ordered_data import Emit
from trainer_service.snapshots.saved_state import SavedState
from trainer_service.snapshots.snapshot_reader import read_snapshot
from trainer_service.snapshots.snapshot_writer import SnapshotWriter
from trainer_service.snapshots.unattended import Unattended
from trainer_service.snapshots.verifying import first_whole
from trainer_service.stop_switch import StopSwitch
from trainer_service.train.keeping import Keeping, Write
from trainer_service.train.ranks import Ranks
from trainer_service.train.saved_training import put_back
from trainer_service.train.saver import TimedSaver
from trainer_service.train.training import Training

DATA_CHANGED = (
    "the data is not what it was when the snapshot of step {step} was taken: the job goes on from"
    " there, and will not end where it would have ended without the interruption"
)

About = Callable[[], JsonObject]
"""Returns what the views of the run have shown."""


def chosen_snapshot(order: WorkOrder, emit: Emit, stop: StopSwitch) -> SnapshotRef | None:
    """Return what the attempt goes on from, None where it begins at the start; says so first of
    all, and which snapshots are damaged.

    Raises:
        SnapshotsUnreadable: the disk gives none of them now.
    """
    snapshot, damaged = first_whole(order.resume_from)
    step, epoch = (snapshot.step, snapshot.epoch) if snapshot else (0, 0)
    if order.attempt > 1:
        num_lost_steps = max(0, order.last_told_step - step)
        emit(RolledBack(to_step=step, to_epoch=epoch, num_lost_steps=num_lost_steps))
    for problem in damaged:
        emit(JobWarning(code=problem.error_reason, text=problem.message))
    stop.begins_at(step)
    return snapshot


def keeping_for(
    order: WorkOrder,
    plan: TrainPlan,
    stop: StopSwitch,
    snapshot: SnapshotRef | None,
    write: Write,
    ranks: Ranks,
) -> Keeping:
    """Return when and how the training is saved, and what it goes on from."""
    interval_s = order.spec.run.snapshot_interval_s if order.snapshots_folder else math.inf
    return Keeping(
        saver=TimedSaver(
            stop,
            wished_interval_s=interval_s,
            estimated_save_s=plan.snapshots.save_s,
            agree=ranks.agreed,
        ),
        write=write,
        saved=read_snapshot(snapshot) if snapshot else None,
    )


def writing(order: WorkOrder, fingerprint: str, about: About) -> Write:
    """Return what writes a snapshot of this attempt.

    Args:
        fingerprint: of the data.
    """
    folder = Path(order.snapshots_folder)
    writer = SnapshotWriter(folder, job_id=order.job_id, attempt=order.attempt)
    unattended = Unattended(Path(order.export_dir).parent / HEARTBEAT_FILE)

    def write(state: SavedState) -> SnapshotRef:
        if not order.snapshots_folder:
            raise SnapshotsNotKept("this job was ordered without a folder for snapshots")
        progress = replace(state.progress, data_fingerprint=fingerprint)
        snapshot = writer.write(replace(state, progress=progress, views=about()))
        unattended.took(snapshot)
        return snapshot

    return write


def sealed(training: Training, saved: SavedState | None, fingerprint: str, emit: Emit) -> Seal:
    """Return the seal of what stands still, with the training put back to where it was saved; warns
    where the data is not that of the snapshot.

    Raises:
        SnapshotMisfit: it is the snapshot of another training.
    """
    if saved is None:
        moving = moving_tensors(training.layout, training.plan.freeze)
        return Seal(training.model, moving)
    if saved.progress.data_fingerprint != fingerprint:
        text = DATA_CHANGED.format(step=saved.progress.step)
        emit(JobWarning(code="DATA_CHANGED", text=text))
    return put_back(training, saved)

"""What is different in a job that several ranks do together. The first one decides and speaks."""

from collections.abc import Callable
from dataclasses import replace
from typing import TypeVar

from trainer_service.datasets.batches import ImageBatches
from trainer_service.datasets.staging import is_remote
from trainer_service.datasets.view_batches import ViewBatches
from trainer_service.jobs import SnapshotRef, WorkOrder
from trainer_service.run_job.ordered_data import Emit
from trainer_service.run_job.snapshots import chosen_snapshot
from trainer_service.snapshots.saved_state import SavedState
from trainer_service.stop_switch import StopSwitch
from trainer_service.train.keeping import Write
from trainer_service.train.ranks import Ranks
from trainer_service.train.training import Training

Made = TypeVar("Made")


def snapshot_of_all(
    order: WorkOrder, emit: Emit, stop: StopSwitch, ranks: Ranks
) -> SnapshotRef | None:
    """Return the snapshot that all ranks go on from: the first one looks which is whole."""
    own = chosen_snapshot(order, emit, stop) if ranks.is_first else None
    chosen = ranks.agreed(own.snapshot_id if own else "")
    return next((each for each in order.resume_from if each.snapshot_id == chosen), None)


def one_first(ranks: Ranks, order: WorkOrder, make: Callable[[], Made]) -> Made:
    """Return what every rank makes: where data is behind URLs, the first one fetches it alone, and
    the others find it.
    """
    return ranks.in_turn(make) if is_remote(order.spec.dataset) else make()


def shared_out(training: Training, ranks: Ranks) -> Training:
    """Return the training of one rank: all have the same model, and each its part of the images."""
    if ranks.is_alone:
        return training
    batches = training.batches
    assert isinstance(batches, ImageBatches | ViewBatches)
    # What was recalibrated may be rounded otherwise on another device.
    auxiliary = () if training.auxiliary is None else (training.auxiliary,)
    ranks.share_state(training.model, *auxiliary)
    order = replace(batches.order, part=ranks.part)
    return replace(training, ranks=ranks, batches=replace(batches, order=order))


def written_by_first(write: Write, attempt: int, ranks: Ranks) -> Write:
    """Return what writes a snapshot on the first rank, and nothing on the others."""

    def left_to_first(state: SavedState) -> SnapshotRef:
        return SnapshotRef(
            attempt=attempt,
            step=state.progress.step,
            epoch=state.progress.epoch,
            path="",
            digest="",
            size_bytes=0,
            save_s=0.0,
            create_time=0.0,
        )

    return write if ranks.is_first else left_to_first

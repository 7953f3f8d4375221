"""The trainer's own named failures. Each inherits one of the catalog's kinds, so that
`serving/status.py` knows its status; a running job's `reason` becomes its failure reason.
"""

import errno
import os

from catalog_service.errors import (
    Conflict,
    Corrupt,
    Denied,
    Exhausted,
    InvalidRequest,
    NotFound,
    OutOfRange,
    Precondition,
    Unavailable,
)


class DataInvalid(Precondition):
    """The images are not what the job needs: broken, missing, or of other classes."""

    reason = "DATA_INVALID"


class PathOutsideRoots(Denied):
    """A path is not below any folder that the trainer may read."""

    reason = "PATH_OUTSIDE_ROOTS"


class LossNotFinite(Precondition):
    """The loss became infinite or not a number: nothing trained after that step means anything."""

    reason = "LOSS_NOT_FINITE"


class FrozenStateChanged(Corrupt):
    """A tensor that the plan freezes is not what it was when the job started."""

    reason = "FROZEN_STATE_CHANGED"


class GradientMissing(Corrupt):
    """A tensor that the plan trains got no gradient from the first step."""

    reason = "GRADIENT_MISSING"


class StateNotAsOrdered(Corrupt):
    """The model on disk is not the one that the order names."""

    reason = "STATE_NOT_AS_ORDERED"


class ExportNotEqual(Corrupt):
    """What was read back from an export is not what was written."""

    reason = "EXPORT_NOT_EQUAL"


class DeviceUnavailable(Precondition):
    """The device that the order names is not there."""

    reason = "DEVICE_UNAVAILABLE"


class RankLost(Unavailable):
    """One of the processes that train together is gone: the others cannot go on without it."""

    reason = "WORKER_CRASHED"


class OutOfMemory(Exhausted):
    """The model and its batch do not fit the device."""

    reason = "OUT_OF_MEMORY"


class JobNotFound(NotFound):
    """No job has this name, or more than one job's id starts with it."""

    reason = "JOB_NOT_FOUND"


class JobFinished(Precondition):
    """The job has succeeded or failed already: there is nothing left to stop."""

    reason = "JOB_FINISHED"


class RequestIdReused(InvalidRequest):
    """A request id came back with another request."""

    reason = "REQUEST_ID_REUSED"


class CursorAhead(OutOfRange):
    """A reader asks for events after one that did not happen yet."""

    reason = "CURSOR_AHEAD"


class LogReplaced(OutOfRange):
    """A cursor belongs to another event log: this database is not the one that it was read from."""

    reason = "LOG_REPLACED"


class TooManyJobsWait(Exhausted):
    """The queue is full."""

    reason = "SERVER_BUSY"


class CheckpointExists(Conflict):
    """A job would register its backbone under a name that is taken."""

    reason = "CHECKPOINT_EXISTS"


class CatalogUnavailable(Unavailable):
    """The catalog does not answer."""

    reason = "CATALOG_UNAVAILABLE"


class CatalogRefusesTrainer(Precondition):
    """The catalog does not know this trainer, or gives it no role."""

    reason = "CATALOG_REFUSES_TRAINER"


class StoreVersionUnknown(Precondition):
    """The job database was written by another release."""

    reason = "STORE_VERSION_UNKNOWN"


class HomeInUse(Precondition):
    """Another trainer works in this home folder."""

    reason = "HOME_IN_USE"


class LeaseLost(Conflict):
    """A host speaks for a job that is not its own any more: another attempt or host has it."""

    reason = "LEASE_LOST"


class CursorCompacted(OutOfRange):
    """A reader asks for events that are not kept any more."""

    reason = "CURSOR_COMPACTED"


class SnapshotNotFound(NotFound):
    """The job has no such snapshot, or not any more."""

    reason = "SNAPSHOT_NOT_FOUND"


class JobActive(Precondition):
    """The job waits or runs: it must be cancelled or paused first."""

    reason = "JOB_ACTIVE"


class JobCancelling(Precondition):
    """The job is being cancelled."""

    reason = "JOB_CANCELLING"


class JobPausing(Precondition):
    """The job is being paused."""

    reason = "JOB_PAUSING"


class JobRunning(Precondition):
    """The job runs already, from another snapshot than the one that was named."""

    reason = "JOB_RUNNING"


class StoreUnavailable(Unavailable):
    """The job database does not answer."""

    reason = "STORE_UNAVAILABLE"


class StoreFull(Exhausted):
    """The job database has no room left on its disk."""

    reason = "DISK_FULL"


class SpoolGap(Corrupt):
    """A worker's spool lacks a line, or has one that cannot be read."""

    reason = "SPOOL_DAMAGED"


class WorkerStuck(Precondition):
    """A worker was killed and is still there."""

    reason = "WORKER_STUCK"


class FeatureCacheImpossible(Precondition):
    """The job requires that the frozen part's output is kept, and it cannot be."""

    reason = "FEATURE_CACHE_IMPOSSIBLE"


class CompileFailed(Precondition):
    """torch.compile was asked for and cannot compile the model here."""

    reason = "COMPILE_FAILED"


class FeaturesCollapsed(Precondition):
    """Self-supervised training gives every image the same features."""

    reason = "FEATURES_COLLAPSED"


class SnapshotDamaged(Corrupt):
    """A snapshot is not what was written, or is not there."""

    reason = "SNAPSHOT_DAMAGED"


class SnapshotsUnreadable(Unavailable):
    """The disk does not give a job's snapshots now. They may be whole."""

    reason = "SNAPSHOTS_UNREADABLE"


class SnapshotMisfit(Precondition):
    """A snapshot is whole, and not of what is to be trained now."""

    reason = "SNAPSHOT_MISFIT"


class SnapshotsNotKept(Precondition):
    """A job was ordered without a place for its snapshots."""

    reason = "SNAPSHOTS_NOT_KEPT"


OUT_OF_MEMORY_WORDS = (
    "out of memory",
    "not enough memory",
    "can't allocate memory",
    "alloc_failed",
)
"""Source: c10/core/impl/alloc_cpu.cpp, c10/cuda/CUDACachingAllocator.cpp, cublasStatus_t."""


def is_out_of_memory(error: BaseException) -> bool:
    """Whether memory ran out; torch says so in words of its own on each device."""
    said = str(error).lower()
    return isinstance(error, MemoryError | OutOfMemory) or any(
        word in said for word in OUT_OF_MEMORY_WORDS
    )


NO_ROOM = (errno.ENOSPC, errno.EDQUOT, errno.EFBIG)
"""Disk, quota or file size limit."""


def is_out_of_room(error: BaseException | None) -> bool:
    """Whether the disk is full. safetensors says so in words only, and torch.save only in what its
    own error hides.
    """
    while error is not None:
        if isinstance(error, OSError) and error.errno in NO_ROOM:
            return True
        if any(os.strerror(number) in str(error) for number in NO_ROOM):
            return True
        error = error.__cause__ or error.__context__
    return False

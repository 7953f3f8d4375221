"""A worker's word about an error that ends its work: a reason, a message, and how it counts."""

from pathlib import Path

from catalog_service.blobs.disk import DiskFull
from catalog_service.errors import VertebraError
from trainer_service.errors import (
    OutOfMemory,
    SnapshotsUnreadable,
    is_out_of_memory,
    is_out_of_room,
)
from trainer_service.jobs import ExitClass, Failed, WorkOrder

DEVICE_WORDS = ("cuda", "cublas", "cudnn", "cufft", "nccl")
"""In what torch says where a GPU's memory ran out. Source: c10/cuda/CUDACachingAllocator.cpp and
the status names of those libraries."""


def failure_of(error: Exception, order: WorkOrder) -> Failed:
    """Return a worker's last word about an error."""
    if is_out_of_memory(error):
        return _out_of_memory(error, order)
    if isinstance(error, DiskFull) or is_out_of_room(error):
        return _out_of_room(error, order)
    if isinstance(error, SnapshotsUnreadable):  # a later attempt may find the disk there again
        reason, message = error.error_reason, error.message
        return Failed(reason=reason, message=message, exit_class=ExitClass.CRASHED)
    if isinstance(error, VertebraError):
        return Failed(reason=error.error_reason, message=error.message)
    return Failed(
        reason="INTERNAL",
        message=f"{type(error).__name__} in the worker; the attempt's log.txt has the details",
        exit_class=ExitClass.CRASHED,
    )


def _out_of_memory(error: Exception, order: WorkOrder) -> Failed:
    """Return which memory ran out. On the CPU a model's memory is the host's, which may be free
    again when the job is tried again; a GPU is the job's own.
    """
    is_device = order.device == "cuda" and _is_of_device(error)
    exit_class = ExitClass.DEVICE_OUT_OF_MEMORY if is_device else ExitClass.HOST_OUT_OF_MEMORY
    message = (
        error.message
        if isinstance(error, VertebraError)
        else f"{order.model.recipe.architecture_id} with batches of {order.spec.batch_size}"
        f" images does not fit the memory of the {'GPU' if is_device else 'host'}: use smaller"
        " batches or images, or freeze more"
    )
    return Failed(reason=exit_class.value.upper(), message=message, exit_class=exit_class)


def _is_of_device(error: Exception) -> bool:
    """Whether a GPU's memory ran out. Training names that itself, whatever torch said."""
    said = str(error).lower()
    return isinstance(error, OutOfMemory) or any(word in said for word in DEVICE_WORDS)


def _out_of_room(error: Exception, order: WorkOrder) -> Failed:
    folder = Path(order.export_dir).parent
    message = (
        error.message
        if isinstance(error, VertebraError)
        else f"no room to write below {str(folder)!r}: make room there, or give the trainer"
        " another home folder, and resume the job"
    )
    return Failed(reason=DiskFull.reason, message=message, exit_class=ExitClass.DISK_FULL)

"""What remains of jobs that were deleted: their folders, and the pins of what they exported."""

import asyncio
import logging
import shutil
from pathlib import Path

from catalog_service.blobs.blob_pins import pins_of
from trainer_service.supervisor.rooms import Rooms

log = logging.getLogger(__name__)


async def remove_deleted(rooms: Rooms) -> None:
    """Delete what this host still has of jobs that the store has deleted; may be repeated. What
    cannot be deleted now stays noted, and keeps nothing else.
    """
    for job_id in await asyncio.to_thread(rooms.store.deleted, rooms.host_id):
        try:
            await asyncio.to_thread(_remove, job_id, rooms)
        except OSError as error:
            log.warning("files of deleted job %s are still here: %s", job_id, error)
        else:
            await asyncio.to_thread(rooms.store.forget_deleted, job_id, rooms.host_id)


def _remove(job_id: str, rooms: Rooms) -> None:
    unpin_exports(job_id, rooms.blobs.root)
    for root in {rooms.home, rooms.artifacts or rooms.home}:
        folder = root / "jobs" / job_id
        if folder.exists():
            shutil.rmtree(folder)


def unpin_exports(job_id: str, blobs_root: Path) -> None:
    """Take the job's pins away from what it exported; others' pins stay."""
    pins, owner = pins_of(blobs_root), f"trainJobs/{job_id}"
    for digest, owners in pins.all().items():
        if owner in owners:
            pins.unpin(digest, owner)

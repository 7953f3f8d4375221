"""Which snapshots stay: the last two, that of the best epoch, and pinned ones. Looked at only when
the running attempt has saved one of its own: until then it may be reading any of the others. Of a
job that has succeeded only pinned ones stay: it is never resumed, and what it is worth is exported.
The rows go first: a folder without a row is nobody's.
"""

import re
import shutil
from collections.abc import Sequence
from pathlib import Path

from trainer_service.job_store import Hold
from trainer_service.jobs import SnapshotRef
from trainer_service.supervisor.rooms import Rooms

NUM_KEPT = 2

_FOLDER = re.compile(r"(?:\.staged-)?(?P<attempt>\d+)-\d+")
"""Whole snapshots, and what was not finished."""


def superfluous(snapshots: Sequence[SnapshotRef], choices: Sequence[SnapshotRef]) -> list[str]:
    """Return the ids of snapshots that need not stay.

    Args:
        snapshots: all that are kept, newest first.
        choices: what a next attempt would go on from, the best first.
    """
    best = [one for one in snapshots if one.is_best][:1]
    pinned = [one for one in snapshots if one.is_pinned]
    kept = {one.snapshot_id for one in [*choices[:NUM_KEPT], *best, *pinned]}
    return [one.snapshot_id for one in snapshots if one.snapshot_id not in kept]


def forget_snapshots(hold: Hold, rooms: Rooms) -> None:
    """Drop what need not stay, now that the attempt has taken one more."""
    store = rooms.store
    ids = superfluous(store.snapshots(hold.job_id), store.resume_from(hold.job_id))
    dropped = store.drop_snapshots(hold, ids) if ids else ()
    for snapshot_id in dropped:
        shutil.rmtree(rooms.snapshots_folder(hold.job_id) / snapshot_id, ignore_errors=True)
    sweep_leftovers(hold, rooms)


def put_away_spent(rooms: Rooms) -> None:
    """Drop what jobs that have succeeded, or were unpinned since, keep for nothing."""
    for job_id in rooms.store.spent():
        rooms.store.drop_spent(job_id)
        kept = {one.snapshot_id for one in rooms.store.snapshots(job_id)}
        for path in _folders(rooms.snapshots_folder(job_id)):
            if path.name not in kept:
                shutil.rmtree(path, ignore_errors=True)


def sweep_leftovers(hold: Hold, rooms: Rooms) -> None:
    """Delete what earlier attempts left that the job store does not know. They are over; those
    that are newer than ours are never touched: this host may have lost the job without knowing.
    """
    known = {one.snapshot_id for one in rooms.store.snapshots(hold.job_id)}
    for path in _folders(rooms.snapshots_folder(hold.job_id)):
        named = _FOLDER.fullmatch(path.name)
        if named and int(named["attempt"]) < hold.attempt and path.name not in known:
            shutil.rmtree(path, ignore_errors=True)


def _folders(folder: Path) -> list[Path]:
    try:
        return list(folder.iterdir())
    except FileNotFoundError:
        return []

"""Reading a snapshot back, into memory; nothing is executed."""

import json
from pathlib import Path

from catalog_service.blobs.safetensors_file import MalformedSafetensors
from catalog_service.models.mapped_file import map_tensors
from catalog_service.models.plain_json import JsonObject, MalformedJson, from_plain
from trainer_service.errors import SnapshotDamaged
from trainer_service.jobs import SnapshotRef
from trainer_service.snapshots.saved_state import Progress, SavedState
from trainer_service.snapshots.snapshot_writer import PROGRESS_FILE, VIEWS_FILE
from trainer_service.snapshots.verifying import require_whole

SUFFIX = ".safetensors"


def read_snapshot(snapshot: SnapshotRef) -> SavedState:
    """Return what was saved. Its files are mapped: they must stay until it was put back.

    Raises:
        SnapshotDamaged: it is not what was written.
    """
    folder = Path(snapshot.path)
    manifest = require_whole(folder, snapshot.digest)
    names = {record.name for record in manifest.files}
    try:
        return SavedState(
            progress=from_plain(Progress, _document(folder / PROGRESS_FILE)),
            tensors={
                name.removesuffix(SUFFIX): map_tensors(folder / name)
                for name in names
                if name.endswith(SUFFIX)
            },
            views=_document(folder / VIEWS_FILE) if VIEWS_FILE in names else {},
        )
    except (OSError, MalformedJson, MalformedSafetensors, json.JSONDecodeError) as error:
        raise SnapshotDamaged(
            f"snapshot {snapshot.path!r} is whole and not of this release: {error}"
        ) from error


def read_views(snapshot: SnapshotRef) -> JsonObject:
    """Return what the views of the run had shown; empty where there were none."""
    path = Path(snapshot.path) / VIEWS_FILE
    return _document(path) if path.exists() else {}


def _document(path: Path) -> JsonObject:
    data: JsonObject = json.loads(path.read_text("utf-8"))
    return data

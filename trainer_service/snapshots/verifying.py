"""Whether a snapshot is what was written, byte by byte. No torch: any process may ask."""

import json
from collections.abc import Sequence
from pathlib import Path

from catalog_service.blobs.digests import sha256_of_file
from catalog_service.errors import listed
from catalog_service.models.plain_json import MalformedJson, from_plain
from trainer_service.errors import SnapshotDamaged, SnapshotsUnreadable
from trainer_service.jobs import SnapshotRef
from trainer_service.jobs.snapshot import MANIFEST_FILE
from trainer_service.snapshots.manifest import RELEASE, FileRecord, Manifest


def first_whole(
    snapshots: Sequence[SnapshotRef],
) -> tuple[SnapshotRef | None, tuple[SnapshotDamaged, ...]]:
    """Return the first snapshot that is whole, None where none is; and what is wrong with those
    before it.

    Raises:
        SnapshotsUnreadable: none is, and of some nobody can say, because the disk refuses to read.
            Whoever began at the start now would lose them for a disk that is away for a moment.
    """
    damaged: list[SnapshotDamaged] = []
    for snapshot in snapshots:
        try:
            require_whole(Path(snapshot.path), snapshot.digest)
        except SnapshotDamaged as error:
            damaged.append(error)
        else:
            return snapshot, tuple(damaged)
    if unknown := [problem.message for problem in damaged if _is_refusal(problem.__cause__)]:
        raise SnapshotsUnreadable(f"no snapshot can be read now: {listed(unknown)}")
    if away := next((path for path in map(_place, snapshots) if not path.is_dir()), None):
        raise SnapshotsUnreadable(
            f"the folder of all snapshots is not there: {str(away)!r}; mount it, or make it empty"
            " for the job to begin at its start"
        )
    return None, tuple(damaged)


def _place(snapshot: SnapshotRef) -> Path:
    """Return the folder of the job's snapshots."""
    return Path(snapshot.path).parent


def _is_refusal(cause: BaseException | None) -> bool:
    """Whether a disk did not say what is there, rather than that nothing is."""
    is_absent = isinstance(cause, (FileNotFoundError, NotADirectoryError, IsADirectoryError))
    return isinstance(cause, OSError) and not is_absent


def require_whole(folder: Path, digest: str) -> Manifest:
    """Return the manifest of a folder whose files are those that were written.

    Args:
        digest: `sha256:<hex>` of the manifest.

    Raises:
        SnapshotDamaged: says which file is missing or is not the same.
    """
    try:
        found = digest_of(folder / MANIFEST_FILE)
        if found != digest:
            raise _damaged(folder, f"{MANIFEST_FILE} is {found}, recorded was {digest}")
        manifest = _read(folder)
        for record in manifest.files:
            _require(folder, record)
    except OSError as error:
        raise _damaged(folder, str(error)) from error
    return manifest


def digest_of(path: Path) -> str:
    """Return `sha256:<hex>` of a file."""
    return sha256_of_file(path)


def _read(folder: Path) -> Manifest:
    try:
        data = json.loads((folder / MANIFEST_FILE).read_text("utf-8"))
        if data.get("release") != RELEASE:
            raise _damaged(
                folder, f"its format is {data.get('release')!r}, this release reads {RELEASE}"
            )
        return from_plain(Manifest, data)
    except (ValueError, MalformedJson) as error:
        raise _damaged(folder, f"{MANIFEST_FILE}: {error}") from error


def _require(folder: Path, record: FileRecord) -> None:
    path = folder / record.name
    size_bytes = path.stat().st_size
    if size_bytes != record.size_bytes:
        raise _damaged(
            folder, f"{record.name} has {size_bytes} bytes, written were {record.size_bytes}"
        )
    if digest_of(path) != f"sha256:{record.sha256}":
        raise _damaged(folder, f"the sha256 of {record.name} is not that of what was written")


def _damaged(folder: Path, why: str) -> SnapshotDamaged:
    return SnapshotDamaged(f"snapshot {str(folder)!r} cannot be resumed from: {why}")

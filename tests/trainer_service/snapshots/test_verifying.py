"""Which snapshot is whole, and what is no answer to that."""

import shutil
from pathlib import Path

import pytest

from tests.trainer_service.snapshots.test_snapshots import write
from trainer_service.errors import SnapshotsUnreadable
from trainer_service.jobs.snapshot import MANIFEST_FILE
from trainer_service.snapshots.verifying import first_whole


def test_a_disk_that_does_not_answer_is_not_taken_for_one_without_snapshots(
    tmp_path: Path,
) -> None:
    """Training would begin at the start, and what it went back from would be deleted."""
    gone, refused = write(tmp_path, step=5), write(tmp_path, step=9)
    shutil.rmtree(gone.path)
    manifest = Path(refused.path) / MANIFEST_FILE
    manifest.unlink()
    manifest.symlink_to(manifest.name)  # to itself: neither there nor absent

    with pytest.raises(SnapshotsUnreadable, match="Too many levels of symbolic links"):
        first_whole([refused, gone])

    older = write(tmp_path, step=3)
    assert first_whole([refused, gone, older])[0] == older


def test_a_folder_that_is_not_mounted_is_not_taken_for_an_empty_one(tmp_path: Path) -> None:
    folder = tmp_path / "snapshots"
    saved = write(folder, step=5)
    folder.rename(tmp_path / "elsewhere")

    with pytest.raises(SnapshotsUnreadable, match="mount it, or make it empty"):
        first_whole([saved])

    folder.mkdir()  # somebody says that there is nothing
    assert first_whole([saved])[0] is None

"""A snapshot is whole and verified, or it is not there."""

import json
import os
import random
import resource
import shutil
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
import torch
from torch import Tensor

from catalog_service.blobs.disk import DiskFull, sync_folder
from catalog_service.models.mapped_file import map_tensors
from tests.fakes.saved_states import saved_state
from trainer_service.errors import SnapshotDamaged
from trainer_service.jobs import SnapshotRef
from trainer_service.jobs.snapshot import MANIFEST_FILE, STAGED_PREFIX
from trainer_service.snapshots.snapshot_reader import read_snapshot
from trainer_service.snapshots.snapshot_writer import SnapshotWriter
from trainer_service.snapshots.verifying import digest_of, first_whole, require_whole


def write(folder: Path, *, step: int = 5, attempt: int = 1) -> SnapshotRef:
    """Write a snapshot; return it."""
    return SnapshotWriter(folder, job_id="job1", attempt=attempt).write(saved_state(step))


def names_in(folder: Path) -> list[str]:
    """Return what lies in a folder."""
    return sorted(path.name for path in folder.iterdir()) if folder.exists() else []


def bits(tensor: Tensor) -> Tensor:
    """Return the numbers as bytes: not a number is equal to itself then."""
    return tensor.contiguous().reshape(-1).view(torch.uint8)


def test_what_was_saved_is_read_back_to_the_last_bit(tmp_path: Path) -> None:
    state = saved_state()

    found = read_snapshot(SnapshotWriter(tmp_path, job_id="job1", attempt=1).write(state))

    assert repr(found.progress) == repr(state.progress)  # not a number is no number's equal
    assert found.views == state.views
    assert found.tensors.keys() == state.tensors.keys()
    for group, tensors in state.tensors.items():
        assert found.tensors[group].keys() == tensors.keys()
        for name, tensor in tensors.items():
            assert found.tensors[group][name].dtype == tensor.dtype
            assert found.tensors[group][name].shape == tensor.shape
            assert torch.equal(bits(found.tensors[group][name]), bits(tensor)), name


def test_a_snapshot_says_what_it_is_without_being_opened(tmp_path: Path) -> None:
    snapshot = SnapshotWriter(tmp_path, job_id="job1", attempt=2).write(
        saved_state(7, is_best=True)
    )

    assert (snapshot.attempt, snapshot.step, snapshot.epoch) == (2, 7, 1)
    assert snapshot.path == str(tmp_path / snapshot.snapshot_id) == str(tmp_path / "2-7")
    assert snapshot.is_best and not snapshot.is_pinned
    size_bytes = sum(path.stat().st_size for path in (tmp_path / "2-7").iterdir())
    assert snapshot.size_bytes == size_bytes
    assert names_in(tmp_path) == ["2-7"]


def test_no_pickle_is_in_a_snapshot(tmp_path: Path) -> None:
    folder = Path(write(tmp_path).path)

    assert {path.suffix for path in folder.iterdir()} == {".safetensors", ".json"}
    for path in folder.glob("*.json"):
        json.loads(path.read_text())
    for path in folder.glob("*.safetensors"):
        map_tensors(path)


def test_a_snapshot_of_the_same_step_by_a_later_attempt_is_another_one(tmp_path: Path) -> None:
    write(tmp_path, attempt=1)
    write(tmp_path, attempt=2)

    assert names_in(tmp_path) == ["1-5", "2-5"]


def test_what_a_killed_attempt_left_staged_is_in_nobodys_way(tmp_path: Path) -> None:
    left = tmp_path / f"{STAGED_PREFIX}1-5"
    left.mkdir()
    (left / "model.safetensors").write_bytes(b"half of it")

    snapshot = write(tmp_path)

    require_whole(Path(snapshot.path), snapshot.digest)
    assert names_in(tmp_path) == ["1-5"]


class Killed(BaseException):
    """Nothing is cleaned up after this."""


class Points:
    """Kills at the n-th of the places where a process may die, before what is done there or after.

    Every wait for the disk, every rename.
    """

    def __init__(self, at: int, *, is_after: bool) -> None:
        self._at = at
        self._is_after = is_after
        self.passed: list[str] = []

    def around(self, name: str, done: Callable[..., object]) -> Callable[..., object]:
        """Return the same function, which may kill."""

        def run(*arguments: object) -> object:
            self.passed.append(name)
            is_here = len(self.passed) == self._at
            if is_here and not self._is_after:
                raise Killed
            result = done(*arguments)
            if is_here:
                raise Killed
            return result

        return run


def killed_at(points: Points, folder: Path, monkeypatch: pytest.MonkeyPatch) -> bool:
    """Write a snapshot; return whether it was killed on the way."""
    with monkeypatch.context() as patched:
        patched.setattr(os, "fsync", points.around("fsync", os.fsync))
        patched.setattr(os, "rename", points.around("rename", os.rename))
        patched.setattr(shutil, "rmtree", lambda *_, **__: None)
        try:
            write(folder)
        except Killed:
            return True
    return False


@pytest.mark.parametrize("is_after", [False, True], ids=["before", "after"])
def test_a_kill_at_any_point_leaves_a_whole_snapshot_or_none(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, is_after: bool
) -> None:
    seen: list[tuple[str, bool]] = []
    for at in range(1, 100):
        folder, points = tmp_path / str(at), Points(at, is_after=is_after)
        was_killed = killed_at(points, folder, monkeypatch)
        visible = [name for name in names_in(folder) if not name.startswith(STAGED_PREFIX)]
        for name in visible:
            manifest = folder / name / MANIFEST_FILE
            require_whole(folder / name, digest_of(manifest))
        seen.append((points.passed[-1], bool(visible)))
        if not was_killed:
            break
    kinds = {kind for kind, _ in seen}
    assert kinds == {"fsync", "rename"}
    assert [is_there for _, is_there in seen[:-2]].count(True) <= 1
    assert seen[0][1] is False and seen[-1][1] is True


def test_a_naive_save_leaves_half_a_snapshot_under_its_name(tmp_path: Path) -> None:
    """Writing in place, as torch.save to the final path does: the control of the test above."""
    state = saved_state()
    final = tmp_path / "1-5"
    final.mkdir()
    torch.save(state.tensors["model"], tmp_path / "whole.pt")

    data = (tmp_path / "whole.pt").read_bytes()
    (final / "model.pt").write_bytes(data[: len(data) // 2])  # and then it is killed

    assert "1-5" in names_in(tmp_path)
    with pytest.raises(RuntimeError, match="zip"):
        torch.load(final / "model.pt", weights_only=True)


def damaged(folder: Path, draw: random.Random) -> str:
    """Flip a bit of some file, or cut it off, or take it away; return what was done."""
    path = draw.choice(sorted(folder.iterdir()))
    what = draw.choice(["flip", "cut", "remove"])
    data = bytearray(path.read_bytes())
    at = draw.randrange(len(data))
    if what == "flip":
        data[at] ^= 1 << draw.randrange(8)
        path.write_bytes(data)
    elif what == "cut":
        path.write_bytes(data[:at])
    else:
        path.unlink()
    return f"{what} {path.name} at {at}"


def test_any_damage_is_noticed(tmp_path: Path) -> None:
    whole = write(tmp_path / "kept")
    draw = random.Random(7)
    for number in range(60):
        folder = tmp_path / str(number)
        shutil.copytree(whole.path, folder)
        done = damaged(folder, draw)

        try:
            require_whole(folder, whole.digest)
        except SnapshotDamaged as error:
            assert str(folder) in error.message
        else:
            pytest.fail(f"nobody noticed: {done}")


def test_reading_without_a_look_at_the_digests_takes_other_numbers(tmp_path: Path) -> None:
    """safetensors has no checksum: a flipped bit is another weight."""
    path = Path(write(tmp_path).path) / "model.safetensors"
    before = map_tensors(path)["floats"].clone()
    data = bytearray(path.read_bytes())
    at = data.index(before.numpy().tobytes())
    data[at + 3] ^= 1
    path.write_bytes(data)

    assert not torch.equal(map_tensors(path)["floats"], before)


def test_the_next_best_is_taken_where_the_newest_is_damaged(tmp_path: Path) -> None:
    older, newer = write(tmp_path, step=5), write(tmp_path, step=9)
    (Path(newer.path) / "progress.json").unlink()

    found, problems = first_whole([newer, older])

    assert found == older
    assert [problem.error_reason for problem in problems] == ["SNAPSHOT_DAMAGED"]
    assert "progress.json" in problems[0].message and newer.path in problems[0].message


def test_where_none_is_whole_none_is_taken(tmp_path: Path) -> None:
    snapshot = write(tmp_path)
    shutil.rmtree(snapshot.path)

    found, problems = first_whole([snapshot])

    assert found is None and len(problems) == 1


def test_a_snapshot_of_another_release_is_not_read(tmp_path: Path) -> None:
    snapshot = write(tmp_path)
    manifest = Path(snapshot.path) / MANIFEST_FILE
    told = json.loads(manifest.read_text())
    manifest.write_text(json.dumps({**told, "release": 99}))

    with pytest.raises(SnapshotDamaged, match="its format is 99, this release reads 1"):
        require_whole(Path(snapshot.path), digest_of(manifest))


@contextmanager
def files_of_at_most(num_bytes: int) -> Iterator[None]:
    """Let the system refuse longer files, as a full disk does."""
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (num_bytes, hard))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))


def test_a_full_disk_is_named_and_nothing_is_left_on_it(tmp_path: Path) -> None:
    with files_of_at_most(1000), pytest.raises(DiskFull, match="no room to save a snapshot"):
        write(tmp_path)

    assert names_in(tmp_path) == []


def test_a_disk_that_gives_back_other_bytes_makes_no_snapshot(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def flip_a_bit(folder: Path) -> None:
        path = folder / "model.safetensors"
        if path.exists():
            data = bytearray(path.read_bytes())
            data[-1] ^= 1
            path.write_bytes(data)
        sync_folder(folder)

    monkeypatch.setattr("trainer_service.snapshots.snapshot_writer.sync_folder", flip_a_bit)

    with pytest.raises(SnapshotDamaged, match=r"sha256 of model\.safetensors"):
        write(tmp_path)

    assert names_in(tmp_path) == []

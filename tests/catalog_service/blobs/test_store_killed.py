"""Whatever a writer is killed at, no half-written file has a blob's name; and a full disk stores
nothing. Both are shown with processes that really die and a limit that really bites."""

import hashlib
import os
import signal
import subprocess
import sys
from collections import Counter
from pathlib import Path

import pytest

from catalog_service.blobs.store import BlobStore

PIECE = 64 << 10
NUM_PIECES = 32
SIZE = PIECE * NUM_PIECES

WRITER = """
import os, resource, signal, sys
from pathlib import Path
from catalog_service.blobs.store import BlobStore

root, kill_at = Path(sys.argv[1]), sys.argv[2]
limit, num_pieces, piece_bytes = map(int, sys.argv[3:])
if limit:
    resource.setrlimit(resource.RLIMIT_FSIZE, (limit, limit))

def die():
    os.kill(os.getpid(), signal.SIGKILL)

def dying(name):
    real = getattr(os, name)
    def step(*arguments, **options):
        die() if kill_at == f"before {name}" else None
        result = real(*arguments, **options)
        die() if kill_at == f"after {name}" else None
        return result
    return step

store = BlobStore(root)
for name in ("fsync", "rename"):
    setattr(os, name, dying(name))
with store.open_writer() as writer:
    for number in range(num_pieces):
        writer.write(bytes([number]) * piece_bytes)
        if kill_at == str(writer.size_bytes):
            die()
    writer.commit()
"""

EXPECTED = b"".join(bytes([number]) * PIECE for number in range(NUM_PIECES))
DIGEST = f"sha256:{hashlib.sha256(EXPECTED).hexdigest()}"
OFFSETS = [str(PIECE * number) for number in (1, 7, 16, 31, 32)]
STEPS = ["before fsync", "after fsync", "before rename", "after rename"]


def run_writer(
    root: Path, kill_at: str = "never", limit: int = 0
) -> subprocess.CompletedProcess[str]:
    numbers = [str(number) for number in (limit, NUM_PIECES, PIECE)]
    command = [sys.executable, "-c", WRITER, str(root), kill_at, *numbers]
    return subprocess.run(
        command,
        capture_output=True,
        text=True,
        timeout=60,
        env={"PYTHONPATH": os.pathsep.join(sys.path)},
        check=False,
    )


def test_a_killed_writer_leaves_nothing_or_the_whole(tmp_path, capsys):
    seen: Counter[str] = Counter()
    num_half_written = 0
    for kill_at in [*OFFSETS, *STEPS]:
        root = tmp_path / kill_at.replace(" ", "-")
        assert run_writer(root, kill_at).returncode == -signal.SIGKILL
        store = BlobStore(root)
        staged = [path.stat().st_size for path in (root / "staging").iterdir()]
        num_half_written += sum(0 < size < SIZE for size in staged)
        seen[outcome(store, staged)] += 1

    with capsys.disabled():
        print(f"\nkilled at {len(OFFSETS)} offsets and {len(STEPS)} steps: {dict(seen)}")
    assert set(seen) <= {"nothing visible", "whole"}
    assert seen["whole"] == 1, "only the kill after the rename leaves the blob"
    assert num_half_written >= 4, "no run hit a half-written file"


def outcome(store: BlobStore, staged: list[int]) -> str:
    named = [path for path in (store.root / "sha256").rglob("*") if path.is_file()]
    if not named:
        return "nothing visible"
    is_whole = store.find(DIGEST) is not None and store.verify(DIGEST) and not staged
    return "whole" if is_whole else "half-written under a blob's name"


def test_what_a_killed_writer_left_is_in_nobodys_way(tmp_path):
    run_writer(tmp_path, OFFSETS[2])

    assert run_writer(tmp_path).returncode == 0
    assert BlobStore(tmp_path).verify(DIGEST)
    assert BlobStore(tmp_path).sweep_staging(older_than_s=-1) == 1


@pytest.mark.parametrize("limit", [1, PIECE * 5 + 1, SIZE - 1])
def test_a_disk_without_room_is_an_error_of_ours_and_stores_nothing(tmp_path, limit):
    """RLIMIT_FSIZE: the kernel writes what fits, then refuses, as a full disk does."""
    result = run_writer(tmp_path, limit=limit)

    assert result.returncode == 1
    assert "DiskFull: no room to store a blob" in result.stderr
    assert [path for path in tmp_path.rglob("*") if path.is_file()] == []


def test_a_disk_with_just_enough_room_is_enough(tmp_path):
    assert run_writer(tmp_path, limit=SIZE).returncode == 0
    assert BlobStore(tmp_path).verify(DIGEST)

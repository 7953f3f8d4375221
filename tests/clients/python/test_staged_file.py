"""A file under another name until it is whole, put on the disk while it grows."""

import hashlib
import os
import threading
from pathlib import Path

import pytest

from vertebra import staged_file
from vertebra.staged_file import FLUSH_BYTES, StagedFile

KEY = "sha256:" + "a" * 64
PIECE = b"0123456789abcdef" * 65_536
"""1 MiB."""


def test_what_is_flushed_on_the_way_is_the_file(tmp_path: Path) -> None:
    num_pieces = 2 * FLUSH_BYTES // len(PIECE) + 3
    with StagedFile(tmp_path / "file", KEY) as staged:
        for _ in range(num_pieces):
            staged.write(PIECE)
        expected = f"sha256:{hashlib.sha256(PIECE * num_pieces).hexdigest()}"
        assert (staged.digest, staged.size_bytes) == (expected, num_pieces * len(PIECE))
        assert not (tmp_path / "file").exists()
        staged.commit()

    assert (tmp_path / "file").stat().st_size == num_pieces * len(PIECE)
    assert hashlib.sha256((tmp_path / "file").read_bytes()).hexdigest() == expected[7:]
    assert [path.name for path in tmp_path.iterdir()] == ["file"]


def test_an_error_of_the_disk_on_the_way_is_not_lost(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The kernel tells it once: the fsync at the end would succeed."""
    main, real = threading.current_thread(), os.fsync

    def fsync(descriptor: int) -> None:
        if threading.current_thread() is not main:
            raise OSError(5, "Input/output error")
        real(descriptor)

    monkeypatch.setattr(staged_file.os, "fsync", fsync)
    with (
        pytest.raises(OSError, match="Input/output"),
        StagedFile(tmp_path / "file", KEY) as staged,
    ):
        for _ in range(FLUSH_BYTES // len(PIECE) + 1):
            staged.write(PIECE)
        staged.commit()

    assert not (tmp_path / "file").exists()


def test_what_was_there_is_hashed_and_written_on(tmp_path: Path) -> None:
    with StagedFile(tmp_path / "file", KEY) as staged:
        staged.write(b"one ")

    with StagedFile(tmp_path / "file", KEY) as staged:
        assert staged.size_bytes == 4
        staged.write(b"two")
        staged.commit()

    assert (tmp_path / "file").read_bytes() == b"one two"

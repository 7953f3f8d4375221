"""Hashing behind the writer gives what hashing afterwards gives."""

import hashlib

import pytest

from catalog_service.weights.downloads.following_hash import FollowingHash

DATA = bytes(range(256)) * 9000


def test_a_file_that_grows_is_hashed_whole(tmp_path):
    path = tmp_path / "part"
    with path.open("wb", buffering=0) as file, FollowingHash(path) as follower:
        for begin in range(0, len(DATA), 100_001):
            file.write(DATA[begin : begin + 100_001])
            follower.advance(min(begin + 100_001, len(DATA)))
        digest = follower.digest()

    assert digest == hashlib.sha256(DATA).hexdigest()


def test_only_what_was_announced_is_hashed(tmp_path):
    path = tmp_path / "part"
    path.write_bytes(DATA)
    with FollowingHash(path) as follower:
        follower.advance(5)

        assert follower.digest() == hashlib.sha256(DATA[:5]).hexdigest()


def test_a_file_that_shrinks_is_an_error(tmp_path):
    path = tmp_path / "part"
    path.write_bytes(DATA)
    with FollowingHash(path) as follower, pytest.raises(OSError, match="shorter"):
        follower.advance(len(DATA) + 1)
        follower.digest()


def test_an_error_outside_ends_the_thread(tmp_path):
    path = tmp_path / "part"
    path.write_bytes(DATA)
    with pytest.raises(RuntimeError, match="outside"), FollowingHash(path) as follower:
        follower.advance(3)
        raise RuntimeError("outside")

    assert not follower._thread.is_alive()

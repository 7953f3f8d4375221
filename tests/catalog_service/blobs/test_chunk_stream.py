"""Every piece of a file says where it belongs and how to check it."""

import os

import google_crc32c
import pytest
from hypothesis import given
from hypothesis import strategies as st

from catalog_service.blobs.chunk_stream import (
    MAX_CHUNK_BYTES,
    MIN_CHUNK_BYTES,
    clamp_chunk_bytes,
    crc32c_of,
    read_chunks,
)
from catalog_service.errors import Corrupt, InvalidRequest, OutOfRange

DATA = os.urandom(3 * MIN_CHUNK_BYTES + 123)


@pytest.fixture(scope="module")
def path(tmp_path_factory):
    path = tmp_path_factory.mktemp("chunks") / "data"
    path.write_bytes(DATA)
    return path


@given(offset=st.integers(0, len(DATA)), limit=st.integers(0, len(DATA) + 10))
def test_any_range_is_exact_and_every_chunk_is_where_it_says(path, offset, limit):
    chunks = list(read_chunks(path, offset=offset, limit=limit, chunk_bytes=1))

    wanted = DATA[offset : offset + limit] if limit else DATA[offset:]
    assert b"".join(chunk.data for chunk in chunks) == wanted
    for chunk in chunks:
        assert DATA[chunk.offset : chunk.offset + len(chunk.data)] == chunk.data
        assert chunk.crc32c == google_crc32c.value(chunk.data)


@pytest.mark.parametrize(
    ("wanted", "given"),
    [(0, 1 << 20), (1, 64 << 10), (100_000, 100_000), (1 << 30, 1 << 20)],
)
def test_chunk_sizes_are_kept_between_64_kib_and_1_mib(wanted, given):
    assert clamp_chunk_bytes(wanted) == given
    assert (MIN_CHUNK_BYTES, MAX_CHUNK_BYTES) == (64 << 10, 1 << 20)


def test_the_checksum_is_castagnolis():
    """RFC 3720, section B.4."""
    assert crc32c_of(bytes(32)) == 0x8A9136AA
    assert crc32c_of(b"123456789") == 0xE3069283


def test_an_offset_beyond_the_end_is_out_of_range_and_the_end_itself_is_not(path):
    assert list(read_chunks(path, offset=len(DATA), limit=0, chunk_bytes=0)) == []
    with pytest.raises(OutOfRange, match=f"there are {len(DATA)} bytes"):
        list(read_chunks(path, offset=len(DATA) + 1, limit=0, chunk_bytes=0))


@pytest.mark.parametrize("name", ["offset", "limit", "chunk_bytes"])
def test_negative_numbers_are_refused(path, name):
    with pytest.raises(InvalidRequest):
        list(read_chunks(path, **{"offset": 0, "limit": 0, "chunk_bytes": 0, name: -1}))


def test_a_file_that_shrinks_while_it_is_read_is_corrupt(tmp_path):
    path = tmp_path / "f"
    path.write_bytes(DATA)
    chunks = read_chunks(path, offset=0, limit=0, chunk_bytes=1)
    next(chunks)
    os.truncate(path, MIN_CHUNK_BYTES + 7)

    with pytest.raises(Corrupt, match="became shorter"):
        list(chunks)


def test_a_link_is_not_followed(path, tmp_path):
    (tmp_path / "link").symlink_to(path)

    with pytest.raises(OSError, match="symbolic links"):
        list(read_chunks(tmp_path / "link", offset=0, limit=0, chunk_bytes=0))

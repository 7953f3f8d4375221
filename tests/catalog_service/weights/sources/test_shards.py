"""The index of a weight in parts names plain files beside it, and nothing else."""

import json
import tracemalloc
from typing import Any

import pytest

from catalog_service.weights.sources.shards import MAX_INDEX_BYTES, MalformedShardIndex, shard_index


def index(weight_map: Any) -> bytes:
    return json.dumps({"metadata": {"total_size": 3}, "weight_map": weight_map}).encode()


def test_parts_and_their_tensors() -> None:
    found = shard_index(
        index({"b": "m-2.safetensors", "a": "m-1.safetensors", "c": "m-1.safetensors"})
    )

    assert found.files == ("m-1.safetensors", "m-2.safetensors")
    assert found.names_in("m-1.safetensors") == {"a", "c"}


@pytest.mark.parametrize(
    "part",
    [
        "../m.safetensors",
        "/etc/passwd",
        "a/m.safetensors",
        "..\\m.safetensors",
        ".safetensors",
        "m.safetensors\n",
        "m.py",
        "http://x/m.bin",
        "",
        7,
        None,
        ["m.bin"],
    ],
)
def test_a_part_that_is_no_plain_file_is_refused(part: Any) -> None:
    with pytest.raises(MalformedShardIndex, match="no names of parts"):
        shard_index(index({"a": "m-1.bin", "b": part}))


@pytest.mark.parametrize(
    "text", [b"", b"[]", b"{}", b"<html>", b'{"weight_map": {}}', b"\xff", b"[" * 100_000]
)
def test_what_is_no_index_is_refused(text: bytes) -> None:
    with pytest.raises(MalformedShardIndex):
        shard_index(text)


def test_an_index_of_countless_parts_is_refused() -> None:
    with pytest.raises(MalformedShardIndex, match="1001 parts"):
        shard_index(index({str(number): f"m-{number}.bin" for number in range(1001)}))


def test_the_longest_index_takes_little_memory() -> None:
    """It is parsed in the process that answers calls, and anybody may name a repository."""
    entry = '"%07d":"model-1.safetensors"'
    count = MAX_INDEX_BYTES // len(f"{entry % 0},") - 1
    text = f'{{"weight_map":{{{",".join(entry % number for number in range(count))}}}}}'.encode()
    tracemalloc.start()

    found = shard_index(text)

    peak_bytes = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert len(found.weight_map) == count
    assert peak_bytes < 128 * 2**20

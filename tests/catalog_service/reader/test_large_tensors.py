"""Tensors larger than the child's memory pass through it: plain runs and views in another order."""

import json
import struct
from pathlib import Path

import pytest
import torch
from safetensors import safe_open

from catalog_service.reader.confinement import MEMORY_BYTES
from catalog_service.reader.read_file import list_tensors, write_tensors

SIDE = 7200
"""Numbers of 4 bytes in a square a little larger than the child's memory."""


def test_a_tensor_larger_than_the_childs_memory_is_copied(tmp_path: Path) -> None:
    path, num_bytes = tmp_path / "large.safetensors", MEMORY_BYTES + 4096
    header = json.dumps(
        {"a": {"dtype": "U8", "shape": [num_bytes], "data_offsets": [0, num_bytes]}}
    )
    with path.open("wb") as file:
        file.write(struct.pack("<Q", len(header)) + header.encode())
        file.truncate(8 + len(header) + num_bytes)  # zeros that take no room
        file.seek(-1, 2)
        file.write(b"\7")

    write_tensors(path, {"a": "b"}, tmp_path / "out")

    with safe_open(tmp_path / "out", framework="pt") as found:
        assert found.get_slice("b").get_shape() == [num_bytes]
        assert found.get_slice("b")[num_bytes - 2 :].tolist() == [0, 7]


@pytest.mark.full
def test_a_transposed_tensor_larger_than_the_childs_memory_is_put_in_order(tmp_path: Path) -> None:
    assert SIDE * SIDE * 4 > MEMORY_BYTES
    square = torch.arange(SIDE * SIDE, dtype=torch.int32).view(SIDE, SIDE)
    torch.save({"a": square.t()}, tmp_path / "large.pth")

    assert list_tensors(tmp_path / "large.pth").tensors[0].shape == (SIDE, SIDE)
    write_tensors(tmp_path / "large.pth", {"a": "a"}, tmp_path / "out")

    with safe_open(tmp_path / "out", framework="pt") as found:
        assert torch.equal(found.get_tensor("a"), square.t())

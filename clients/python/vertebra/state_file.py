"""Reads safetensors files without any library: the format is a header and raw bytes.

Source: the safetensors format, 8 bytes of little-endian header length, a JSON header
`{name: {dtype, shape, data_offsets}}`, then the tensors.
"""

import json
import struct
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

MAX_HEADER_BYTES = 100_000_000
"""Source: safetensors' own limit."""

DTYPE_BYTES = {
    "BOOL": 1, "U8": 1, "I8": 1, "F8_E4M3": 1, "F8_E5M2": 1,
    "I16": 2, "U16": 2, "F16": 2, "BF16": 2,
    "I32": 4, "U32": 4, "F32": 4,
    "I64": 8, "U64": 8, "F64": 8,
}  # fmt: skip
"""Size of one element by safetensors' spelling of its type."""


class StateFileUnreadable(Exception):
    """The file is not a whole safetensors file."""


@dataclass(frozen=True, slots=True, kw_only=True)
class StoredTensor:
    """One tensor and where its bytes are: absolute positions in its file."""

    name: str
    dtype: str
    shape: tuple[int, ...]
    begin: int
    end: int

    @property
    def size_bytes(self) -> int:
        """Length of the tensor's bytes."""
        return self.end - self.begin


def read_header(path: Path) -> list[StoredTensor]:
    """Return the tensors of a safetensors file in the order of their bytes.

    Raises:
        StateFileUnreadable: the header does not describe the file exactly.
    """
    try:
        with path.open("rb") as file:
            (header_bytes,) = struct.unpack("<Q", file.read(8))
            if header_bytes > MAX_HEADER_BYTES:
                raise StateFileUnreadable(f"{path}: not a safetensors file")
            header = json.loads(file.read(header_bytes))
        tensors = [
            _entry(name, fields, 8 + header_bytes)
            for name, fields in header.items()
            if name != "__metadata__"
        ]
    except (struct.error, ValueError, KeyError, TypeError, AttributeError) as error:
        raise StateFileUnreadable(f"{path}: not a safetensors file ({error})") from error
    tensors.sort(key=lambda tensor: (tensor.begin, tensor.end))
    _check_no_hole(path, tensors, first=8 + header_bytes)
    return tensors


def _entry(name: str, fields: dict[str, Any], first: int) -> StoredTensor:
    dtype, shape, (begin, end) = fields["dtype"], fields["shape"], fields["data_offsets"]
    size_bytes = DTYPE_BYTES[dtype]
    for side in shape:
        size_bytes *= int(side)
    if end - begin != size_bytes:
        raise ValueError(f"{name!r} has {end - begin} bytes, its shape needs {size_bytes}")
    return StoredTensor(
        name=name, dtype=dtype, shape=tuple(shape), begin=first + begin, end=first + end
    )


def _check_no_hole(path: Path, tensors: Sequence[StoredTensor], *, first: int) -> None:
    position = first
    for tensor in tensors:
        if tensor.begin != position:
            raise StateFileUnreadable(f"{path}: a hole or an overlap before {tensor.name!r}")
        position = tensor.end
    if position != path.stat().st_size:
        raise StateFileUnreadable(f"{path}: the file is not as long as its header says")

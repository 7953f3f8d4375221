"""Reads and writes safetensors files without torch: the header is JSON, the rest is bytes.

The reader refuses whatever safetensors itself would not write: holes, overlaps, shapes that do not
match sizes, names that come twice. The writer's files equal those of `safetensors.torch.save_file`
byte for byte, so a digest does not depend on who wrote the file.

Source: https://github.com/huggingface/safetensors, README "Format", and `serialize` in
safetensors/src/tensor.rs (0.8.0).
"""

import json
import math
import os
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, BinaryIO

from catalog_service.errors import Precondition

MAX_HEADER_BYTES = 100_000_000
"""Longest header that is read. Source: MAX_HEADER_SIZE in safetensors/src/tensor.rs."""

SERVED_HEADER_BYTES = 8 << 20
"""Longest header that is parsed in a process that serves others; of 40,000 tensors."""

MAX_DIMENSIONS = 64
"""Longest shape that is read; PyTorch's `TensorIterator` refuses more dimensions, too."""

PIECE_BYTES = 1 << 20
"""Tensor bytes are read in pieces of this size."""

ALIGNED_BYTES = 64
"""Where torch's own memory begins: a convolution rounds otherwise on numbers that lie elsewhere.
Source: gAlignment in c10/core/alignment.h."""

DTYPE_BITS = {
    "BOOL": 8,
    "F4": 4,
    "F6_E2M3": 6,
    "F6_E3M2": 6,
    "U8": 8,
    "I8": 8,
    "F8_E5M2": 8,
    "F8_E4M3": 8,
    "F8_E8M0": 8,
    "F8_E4M3FNUZ": 8,
    "F8_E5M2FNUZ": 8,
    "I16": 16,
    "U16": 16,
    "F16": 16,
    "BF16": 16,
    "I32": 32,
    "U32": 32,
    "F32": 32,
    "C64": 64,
    "F64": 64,
    "I64": 64,
    "U64": 64,
}
"""Bits an element, in the order of safetensors' `Dtype`: files list the last ones first."""

_RANK = {dtype: rank for rank, dtype in enumerate(DTYPE_BITS)}
_LENGTH_BYTES = 8
_METADATA = {"format": "pt"}


class MalformedSafetensors(Precondition):
    """Not a sound safetensors file."""

    reason = "FILE_UNREADABLE"


@dataclass(frozen=True, slots=True, kw_only=True)
class TensorSpec:
    """A tensor without its bytes; `dtype` in safetensors' spelling (`F32`)."""

    name: str
    dtype: str
    shape: tuple[int, ...]

    @property
    def size_bytes(self) -> int:
        """How many bytes it takes."""
        return math.prod(self.shape) * DTYPE_BITS[self.dtype] // 8


@dataclass(frozen=True, slots=True, kw_only=True)
class TensorEntry:
    """A tensor of a file: its bytes are `begin` up to `end`, counted from the file's first byte."""

    name: str
    dtype: str
    shape: tuple[int, ...]
    begin: int
    end: int


def read_header(path: Path, *, max_header_bytes: int = MAX_HEADER_BYTES) -> list[TensorEntry]:
    """Return the tensors of a file, in the order of their bytes.

    Args:
        max_header_bytes: a longer one is refused unread: where it may not hold up others.

    Raises:
        MalformedSafetensors: the header is no such header, or does not describe the file exactly.
    """
    try:
        with path.open("rb") as file:
            return read_open_header(file, max_header_bytes=max_header_bytes)
    except MalformedSafetensors as error:
        raise MalformedSafetensors(
            f"{path.name} is not a safetensors file: {error.message}"
        ) from error


def read_open_header(
    file: BinaryIO, *, max_header_bytes: int = MAX_HEADER_BYTES
) -> list[TensorEntry]:
    """Return the tensors of an open file at its beginning, as `read_header` does."""
    size_bytes = os.fstat(file.fileno()).st_size
    header = _read_json(file, min(max_header_bytes, size_bytes - _LENGTH_BYTES))
    return _entries(header, file.tell(), size_bytes)


def read_tensor_bytes(path: Path, entry: TensorEntry) -> Iterator[bytes]:
    """Yield a tensor's bytes in pieces of at most 1 MiB.

    Raises:
        MalformedSafetensors: the file ends before the tensor does.
    """
    with path.open("rb", buffering=0) as file:
        position = entry.begin
        while position < entry.end:
            piece = os.pread(file.fileno(), min(PIECE_BYTES, entry.end - position), position)
            if not piece:
                raise MalformedSafetensors(f"{path.name} ends inside tensor {entry.name!r}")
            position += len(piece)
            yield piece


def is_unicode(name: str) -> bool:
    """Return whether a name can be written as UTF-8: half a surrogate pair cannot."""
    try:
        name.encode()
    except UnicodeEncodeError:
        return False
    return True


class StateWriter:
    """Writes a state tensor by tensor: the header at once, so nothing is kept in memory.

    Args:
        file: open for writing, at its beginning.
        tensors: all of them, in any order; `order` says in which the bytes are wanted.
    """

    def __init__(self, file: BinaryIO, tensors: Sequence[TensorSpec]) -> None:
        self.order = file_order(tensors)
        self._file = file
        self._num_written = 0
        file.write(header_bytes(self.order))

    def write_tensor(self, name: str, buffer: bytes | bytearray | memoryview) -> None:
        """Append the next tensor's bytes: contiguous, little-endian."""
        self.write_pieces(name, [buffer])

    def write_pieces(self, name: str, pieces: Iterable[bytes | bytearray | memoryview]) -> None:
        """Append the next tensor's bytes, which come in pieces."""
        tensor = self.order[self._num_written]
        assert tensor.name == name, f"wanted {tensor.name!r} next, got {name!r}"
        num_bytes = 0
        for piece in pieces:
            num_bytes += self._file.write(memoryview(piece).cast("B"))
        assert num_bytes == tensor.size_bytes, f"{name!r} has {num_bytes} bytes"
        self._num_written += 1

    def finish(self) -> None:
        """See that every tensor was written; the file stays open."""
        missing = [tensor.name for tensor in self.order[self._num_written :]]
        assert not missing, f"tensors without bytes: {missing}"


def file_order(tensors: Sequence[TensorSpec]) -> tuple[TensorSpec, ...]:
    """Return tensors in the order in which a file has their bytes."""
    assert len({tensor.name for tensor in tensors}) == len(tensors), "a tensor name comes twice"
    return tuple(sorted(tensors, key=lambda tensor: (-_RANK[tensor.dtype], tensor.name)))


def aligned_order(tensors: Sequence[TensorSpec]) -> tuple[TensorSpec, ...]:
    """Return tensors in an order in which all that can begin at a multiple of `ALIGNED_BYTES` do,
    if the first does: those whose size is such a multiple come first.
    """
    return tuple(sorted(file_order(tensors), key=lambda each: each.size_bytes % ALIGNED_BYTES > 0))


def header_bytes(tensors: Sequence[TensorSpec], *, align_bytes: int = _LENGTH_BYTES) -> bytes:
    """Return all that a file has before the first tensor's bytes.

    Args:
        tensors: in the order of their bytes, such as `file_order`.
        align_bytes: the length is a multiple of this; itself one of 8.
    """
    header: dict[str, Any] = {"__metadata__": _METADATA}
    begin = 0
    for tensor in tensors:
        end = begin + tensor.size_bytes
        header[tensor.name] = {
            "dtype": tensor.dtype,
            "shape": list(tensor.shape),
            "data_offsets": [begin, end],
        }
        begin = end
    text = json.dumps(header, ensure_ascii=False, separators=(",", ":")).encode()
    text += b" " * (-(len(text) + _LENGTH_BYTES) % align_bytes)
    return len(text).to_bytes(_LENGTH_BYTES, "little") + text


def _read_json(file: BinaryIO, max_bytes: int) -> dict[str, Any]:
    prefix = file.read(_LENGTH_BYTES)
    length = int.from_bytes(prefix, "little")
    if len(prefix) < _LENGTH_BYTES or length > max_bytes:
        raise MalformedSafetensors(f"no header: the first 8 bytes announce {length} bytes of it")
    text = file.read(length)
    if not text.startswith(b"{"):
        raise MalformedSafetensors("the header does not start with '{'")
    try:
        header = json.loads(text.decode(), object_pairs_hook=_unique, parse_constant=_refuse)
    except (ValueError, RecursionError) as error:
        raise MalformedSafetensors(f"the header is not JSON: {str(error)[:200]}") from error
    assert isinstance(header, dict)
    return header


def _unique(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    unique = dict(pairs)
    if len(unique) != len(pairs):
        raise MalformedSafetensors("a name comes twice in the header")
    return unique


def _refuse(constant: str) -> None:
    raise ValueError(f"{constant} is not JSON")


def _entries(header: dict[str, Any], data_start: int, size_bytes: int) -> list[TensorEntry]:
    _check_metadata(header.pop("__metadata__", {}))
    entries = [_entry(name, fields, data_start) for name, fields in header.items()]
    entries.sort(key=lambda entry: (entry.begin, entry.end))
    position = data_start
    for entry in entries:
        if entry.begin != position:
            problem = "overlaps the one before" if entry.begin < position else "leaves a hole"
            raise MalformedSafetensors(f"tensor {entry.name!r} {problem}")
        position = entry.end
    if position != size_bytes:
        raise MalformedSafetensors(f"tensors end at byte {position}, the file at {size_bytes}")
    return entries


def _check_metadata(metadata: object) -> None:
    if not isinstance(metadata, dict) or not all(isinstance(v, str) for v in metadata.values()):
        raise MalformedSafetensors("__metadata__ is not a table of strings")


def _entry(name: str, fields: object, data_start: int) -> TensorEntry:
    if not is_unicode(name):
        raise MalformedSafetensors(f"tensor name {name[:100]!r} is not Unicode")
    if not isinstance(fields, dict) or fields.keys() != {"dtype", "shape", "data_offsets"}:
        raise MalformedSafetensors(f"{name!r} has not exactly dtype, shape and data_offsets")
    dtype, shape, offsets = fields["dtype"], fields["shape"], fields["data_offsets"]
    if not isinstance(dtype, str) or dtype not in DTYPE_BITS:
        raise MalformedSafetensors(f"tensor {name!r} has unknown dtype {str(dtype)[:40]!r}")
    if not _are_counts(shape) or not _are_counts(offsets) or len(offsets) != 2:
        raise MalformedSafetensors(f"tensor {name!r} has a malformed shape or data_offsets")
    begin, end = offsets
    if math.prod(shape) * DTYPE_BITS[dtype] != (end - begin) * 8:
        raise MalformedSafetensors(f"tensor {name!r}: {dtype} {shape} does not fit {offsets}")
    return TensorEntry(
        name=name, dtype=dtype, shape=tuple(shape), begin=data_start + begin, end=data_start + end
    )


def _are_counts(values: object) -> bool:
    """Whether it is a list of whole numbers that 64 bits hold, and not too long to multiply."""
    return (
        isinstance(values, list)
        and len(values) <= MAX_DIMENSIONS
        and all(type(value) is int and 0 <= value < 1 << 63 for value in values)
    )

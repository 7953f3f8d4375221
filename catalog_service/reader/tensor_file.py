"""A tensor file, whatever its format: names, dtypes and shapes, and the bytes of each tensor."""

import os
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, BinaryIO, Protocol

from catalog_service.blobs.safetensors_file import (
    StateWriter,
    TensorEntry,
    TensorSpec,
    read_open_header,
)
from catalog_service.reader.find_state import find_state
from catalog_service.reader.finite_numbers import finite_check
from catalog_service.reader.gather import read_run, tensor_pieces
from catalog_service.reader.legacy_file import MAGIC_BYTES, read_legacy
from catalog_service.reader.unreadable import FileUnreadable
from catalog_service.reader.zip_file import read_zip

EXPANSION_LIMIT = 4
"""Views may share storage, so a state can be larger than its file; more than this is a bomb."""

FREE_EXPANSION_BYTES = 64 * 2**20


class TensorFile(Protocol):
    """A file that was opened and understood."""

    format: str
    taken_from: str
    versions: Mapping[str, int]
    ignored: tuple[str, ...]
    tensors: Mapping[str, TensorSpec]

    def pieces(self, name: str) -> Iterator[bytes | bytearray]:
        """Yield the row-major little-endian bytes of one tensor; no number is cut in two."""
        ...


@dataclass(frozen=True, slots=True, kw_only=True)
class FileState:
    """Tensors to take from a file: name in the file -> name to write."""

    file: TensorFile
    names: Mapping[str, str]


class SafetensorsFile:
    """A safetensors file."""

    format = "safetensors"
    taken_from = ""
    ignored: tuple[str, ...] = ()

    def __init__(self, file: BinaryIO) -> None:
        self._descriptor = file.fileno()
        self._entries: dict[str, TensorEntry] = {e.name: e for e in read_open_header(file)}
        self.versions: Mapping[str, int] = {}
        self.tensors: Mapping[str, TensorSpec] = {
            name: TensorSpec(name=name, dtype=entry.dtype, shape=entry.shape)
            for name, entry in self._entries.items()
        }

    def pieces(self, name: str) -> Iterator[bytes | bytearray]:
        """Yield the bytes of one tensor."""
        entry = self._entries[name]
        return read_run(self._descriptor, entry.begin, entry.end - entry.begin)


class TorchFile:
    """A file of `torch.save`, zip or legacy."""

    def __init__(self, file: BinaryIO, begin: bytes) -> None:
        content = read_legacy(file) if begin.startswith(MAGIC_BYTES) else read_zip(file)
        state = find_state(content.root)
        self._descriptor = file.fileno()
        self._storages = content.storages
        self._state = state.tensors
        self.format = content.format
        self.taken_from = state.taken_from
        self.versions: Mapping[str, int] = state.versions
        self.ignored = state.ignored
        self.tensors: Mapping[str, TensorSpec] = {
            name: TensorSpec(name=name, dtype=tensor.dtype, shape=tensor.shape)
            for name, tensor in state.tensors.items()
        }
        self._check_size(os.fstat(self._descriptor).st_size)

    def pieces(self, name: str) -> Iterator[bytes | bytearray]:
        """Yield the bytes of one tensor."""
        return tensor_pieces(self._descriptor, self._storages, self._state[name])

    def _check_size(self, file_bytes: int) -> None:
        total = sum(tensor.size_bytes for tensor in self.tensors.values())
        if total > EXPANSION_LIMIT * file_bytes + FREE_EXPANSION_BYTES:
            raise FileUnreadable(f"{file_bytes} bytes that would become {total} bytes of tensors")


def open_tensor_file(file: BinaryIO) -> TensorFile:
    """Return the tensors of an open file, which must stay open.

    Raises:
        FileUnreadable, MalformedSafetensors: none of the formats, or a malformed file.
    """
    begin = file.read(64)
    file.seek(0)
    if begin.startswith((MAGIC_BYTES, b"PK\x03\x04")):
        return TorchFile(file, begin)
    if begin[8:9] == b"{":
        return SafetensorsFile(file)
    raise FileUnreadable(
        "neither safetensors nor a file of torch.save; "
        "write it with torch.save(model.state_dict(), ...) or safetensors"
    )


def listing(file: TensorFile) -> dict[str, Any]:
    """Return everything about the file but the numbers, as plain JSON."""
    return {
        "format": file.format,
        "taken_from": file.taken_from,
        "versions": dict(file.versions),
        "ignored": list(file.ignored),
        "tensors": [[spec.name, spec.dtype, list(spec.shape)] for spec in file.tensors.values()],
    }


def write_state(states: Sequence[FileState], output: BinaryIO) -> list[str]:
    """Write tensors of several files as one safetensors file, a piece at a time.

    Returns:
        the new names of those that have NaN or infinite numbers.
    """
    source_of = {new: (state.file, old) for state in states for old, new in state.names.items()}
    assert len(source_of) == sum(len(state.names) for state in states), "a name comes twice"
    specs = [
        TensorSpec(name=new, dtype=file.tensors[old].dtype, shape=file.tensors[old].shape)
        for new, (file, old) in source_of.items()
    ]
    writer = StateWriter(output, specs)
    non_finite = []
    for spec in writer.order:
        file, old = source_of[spec.name]
        watched = _Watched(spec.dtype)
        writer.write_pieces(spec.name, watched.through(file.pieces(old)))
        if not watched.is_finite:
            non_finite.append(spec.name)
    writer.finish()
    return non_finite


class _Watched:
    """Says of pieces that pass whether all their numbers are finite."""

    def __init__(self, dtype: str) -> None:
        self.is_finite = True
        self._check = finite_check(dtype)

    def through(self, pieces: Iterable[bytes | bytearray]) -> Iterator[bytes | bytearray]:
        for piece in pieces:
            self.is_finite = self.is_finite and self._check(piece)
            yield piece

"""A tensor file, whatever its format: names, dtypes and shapes, and the bytes of each tensor."""

import os
from collections.abc import Iterator, Mapping
from typing import Any, BinaryIO, Protocol

from catalog_service.blobs.safetensors_file import TensorEntry, TensorSpec, read_open_header
from catalog_service.reader.find_state import find_state
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

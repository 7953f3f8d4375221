"""A tensor file, whatever its format: names, dtypes and shapes, and the bytes of each tensor."""

import os
from collections.abc import Mapping
from pathlib import Path
from typing import Any, BinaryIO, Protocol

from catalog_service.blobs.safetensors_file import (
    StateWriter,
    TensorEntry,
    TensorSpec,
    read_header,
    read_tensor_bytes,
)
from catalog_service.reader.find_state import find_state
from catalog_service.reader.gather import tensor_bytes
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

    def read(self, name: str) -> bytes:
        """Return the row-major little-endian bytes of one tensor."""
        ...


class SafetensorsFile:
    """A safetensors file."""

    format = "safetensors"
    taken_from = ""
    ignored: tuple[str, ...] = ()

    def __init__(self, path: Path) -> None:
        self._path = path
        self._entries: dict[str, TensorEntry] = {e.name: e for e in read_header(path)}
        self.versions: Mapping[str, int] = {}
        self.tensors: Mapping[str, TensorSpec] = {
            name: TensorSpec(name=name, dtype=entry.dtype, shape=entry.shape)
            for name, entry in self._entries.items()
        }

    def read(self, name: str) -> bytes:
        """Return the bytes of one tensor."""
        return b"".join(read_tensor_bytes(self._path, self._entries[name]))


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

    def read(self, name: str) -> bytes:
        """Return the bytes of one tensor."""
        return tensor_bytes(self._descriptor, self._storages, self._state[name])

    def _check_size(self, file_bytes: int) -> None:
        total = sum(tensor.size_bytes for tensor in self.tensors.values())
        if total > EXPANSION_LIMIT * file_bytes + FREE_EXPANSION_BYTES:
            raise FileUnreadable(f"{file_bytes} bytes that would become {total} bytes of tensors")


def open_tensor_file(path: Path, file: BinaryIO) -> TensorFile:
    """Return the file's tensors; `file` is `path` opened, and must stay open.

    Raises:
        FileUnreadable, MalformedSafetensors: none of the formats, or a malformed file.
    """
    begin = file.read(64)
    file.seek(0)
    if begin.startswith((MAGIC_BYTES, b"PK\x03\x04")):
        return TorchFile(file, begin)
    if begin[8:9] == b"{":
        return SafetensorsFile(path)
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


def write_state(file: TensorFile, names: Mapping[str, str], output: BinaryIO) -> None:
    """Write the tensors of `names` (name in the file -> new name) as one safetensors file.

    Holds one tensor at a time.
    """
    source_of = {new: old for old, new in names.items()}
    specs = [
        TensorSpec(name=new, dtype=file.tensors[old].dtype, shape=file.tensors[old].shape)
        for new, old in source_of.items()
    ]
    writer = StateWriter(output, specs)
    for spec in writer.order:
        writer.write_tensor(spec.name, file.read(source_of[spec.name]))
    writer.finish()

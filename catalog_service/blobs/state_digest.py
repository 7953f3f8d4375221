"""What a state is known by: the digest of its names, dtypes, shapes and tensor bytes.

Two files with the same tensors have the same state digest, however their tensors are ordered.
"""

import hashlib
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path

from catalog_service.blobs.safetensors_file import (
    MAX_HEADER_BYTES,
    MalformedSafetensors,
    TensorEntry,
    read_header,
    read_tensor_bytes,
)


@dataclass(frozen=True, slots=True, kw_only=True)
class TensorDigest:
    """One tensor: `dtype` in safetensors' spelling (`F32`), `sha256` as 64 hex digits."""

    name: str
    dtype: str
    shape: tuple[int, ...]
    sha256: str


def tensor_digests(path: Path, *, max_header_bytes: int = MAX_HEADER_BYTES) -> list[TensorDigest]:
    """Return the digest of every tensor of a safetensors file, in file order.

    Args:
        max_header_bytes: as for `read_header`.

    Raises:
        MalformedSafetensors: not a sound safetensors file.
    """
    entries = read_header(path, max_header_bytes=max_header_bytes)
    return [_tensor_digest(path, entry) for entry in entries]


def state_digest(tensors: Iterable[TensorDigest]) -> str:
    """Return `sha256:<hex>` over sorted lines `name dtype shape sha256`, shape as `64,3,7,7`."""
    return _digest_of_lines(
        f"{layout_line(tensor.name, tensor.dtype, tensor.shape)} {tensor.sha256}"
        for tensor in tensors
    )


def layout_digest(tensors: Iterable[tuple[str, str, Sequence[int]]]) -> str:
    """Return `sha256:<hex>` over sorted lines `name dtype shape`: a state without its numbers."""
    return _digest_of_lines(layout_line(name, dtype, shape) for name, dtype, shape in tensors)


def layout_line(name: str, dtype: str, shape: Sequence[int]) -> str:
    """Return `name dtype shape`.

    Raises:
        MalformedSafetensors: white space in the name; the line could read as two.
    """
    if not name.isprintable() or " " in name:
        raise MalformedSafetensors(f"tensor name {name[:100]!r} contains white space")
    return f"{name} {dtype} {','.join(map(str, shape))}"


def _tensor_digest(path: Path, entry: TensorEntry) -> TensorDigest:
    hashed = hashlib.sha256()
    for piece in read_tensor_bytes(path, entry):
        hashed.update(piece)
    return TensorDigest(
        name=entry.name, dtype=entry.dtype, shape=entry.shape, sha256=hashed.hexdigest()
    )


def _digest_of_lines(lines: Iterable[str]) -> str:
    hashed = hashlib.sha256()
    for line in sorted(lines):
        hashed.update(f"{line}\n".encode())
    return f"sha256:{hashed.hexdigest()}"

"""Writes one safetensors file from tensors of several files, a piece at a time."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import BinaryIO

from catalog_service.blobs.safetensors_file import StateWriter, TensorSpec
from catalog_service.reader.finite_numbers import finite_check
from catalog_service.reader.gather import PIECE_BYTES
from catalog_service.reader.tensor_file import TensorFile
from catalog_service.reader.unreadable import FileUnreadable


@dataclass(frozen=True, slots=True, kw_only=True)
class FileState:
    """Tensors to take from a file.

    Attributes:
        names: name in the file -> name to write.
        cuts: name in the file -> names to write of its equal parts along the first dimension.
    """

    file: TensorFile
    names: Mapping[str, str]
    cuts: Mapping[str, Sequence[str]] = field(default_factory=dict)


@dataclass(frozen=True, slots=True, kw_only=True)
class _Part:
    """One tensor to write: all of a file's tensor, or one of its equal parts."""

    file: TensorFile
    name: str
    part: int = 0
    num_parts: int = 1

    def spec(self, new: str) -> TensorSpec:
        """Return what it is once it is written."""
        whole = self.file.tensors[self.name]
        if self.num_parts == 1:
            return TensorSpec(name=new, dtype=whole.dtype, shape=whole.shape)
        if not whole.shape or whole.shape[0] % self.num_parts:
            raise FileUnreadable(
                f"{self.name} {list(whole.shape)} is not {self.num_parts} equal parts"
            )
        shape = (whole.shape[0] // self.num_parts, *whole.shape[1:])
        return TensorSpec(name=new, dtype=whole.dtype, shape=shape)

    def pieces(self, size_bytes: int) -> Iterator[bytes | bytearray]:
        """Yield its bytes."""
        begin = self.part * size_bytes
        return _between(self.file.pieces(self.name), begin, begin + size_bytes)


def write_state(
    states: Sequence[FileState], zeros: Sequence[TensorSpec], output: BinaryIO
) -> list[str]:
    """Write tensors of several files, and some of zeros, as one safetensors file.

    Returns:
        the new names of those that have NaN or infinite numbers.

    Raises:
        FileUnreadable: a tensor cannot be cut into so many parts, or cannot be read.
    """
    parts = _parts(states)
    specs = {new: part.spec(new) for new, part in parts.items()}
    assert not specs.keys() & {zero.name for zero in zeros}, "zeros for what is there"
    writer = StateWriter(output, [*specs.values(), *zeros])
    non_finite = []
    for spec in writer.order:
        watched = _Watched(spec.dtype)
        part = parts.get(spec.name)
        pieces = part.pieces(spec.size_bytes) if part else _zeros(spec.size_bytes)
        writer.write_pieces(spec.name, watched.through(pieces))
        if not watched.is_finite:
            non_finite.append(spec.name)
    writer.finish()
    return non_finite


def _parts(states: Sequence[FileState]) -> dict[str, _Part]:
    found: dict[str, _Part] = {}
    for state in states:
        for old, new in state.names.items():
            assert new not in found, f"{new!r} comes twice"
            found[new] = _Part(file=state.file, name=old)
        for old, names in state.cuts.items():
            for number, new in enumerate(names):
                assert new not in found, f"{new!r} comes twice"
                found[new] = _Part(file=state.file, name=old, part=number, num_parts=len(names))
    return found


def _between(
    pieces: Iterable[bytes | bytearray], begin: int, end: int
) -> Iterator[bytes | bytearray]:
    """Yield bytes `begin` up to `end` of what comes in pieces."""
    position = 0
    for piece in pieces:
        if position >= end:
            return
        if position + len(piece) > begin:
            yield piece[max(begin - position, 0) : end - position]
        position += len(piece)


def _zeros(size_bytes: int) -> Iterator[bytes]:
    for begin in range(0, size_bytes, PIECE_BYTES):
        yield bytes(min(PIECE_BYTES, size_bytes - begin))


class _Watched:
    """Says of pieces that pass whether all their numbers are finite."""

    def __init__(self, dtype: str) -> None:
        self.is_finite = True
        self._check = finite_check(dtype)

    def through(self, pieces: Iterable[bytes | bytearray]) -> Iterator[bytes | bytearray]:
        """Yield the pieces."""
        for piece in pieces:
            self.is_finite = self.is_finite and self._check(piece)
            yield piece

"""The bytes of one tensor, contiguous and little-endian, from a view of a stored run of numbers.

They come in pieces: neither a large tensor nor a large storage is ever in memory as a whole.
"""

import itertools
import os
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Literal

from catalog_service.reader.pickled_values import ITEM_BYTES, TensorRef
from catalog_service.reader.unreadable import FileUnreadable

PIECE_BYTES = 1 << 20
"""Stored runs are handed on in pieces of this size; a multiple of every item's size."""

BLOCK_BYTES = 32 << 20
"""Views are put in order block by block. A transposed storage is read once for each block."""

SPAN_BYTES = 8 << 20
"""What a block is put together from is read in spans of at most this."""

_Code = Literal["B", "H", "I", "Q"]
_CODES: Mapping[int, _Code] = {1: "B", 2: "H", 4: "I", 8: "Q"}


@dataclass(frozen=True, slots=True, kw_only=True)
class _View:
    """Part of a tensor: where its first number is in the storage, and how to step from there."""

    first: int
    shape: tuple[int, ...]
    steps: tuple[int, ...]

    @property
    def num_items(self) -> int:
        total = 1
        for size in self.shape:
            total *= size
        return total

    @property
    def span(self) -> int:
        """How many items lie between the first and the last number, both included."""
        return 1 + sum((n - 1) * step for n, step in zip(self.shape, self.steps, strict=True))

    def halves(self, axis: int) -> tuple["_View", "_View", int]:
        """Return both halves along an axis, and where the second begins."""
        middle = self.shape[axis] // 2
        lower = (*self.shape[:axis], middle, *self.shape[axis + 1 :])
        upper = (*self.shape[:axis], self.shape[axis] - middle, *self.shape[axis + 1 :])
        second = replace(self, first=self.first + middle * self.steps[axis], shape=upper)
        return replace(self, shape=lower), second, middle


@dataclass(frozen=True, slots=True, kw_only=True)
class _Target:
    """Where a part's numbers go in a block, in items."""

    block: memoryview
    first: int
    steps: tuple[int, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class _Stored:
    """A storage's bytes in the file, from a tensor's first number on."""

    descriptor: int
    position: int
    item_bytes: int

    def read(self, first: int, count: int) -> bytes:
        """Return items."""
        return read_at(
            self.descriptor, self.position + first * self.item_bytes, count * self.item_bytes
        )


def tensor_pieces(
    descriptor: int, storages: Mapping[str, tuple[int, int]], tensor: TensorRef
) -> Iterator[bytes | bytearray]:
    """Yield the tensor's numbers in row-major order; every piece is whole numbers.

    Args:
        descriptor: of the file; read at positions, never mapped.
        storages: key -> (first byte, number of bytes).

    Raises:
        FileUnreadable: the storage is not in the file, too short, or cut.
    """
    if tensor.num_items == 0:
        return
    stored = _stored(descriptor, storages, tensor)
    view = _View(first=0, shape=tensor.shape, steps=tensor.stride)
    if _is_contiguous(view):
        yield from read_run(descriptor, stored.position, tensor.num_items * stored.item_bytes)
        return
    for block in _blocks(view, BLOCK_BYTES // stored.item_bytes):
        yield _gathered(stored, block)


def read_run(descriptor: int, position: int, count: int) -> Iterator[bytes]:
    """Yield `count` bytes of a file in pieces."""
    for begin in range(0, count, PIECE_BYTES):
        yield read_at(descriptor, position + begin, min(PIECE_BYTES, count - begin))


def read_at(descriptor: int, position: int, count: int) -> bytes:
    """Return `count` bytes of a file.

    Raises:
        FileUnreadable: it ends before.
    """
    pieces = []
    while count > 0:
        piece = os.pread(descriptor, count, position)
        if not piece:
            raise FileUnreadable("the file is cut")
        pieces.append(piece)
        position, count = position + len(piece), count - len(piece)
    return pieces[0] if len(pieces) == 1 else b"".join(pieces)


def _stored(descriptor: int, storages: Mapping[str, tuple[int, int]], tensor: TensorRef) -> _Stored:
    key, item_bytes = tensor.storage.key, ITEM_BYTES[tensor.dtype]
    if key not in storages:
        raise FileUnreadable(f"storage {key!r} is not in the file"[:200])
    first_byte, num_bytes = storages[key]
    begin = tensor.storage.first_item * _unit(tensor) + tensor.offset * item_bytes
    if begin + tensor.span * item_bytes > num_bytes:
        raise FileUnreadable(f"storage {key!r} is shorter than announced"[:200])
    return _Stored(descriptor=descriptor, position=first_byte + begin, item_bytes=item_bytes)


def _unit(tensor: TensorRef) -> int:
    dtype = tensor.storage.dtype
    return 1 if dtype is None else ITEM_BYTES[dtype]


def _is_contiguous(view: _View) -> bool:
    expected = 1
    for size, step in zip(reversed(view.shape), reversed(view.steps), strict=True):
        if size != 1 and step != expected:
            return False
        expected *= size
    return True


def _blocks(view: _View, max_items: int) -> Iterator[_View]:
    """Yield parts that follow each other in row-major order: halves along the first long side."""
    if view.num_items <= max_items:
        yield view
        return
    axis = next(axis for axis, size in enumerate(view.shape) if size > 1)
    lower, upper, _ = view.halves(axis)
    yield from _blocks(lower, max_items)
    yield from _blocks(upper, max_items)


def _gathered(stored: _Stored, view: _View) -> bytearray:
    steps = [1] * len(view.shape)
    for axis in range(len(steps) - 2, -1, -1):
        steps[axis] = steps[axis + 1] * view.shape[axis + 1]
    out = bytearray(view.num_items * stored.item_bytes)
    block = memoryview(out).cast(_CODES[stored.item_bytes])
    _fill(stored, view, _Target(block=block, first=0, steps=tuple(steps)))
    return out


def _fill(stored: _Stored, view: _View, target: _Target) -> None:
    """Read the view's span where it is short; else halve it along its longest step."""
    if view.span * stored.item_bytes <= SPAN_BYTES:
        span = stored.read(view.first, view.span)
        _copy(memoryview(span).cast(_CODES[stored.item_bytes]), view, target)
        return
    axis = max(
        (axis for axis, size in enumerate(view.shape) if size > 1), key=view.steps.__getitem__
    )
    lower, upper, middle = view.halves(axis)
    _fill(stored, lower, target)
    _fill(stored, upper, replace(target, first=target.first + middle * target.steps[axis]))


def _copy(span: memoryview, view: _View, target: _Target) -> None:
    """Copy run by run along the longest side, so that few runs do most of the work."""
    sizes, reads, writes = list(view.shape), list(view.steps), list(target.steps)
    inner = max(range(len(sizes)), key=lambda axis: (reads[axis] > 0, sizes[axis]))
    size, read, write = sizes.pop(inner), reads.pop(inner), writes.pop(inner)
    for index in itertools.product(*map(range, sizes)):
        i, o = _sum(index, reads), target.first + _sum(index, writes)
        if read:
            run = span[i : i + (size - 1) * read + 1 : read]
        else:  # expanded: one number, `size` times
            run = memoryview(bytes(span[i : i + 1]) * size).cast(_CODES[span.itemsize])
        target.block[o : o + (size - 1) * write + 1 : write] = run


def _sum(index: Sequence[int], steps: Sequence[int]) -> int:
    return sum(map(int.__mul__, index, steps))

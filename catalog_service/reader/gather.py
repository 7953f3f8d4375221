"""The bytes of one tensor, contiguous and little-endian, from a view of a stored run of numbers."""

import itertools
import os
from typing import Literal

from catalog_service.reader.pickled_values import ITEM_BYTES, TensorRef
from catalog_service.reader.unreadable import FileUnreadable

_Code = Literal["B", "H", "I", "Q"]
_CODES: dict[int, _Code] = {1: "B", 2: "H", 4: "I", 8: "Q"}


def tensor_bytes(descriptor: int, storages: dict[str, tuple[int, int]], tensor: TensorRef) -> bytes:
    """Return the tensor's numbers in row-major order.

    Args:
        descriptor: of the file; read at positions, never mapped.
        storages: key -> (first byte, number of bytes).

    Raises:
        FileUnreadable: the storage is not in the file, too short, or cut.
    """
    if tensor.num_items == 0:
        return b""
    item_bytes = ITEM_BYTES[tensor.dtype]
    first_byte, num_bytes = _place(storages, tensor)
    begin = tensor.storage.first_item * _unit(tensor) + tensor.offset * item_bytes
    if begin + tensor.span * item_bytes > num_bytes:
        raise FileUnreadable(f"storage {tensor.storage.key!r} is shorter than announced")
    span = _read(descriptor, first_byte + begin, tensor.span * item_bytes)
    if _is_contiguous(tensor):
        return span
    return _row_major(span, tensor, item_bytes)


def _place(storages: dict[str, tuple[int, int]], tensor: TensorRef) -> tuple[int, int]:
    key = tensor.storage.key
    if key not in storages:
        raise FileUnreadable(f"storage {key!r} is not in the file"[:200])
    return storages[key]


def _unit(tensor: TensorRef) -> int:
    dtype = tensor.storage.dtype
    return 1 if dtype is None else ITEM_BYTES[dtype]


def _read(descriptor: int, position: int, count: int) -> bytes:
    pieces = []
    while count > 0:
        piece = os.pread(descriptor, min(count, 1 << 30), position)
        if not piece:
            raise FileUnreadable("the file is cut")
        pieces.append(piece)
        position, count = position + len(piece), count - len(piece)
    return pieces[0] if len(pieces) == 1 else b"".join(pieces)


def _is_contiguous(tensor: TensorRef) -> bool:
    expected = 1
    for size, step in zip(reversed(tensor.shape), reversed(tensor.stride), strict=True):
        if size != 1 and step != expected:
            return False
        expected *= size
    return True


def _row_major(span: bytes, tensor: TensorRef, item_bytes: int) -> bytes:
    """Copy run by run along the longest dimension, so that few runs do most of the work."""
    code = _CODES[item_bytes]
    out = bytearray(tensor.num_items * item_bytes)
    target, source = memoryview(out).cast(code), memoryview(span).cast(code)
    sizes, source_steps = list(tensor.shape), list(tensor.stride)
    target_steps = [1] * len(sizes)
    for axis in range(len(sizes) - 2, -1, -1):
        target_steps[axis] = target_steps[axis + 1] * sizes[axis + 1]
    inner = max(range(len(sizes)), key=lambda axis: (source_steps[axis] > 0, sizes[axis]))
    size, read, write = sizes.pop(inner), source_steps.pop(inner), target_steps.pop(inner)
    for index in itertools.product(*map(range, sizes)):
        i = sum(map(int.__mul__, index, source_steps))
        o = sum(map(int.__mul__, index, target_steps))
        if read:
            run = source[i : i + (size - 1) * read + 1 : read]
        else:  # expanded: one number, `size` times
            run = memoryview(span[i * item_bytes : (i + 1) * item_bytes] * size).cast(code)
        target[o : o + (size - 1) * write + 1 : write] = run
    return bytes(out)

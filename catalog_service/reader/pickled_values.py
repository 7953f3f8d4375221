"""What a pickle holds once it is read as data: plain values, tensors by reference, inert rest."""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from catalog_service.reader.unreadable import FileUnreadable

MAX_DIMENSIONS = 64
"""As in torch."""

STORAGE_DTYPES: Mapping[str, str] = {
    "DoubleStorage": "F64",
    "FloatStorage": "F32",
    "HalfStorage": "F16",
    "BFloat16Storage": "BF16",
    "LongStorage": "I64",
    "IntStorage": "I32",
    "ShortStorage": "I16",
    "CharStorage": "I8",
    "ByteStorage": "U8",
    "BoolStorage": "BOOL",
    "ComplexFloatStorage": "C64",
}
"""Torch's typed storages in safetensors' spelling.

Source: torch/storage.py, `_dtype_to_storage_type_map`.
"""

TORCH_DTYPES: Mapping[str, str] = {
    "float64": "F64",
    "float32": "F32",
    "float16": "F16",
    "bfloat16": "BF16",
    "int64": "I64",
    "int32": "I32",
    "int16": "I16",
    "int8": "I8",
    "uint8": "U8",
    "uint16": "U16",
    "uint32": "U32",
    "uint64": "U64",
    "bool": "BOOL",
    "complex64": "C64",
    "float8_e4m3fn": "F8_E4M3",
    "float8_e5m2": "F8_E5M2",
}
"""Torch's dtypes in safetensors' spelling. Source: safetensors/torch.py, `_TYPES`."""

ITEM_BYTES: Mapping[str, int] = {
    **dict.fromkeys(("F64", "I64", "U64", "C64"), 8),
    **dict.fromkeys(("F32", "I32", "U32"), 4),
    **dict.fromkeys(("F16", "BF16", "I16", "U16"), 2),
    **dict.fromkeys(("I8", "U8", "BOOL", "F8_E4M3", "F8_E5M2"), 1),
}


@dataclass(frozen=True, slots=True)
class Name:
    """A module and an attribute that a pickle names. Never imported."""

    module: str
    attribute: str

    def __str__(self) -> str:
        return f"{self.module}.{self.attribute}"


@dataclass(eq=False, slots=True)
class Ignored:
    """An object that only running foreign code could make; kept as its type's name."""

    type_name: str


@dataclass(eq=False, slots=True)
class PickledMapping:
    """A dict or OrderedDict, with the attributes that were set on it (`_metadata`)."""

    items: dict[Any, Any] = field(default_factory=dict)
    attributes: dict[Any, Any] = field(default_factory=dict)


@dataclass(frozen=True, slots=True, kw_only=True)
class StorageRef:
    """A run of numbers somewhere in the file.

    Attributes:
        dtype: None for an untyped storage, whose `num_items` are bytes.
        first_item: where this storage begins inside the one stored under `key`.
    """

    key: str
    dtype: str | None
    num_items: int
    first_item: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class TensorRef:
    """A tensor as a view of a storage; `offset` and `stride` count items."""

    storage: StorageRef
    dtype: str
    offset: int
    shape: tuple[int, ...]
    stride: tuple[int, ...]

    @property
    def num_items(self) -> int:
        """How many numbers the tensor has."""
        return math.prod(self.shape)

    @property
    def span(self) -> int:
        """How many items of the storage lie between its first and last number, both included."""
        if self.num_items == 0:
            return 0
        return 1 + sum((n - 1) * step for n, step in zip(self.shape, self.stride, strict=True))


def tensor_ref(view: Sequence[Any], dtype: str | None) -> TensorRef:
    """Return a checked tensor.

    Args:
        view: begins with storage, offset, shape and stride.
        dtype: None for the storage's own.

    Raises:
        FileUnreadable: not a storage, not whole numbers, or a view beyond its storage.
    """
    storage, offset, shape, stride = view[:4]
    if not isinstance(storage, StorageRef) or not _are_counts((offset,)):
        raise FileUnreadable("a tensor without a storage")
    if not (_are_counts(shape) and _are_counts(stride) and len(shape) == len(stride)):
        raise FileUnreadable(f"a tensor with shape {shape!r} and stride {stride!r}"[:200])
    resolved = dtype or storage.dtype
    if resolved is None:
        raise FileUnreadable("a tensor on an untyped storage without a dtype")
    tensor = TensorRef(
        storage=storage, dtype=resolved, offset=offset, shape=tuple(shape), stride=tuple(stride)
    )
    available = storage.num_items
    if storage.dtype is None:
        available //= ITEM_BYTES[resolved]
    if tensor.num_items and tensor.offset + tensor.span > available:
        raise FileUnreadable(f"a tensor of shape {list(shape)} reaches beyond its storage")
    return tensor


def _are_counts(values: Any) -> bool:
    if not isinstance(values, tuple | list) or len(values) > MAX_DIMENSIONS:
        return False
    return all(type(value) is int and 0 <= value < 2**62 for value in values)

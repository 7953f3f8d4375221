"""Writes tensors as one safetensors file, one tensor in memory at a time. Imports torch."""

import ctypes
from pathlib import Path

from torch import Tensor

from catalog_service.blobs.disk import naming_disk_errors
from catalog_service.blobs.safetensors_file import (
    ALIGNED_BYTES,
    TensorSpec,
    aligned_order,
    header_bytes,
)
from catalog_service.models.dtypes import spelling_of
from catalog_service.models.fitting import State


def write_state(path: Path, state: State) -> None:
    """Write `state` to `path`, so that its tensors can be used where the file is mapped.

    The same state always gives the same bytes.

    Raises:
        DiskFull: no room; what was written is worthless.
    """
    order = aligned_order(
        [
            TensorSpec(name=name, dtype=spelling_of(tensor.dtype), shape=tuple(tensor.shape))
            for name, tensor in state.items()
        ]
    )
    with naming_disk_errors("write a state"), path.open("wb") as file:
        file.write(header_bytes(order, align_bytes=ALIGNED_BYTES))
        for spec in order:
            tensor = state[spec.name].detach().contiguous()
            file.write(_bytes_of(tensor))


def _bytes_of(tensor: Tensor) -> memoryview:
    """Return the tensor's own memory, valid as long as the tensor lives."""
    if tensor.nbytes == 0:
        return memoryview(b"")
    return memoryview((ctypes.c_ubyte * tensor.nbytes).from_address(tensor.data_ptr())).cast("B")

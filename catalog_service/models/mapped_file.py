"""The tensors of a safetensors file where the file lies: mapped, not read. Imports torch."""

from collections.abc import Collection, Sequence
from pathlib import Path

import torch
from torch import Tensor

from catalog_service.blobs.safetensors_file import ALIGNED_BYTES, TensorEntry, read_header
from catalog_service.models.dtypes import TORCH_DTYPES


def map_tensors(path: Path) -> dict[str, Tensor]:
    """Return a safetensors file's tensors, mapped privately: written pages are copies.

    Raises:
        MalformedSafetensors: not a sound safetensors file.
    """
    return map_entries(path, read_header(path))


def map_entries(path: Path, entries: Collection[TensorEntry]) -> dict[str, Tensor]:
    """Return some of a safetensors file's tensors, as `map_tensors` does."""
    if not entries:
        return {}
    size_bytes = max(entry.end for entry in entries)
    whole = torch.from_file(str(path), shared=False, size=size_bytes, dtype=torch.uint8)
    return {entry.name: _tensor(whole, entry) for entry in entries}


def _tensor(whole: Tensor, entry: TensorEntry) -> Tensor:
    """Return a tensor of the file's own memory, or a copy where it does not begin as torch's own
    do: sums are cut into other parts there, and round otherwise.

    No view of `whole`: views have one version, so a step on one tensor would make autograd refuse
    all others. And a storage of its own, which keeps the mapping alive: `torch.save` refuses a
    storage with tensors of two types, and safetensors tensors that share one.
    """
    dtype = TORCH_DTYPES[entry.dtype]
    if entry.begin % ALIGNED_BYTES:
        return whole[entry.begin : entry.end].clone().view(dtype).view(entry.shape)
    storage = whole.untyped_storage()[entry.begin : entry.end]
    return torch.empty(0, dtype=dtype).set_(storage, 0, entry.shape, _strides(entry.shape))


def _strides(shape: Sequence[int]) -> list[int]:
    """Return the strides of a contiguous tensor."""
    strides, step = [], 1
    for size in reversed(shape):
        strides.append(step)
        step *= max(size, 1)
    return strides[::-1]

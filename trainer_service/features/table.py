"""Kept tensors, a row for each image. Every image's numbers lie as the model made them."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor

Rows = npt.NDArray[np.int64]


@dataclass(frozen=True, slots=True, kw_only=True)
class Form:
    """What a row is: one image's tensor."""

    sizes: tuple[int, ...]
    strides: tuple[int, ...]
    """Of its numbers, without gaps: a convolution adds up in another order in another layout."""
    dtype: torch.dtype

    @property
    def num_elements(self) -> int:
        """Return how many numbers a row has."""
        return int(np.prod(self.sizes, dtype=np.int64))

    @property
    def num_bytes(self) -> int:
        """Return how large a row is."""
        return self.num_elements * self.dtype.itemsize


def form_of(tensor: Tensor) -> Form:
    """Return the form of the rows of a tensor, images first."""
    sizes = tuple(tensor.shape[1:])
    strides = _without_gaps(sizes, tensor.stride()[1:])
    return Form(sizes=sizes, strides=strides, dtype=tensor.dtype)


def _without_gaps(sizes: Sequence[int], strides: Sequence[int]) -> tuple[int, ...]:
    """Return strides of the same order of dimensions, as near as they can be."""
    found, step = [0] * len(sizes), 1
    for dim in sorted(range(len(sizes)), key=lambda dim: (strides[dim], -dim)):
        found[dim] = step
        step *= sizes[dim]
    return tuple(found)


@dataclass(frozen=True, slots=True, kw_only=True)
class Table:
    """Rows of one form."""

    form: Form
    rows: Tensor
    """[N, number of elements]; in memory, or a mapped file."""

    def put(self, start: int, tensor: Tensor) -> None:
        """Write rows from `start` on; tensor: [B, ...], images first."""
        count = len(tensor)
        self._shaped(self.rows[start : start + count]).copy_(tensor)

    def get(self, rows: Rows, device: torch.device) -> Tensor:
        """Return [B, ...] on a device, as the model made them."""
        chosen = torch.from_numpy(rows).to(self.rows.device)
        found = self.rows.index_select(0, chosen).to(device)
        return self._shaped(found)

    def on(self, device: torch.device) -> "Table":
        """Return the same on a device."""
        return Table(form=self.form, rows=self.rows.to(device))

    def _shaped(self, rows: Tensor) -> Tensor:
        sizes = (len(rows), *self.form.sizes)
        return rows.as_strided(sizes, (self.form.num_elements, *self.form.strides))

"""Rows come back as the model made them: numbers, sizes and layout."""

import numpy as np
import pytest
import torch
from torch import Tensor

from trainer_service.features.table import Table, form_of

CPU = torch.device("cpu")


def channels_last() -> Tensor:
    return torch.rand(5, 3, 2, 4).contiguous(memory_format=torch.channels_last)


@pytest.mark.parametrize(
    "tensor",
    [
        torch.rand(5, 7),
        torch.rand(5, 3, 2, 4),
        channels_last(),
        torch.rand(5, 3, 1, 1).contiguous(memory_format=torch.channels_last),
        torch.rand(5, 6, 4).transpose(1, 2),
        torch.rand(5, 4).to(torch.bfloat16),
        torch.arange(5),
    ],
    ids=["vector", "map", "channels last", "one pixel", "transposed", "bf16", "scalars"],
)
def test_rows_keep_their_layout(tensor: Tensor) -> None:
    table = filled(tensor)

    found = table.get(np.array([3, 0]), CPU)

    assert torch.equal(found, tensor[[3, 0]])
    assert found.stride()[1:] == tensor.stride()[1:]
    assert found.dtype == tensor.dtype


def test_gaps_between_numbers_are_not_kept() -> None:
    """A class token is a slice of all tokens."""
    tensor = torch.rand(5, 9, 4)[:, 0]

    table = filled(tensor)

    assert torch.equal(table.get(np.array([4, 1]), CPU), tensor[[4, 1]])
    assert table.form.num_bytes == 4 * 4


def test_every_second_number_is_no_gap_that_is_kept() -> None:
    tensor = torch.rand(5, 3, 8)[:, :, ::2].transpose(1, 2)

    found = filled(tensor).get(np.arange(5), CPU)

    assert torch.equal(found, tensor)
    assert found.stride() == (12, 1, 4)


def filled(tensor: Tensor) -> Table:
    form = form_of(tensor)
    table = Table(form=form, rows=torch.empty(len(tensor), form.num_elements, dtype=form.dtype))
    table.put(0, tensor[:2])
    table.put(2, tensor[2:])
    return table

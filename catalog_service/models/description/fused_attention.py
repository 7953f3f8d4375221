"""Attention that keeps for its backward pass what the fused kernels keep. Imports torch.

On the meta device torch takes attention apart and keeps the whole matrix of every head, which no
real training does: from 500 px on that is most of a transformer's memory.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import torch
from torch import Tensor
from torch.nn import functional


class _FusedAttention(torch.autograd.Function):
    """Shapes only: output [..., L, E], kept with query, key, value and one number a row. Like the
    kernels', the output lies in memory as the query does, so that no copy follows.

    Source: torch.ops.aten._scaled_dot_product_flash_attention_for_cpu and its CUDA likes.
    """

    @staticmethod
    def forward(ctx: Any, query: Tensor, key: Tensor, value: Tensor) -> Tensor:
        """Return the output, without numbers."""
        output = torch.empty_like(query)
        sums = query.new_empty(query.shape[:-1], dtype=torch.float32)
        ctx.save_for_backward(query, key, value, output, sums)
        return output


@contextmanager
def fused_attention() -> Iterator[None]:
    """Have `scaled_dot_product_attention` keep what fused kernels keep, until the block ends.

    Not for two threads at once: a worker does one order at a time.
    """
    original = functional.scaled_dot_product_attention

    def attention(query: Tensor, key: Tensor, value: Tensor, *_: Any, **__: Any) -> Tensor:
        output: Tensor = _FusedAttention.apply(query, key, value)
        return output

    functional.scaled_dot_product_attention = attention
    try:
        yield
    finally:
        functional.scaled_dot_product_attention = original

"""Ranks that are threads of this process: they meet at a barrier instead of a network."""

import threading
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import TypeVar

import torch
from torch import Tensor

from trainer_service.datasets.part import Part
from trainer_service.train.ranks import Ranks

Answer = TypeVar("Answer")

HANG_S = 120.0
"""Only a rank that never comes takes so long."""


class _Meeting:
    """Where all put something on the table, look, and leave."""

    def __init__(self, num_ranks: int) -> None:
        self.barrier = threading.Barrier(num_ranks, timeout=HANG_S)
        self._table: list[object] = [None] * num_ranks

    def all_of(self, rank: int, what: Answer) -> list[Answer]:
        """Return what every rank put there."""
        self._table[rank] = what
        self.barrier.wait()
        everything = list(self._table)
        self.barrier.wait()
        return everything  # type: ignore[return-value]


class ThreadedExchange:
    """One rank's side of the table; counts what it was asked for."""

    def __init__(self, rank: int, meeting: _Meeting) -> None:
        self._rank = rank
        self._meeting = meeting
        self.num_sums = 0

    def add_up(self, tensor: Tensor) -> None:
        """Let the tensor be the sum of all ranks'."""
        self.num_sums += 1
        everything = self._meeting.all_of(self._rank, tensor.clone())
        assert len({(each.shape, each.dtype) for each in everything}) == 1, "ranks do not agree"
        tensor.copy_(torch.stack(everything).sum(0))

    def copy_first(self, tensor: Tensor) -> None:
        """Let the tensor be the first rank's."""
        tensor.copy_(self._meeting.all_of(self._rank, tensor.clone())[0])

    def collect(self, data: bytes) -> Sequence[bytes]:
        """Return what every rank said, to the first one."""
        everything = self._meeting.all_of(self._rank, data)
        return () if self._rank else everything

    def of_first(self, data: bytes) -> bytes:
        """Return what the first rank said."""
        return self._meeting.all_of(self._rank, data)[0]

    def leave(self) -> None:
        """Wait for all."""
        self._meeting.barrier.wait()


def on_ranks(num_ranks: int, work: Callable[[Ranks], Answer]) -> list[Answer]:
    """Return what each rank's work returned, in their order; raise what the first failed one did.

    A rank that fails leaves the others waiting: they fail, too.
    """
    meeting = _Meeting(num_ranks)
    failures: list[BaseException] = []

    def one(rank: int) -> Answer:
        ranks = Ranks(Part(rank=rank, num_ranks=num_ranks), ThreadedExchange(rank, meeting))
        try:
            return work(ranks)
        except BaseException as error:
            failures.append(error)
            meeting.barrier.abort()
            raise

    with ThreadPoolExecutor(num_ranks, thread_name_prefix="rank") as pool:
        futures = [pool.submit(one, rank) for rank in range(num_ranks)]
    if failures:
        raise failures[0]
    return [future.result() for future in futures]

"""Ranks that find each other: torch.distributed, gloo between processors and NCCL between GPUs.

Small things go by gloo on every machine: NCCL would have the device wait for them. How long a rank
may wait for the others is not decided here: whoever watches over the attempt sees whether it moves.
"""

import os
import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from datetime import timedelta

import torch
import torch.distributed as dist
from torch import Tensor

from trainer_service.datasets.part import WHOLE, Part
from trainer_service.errors import RankLost
from trainer_service.rank_place import LOOPBACK, RankPlace
from trainer_service.train.exchange import Alone
from trainer_service.train.ranks import Ranks

BACKENDS = {"cpu": "gloo", "cuda": "cpu:gloo,cuda:nccl"}
MEETING_S = 600.0
"""Until all are there: some hosts import torch from a slow disk."""
PATIENCE = timedelta(days=7)
"""Nothing that a rank waits for takes so long: a data check, an export, a pass on another rank."""
LOOPBACK_INTERFACES = {"linux": "lo", "darwin": "lo0"}


def join(place: RankPlace | None, device: torch.device) -> Ranks:
    """Return all ranks when they have found each other; None is alone.

    Raises:
        RankLost: they did not come.
    """
    if place is None or place.num_ranks == 1:
        return Ranks(WHOLE, Alone(), device)
    _meet(place, device)
    return Ranks(Part(rank=place.rank, num_ranks=place.num_ranks), _Distributed(place), device)


def _meet(place: RankPlace, device: torch.device) -> None:
    if place.master_address == LOOPBACK and sys.platform in LOOPBACK_INTERFACES:
        # Otherwise gloo looks up the host's name, which many a container does not know.
        os.environ.setdefault("GLOO_SOCKET_IFNAME", LOOPBACK_INTERFACES[sys.platform])
    try:
        store = dist.TCPStore(  # type: ignore[attr-defined]  # public, not declared
            place.master_address,
            place.master_port,
            place.num_ranks,
            is_master=place.rank == 0,
            timeout=timedelta(seconds=MEETING_S),
            wait_for_workers=False,
            master_listen_fd=place.listener if place.listener >= 0 else None,
        )
        dist.init_process_group(
            BACKENDS[device.type],
            store=store,
            rank=place.rank,
            world_size=place.num_ranks,
            timeout=PATIENCE,
        )
    except (RuntimeError, ValueError) as error:
        raise RankLost(
            f"{place.num_ranks} ranks were to meet at {place.master_address}:{place.master_port};"
            f" rank {place.rank} met not all of them: {error}"
        ) from error


class _Distributed:
    """What ranks tell each other, by torch.distributed."""

    def __init__(self, place: RankPlace) -> None:
        self._place = place

    def add_up(self, tensor: Tensor) -> None:
        """Let the tensor be the sum of all ranks'."""
        with self._together():
            dist.all_reduce(tensor)

    def copy_first(self, tensor: Tensor) -> None:
        """Let the tensor be the first rank's."""
        with self._together():
            dist.broadcast(tensor, 0)

    def collect(self, data: bytes) -> Sequence[bytes]:
        """Return what every rank said to the first one."""
        with self._together():
            if self._place.rank:
                dist.send(torch.tensor([len(data)]), 0)
                dist.send(_row(data), 0)
                return ()
            return (data, *(_received(rank) for rank in range(1, self._place.num_ranks)))

    def of_first(self, data: bytes) -> bytes:
        """Return what the first rank said."""
        with self._together():
            size = torch.tensor([len(data)])
            dist.broadcast(size, 0)
            if not int(size):
                return b""
            row = _row(data) if self._place.rank == 0 else _empty(int(size))
            dist.broadcast(row, 0)
            return row.numpy().tobytes()

    def leave(self) -> None:
        """Return when all are here; then nobody hears of anybody any more."""
        with self._together():
            dist.barrier()
            dist.destroy_process_group()

    @contextmanager
    def _together(self) -> Iterator[None]:
        try:
            yield
        except torch.OutOfMemoryError:
            raise
        except RuntimeError as error:
            raise RankLost(
                f"rank {self._place.rank} of {self._place.num_ranks} lost another one: {error}"
            ) from error


def _row(data: bytes) -> Tensor:
    return torch.frombuffer(bytearray(data), dtype=torch.uint8)


def _empty(size: int) -> Tensor:
    return torch.empty(size, dtype=torch.uint8)


def _received(rank: int) -> bytes:
    size = torch.zeros(1, dtype=torch.int64)
    dist.recv(size, rank)
    row = _empty(int(size))
    dist.recv(row, rank)
    return row.numpy().tobytes()

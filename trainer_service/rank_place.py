"""Where one of several processes that train together stands: torchrun's contract, as a value.

Whoever starts ranks (the worker itself, Ray, torchrun) puts these variables into their environment.

Source: torch.distributed.run, "Environment Variables".
"""

import socket
from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path

from catalog_service.errors import InvalidRequest

RANK_VARIABLES = ("RANK", "LOCAL_RANK", "WORLD_SIZE", "MASTER_ADDR", "MASTER_PORT")
LOOPBACK = "127.0.0.1"


@dataclass(frozen=True, slots=True, kw_only=True)
class RankPlace:
    """One rank's place among all."""

    rank: int
    local_rank: int
    """Which of the visible devices of its host is its own."""
    num_ranks: int
    master_address: str
    """Where rank 0 waits for the others."""
    master_port: int
    listener: int = -1
    """A socket of this process that listens there already; -1 opens one."""

    @classmethod
    def from_environment(cls, environment: Mapping[str, str]) -> "RankPlace | None":
        """Return the place that the environment names; None where it names none.

        Raises:
            InvalidRequest: it names half a place.
        """
        if "RANK" not in environment:
            return None
        try:
            rank, local_rank, num_ranks = (
                int(environment[name]) for name in ("RANK", "LOCAL_RANK", "WORLD_SIZE")
            )
            address, port = environment["MASTER_ADDR"], int(environment["MASTER_PORT"])
        except (KeyError, ValueError) as error:
            named = {name: environment.get(name) for name in RANK_VARIABLES}
            raise InvalidRequest(
                f"RANK is set, so the place of a rank is read from the environment, and {named}"
                f" is none ({error}): set all of {', '.join(RANK_VARIABLES)}, or none"
            ) from error
        return cls(
            rank=rank,
            local_rank=local_rank,
            num_ranks=num_ranks,
            master_address=address,
            master_port=port,
        )

    def environment(self) -> dict[str, str]:
        """Return the variables that name this place."""
        values = (
            self.rank,
            self.local_rank,
            self.num_ranks,
            self.master_address,
            self.master_port,
        )
        return {name: str(value) for name, value in zip(RANK_VARIABLES, values, strict=True)}

    def of_rank(self, rank: int) -> "RankPlace":
        """Return the place of another rank on the same host."""
        return replace(self, rank=rank, local_rank=rank, listener=-1)


def first_place(num_ranks: int) -> RankPlace:
    """Return the place of rank 0 of ranks on this host. It listens from now on, to this host alone:
    nobody can take the port meanwhile, and others may come before it looks.
    """
    listener = socket.create_server((LOOPBACK, 0), backlog=max(num_ranks, 128))
    port: int = listener.getsockname()[1]
    return RankPlace(
        rank=0,
        local_rank=0,
        num_ranks=num_ranks,
        master_address=LOOPBACK,
        master_port=port,
        listener=listener.detach(),
    )


def part_done_file(folder: Path, rank: int) -> Path:
    """Return what is there once a rank has done its part: how its process ends then, while the
    first one exports, changes nothing.
    """
    return folder / f"rank-{rank}.over"

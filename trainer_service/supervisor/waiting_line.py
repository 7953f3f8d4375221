"""Which waiting jobs start now, given what is free: a function of values."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol

from trainer_service.jobs.run_spec import EngineName


class WaitingJob(Protocol):
    """What the queue says of a job."""

    @property
    def job_id(self) -> str:
        """Return its id."""
        ...

    @property
    def num_devices(self) -> int:
        """Return how many train together."""
        ...

    @property
    def engine(self) -> EngineName:
        """Return what is to run it."""
        ...


@dataclass(frozen=True, slots=True, kw_only=True)
class Room:
    """What this host has for jobs that wait."""

    num_devices: int
    num_free_devices: int
    num_free_remote: int = 0
    """How many more jobs may run on a cluster, which has devices of its own."""
    engines: frozenset[EngineName] = frozenset({"process"})

    def has_any_for(self, engine: EngineName) -> bool:
        """Return whether a small job for this engine could start."""
        is_local = engine == "process"
        return (self.num_free_devices if is_local else self.num_free_remote) > 0


def jobs_to_start(waiting: Sequence[WaitingJob], room: Room) -> list[str]:
    """Return the jobs that start now, in order.

    The first one that waits for devices of this host gets them before all others: those behind it
    do not pass, even where they would fit, or a job for many devices would wait for ever. A job
    for more devices than this host has is another host's.

    Args:
        waiting: in the order of the queue.
    """
    chosen: list[str] = []
    num_free, num_free_remote = room.num_free_devices, room.num_free_remote
    is_blocked = False
    for job in waiting:
        if job.engine not in room.engines:
            continue
        if job.engine != "process":
            if num_free_remote > 0:
                num_free_remote -= 1
                chosen.append(job.job_id)
            continue
        if is_blocked or job.num_devices > room.num_devices:
            continue
        if job.num_devices <= num_free:
            num_free -= job.num_devices
            chosen.append(job.job_id)
        else:
            is_blocked = True
    return chosen

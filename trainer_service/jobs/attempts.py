"""How attempts end, and what follows: one table."""

from dataclasses import dataclass
from enum import StrEnum
from types import MappingProxyType
from typing import Literal

Budget = Literal["none", "failures", "preemptions"]


class ExitClass(StrEnum):
    """How an attempt ended."""

    FINISHED = "finished"
    PAUSED = "paused"
    CANCELLED = "cancelled"
    REFUSED = "refused"
    """It said itself what is wrong; trying again would not help."""
    CRASHED = "crashed"
    HUNG = "hung"
    HOST_OUT_OF_MEMORY = "host_out_of_memory"
    DEVICE_OUT_OF_MEMORY = "device_out_of_memory"
    PREEMPTED = "preempted"
    HOST_LOST = "host_lost"
    DISK_FULL = "disk_full"
    DEADLINE = "deadline"


RETRIED_WITHIN = MappingProxyType(
    {
        ExitClass.CRASHED: "failures",
        ExitClass.HUNG: "failures",
        ExitClass.HOST_OUT_OF_MEMORY: "failures",
        ExitClass.PREEMPTED: "preemptions",
        ExitClass.HOST_LOST: "preemptions",
    }
)
"""Which budget a retry after such an end counts against. After any other end there is none."""


@dataclass(frozen=True, slots=True, kw_only=True)
class AttemptEnd:
    """How one attempt ended."""

    exit_class: ExitClass
    reason: str = ""
    """Of the job's failure where there is no retry: `WORKER_CRASHED`, `DATA_INVALID`, ..."""
    detail: str = ""
    """What is known of it, for people."""

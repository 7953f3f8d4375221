"""How attempts end, and what follows: one table."""

import json
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path
from types import MappingProxyType

from catalog_service.models.plain_json import MalformedJson, from_plain, to_plain
from trainer_service.jobs.json_file import write_json_file

END_FILE = "end.json"


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


def write_end(folder: Path, end: AttemptEnd) -> None:
    """Leave in an attempt's folder what an engine knows of a worker that ends without a word."""
    write_json_file(folder / END_FILE, to_plain(end))


def read_end(folder: Path) -> AttemptEnd | None:
    """Return what an engine left there, None where it left nothing."""
    try:
        return from_plain(AttemptEnd, json.loads((folder / END_FILE).read_text("utf-8")))
    except (FileNotFoundError, json.JSONDecodeError, MalformedJson):
        return None

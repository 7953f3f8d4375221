"""What the end of a worker's process says about the attempt."""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from signal import SIGKILL, SIGTERM
from types import MappingProxyType

from trainer_service.jobs.attempts import AttemptEnd, ExitClass
from trainer_service.jobs.control import Command
from trainer_service.jobs.events import (
    Cancelled,
    Failed,
    Finished,
    LastWord,
    Paused,
    Preempted,
)

NO_ROOM_EXIT_CODE = 73
"""Of a worker that could not even write its last word. Source: EX_CANTCREAT in sysexits.h."""

NO_ROOM_WORDS = "No space left on device"
"""Source: strerror(ENOSPC) of glibc."""

CGROUPS = Path("/sys/fs/cgroup")


@dataclass(frozen=True, slots=True, kw_only=True)
class WorkerEnd:
    """What is known of a worker that is gone."""

    last_word: LastWord | None = None
    exit_code: int | None = None
    """Negative for a signal; None where it cannot be known."""
    num_oom_kills: int = 0
    """Processes that the kernel killed for memory in the worker's control group since it began."""
    was_asked: Command = "go_on"
    """What the supervisor had asked of it."""
    how: str = ""
    """`exit code 3`, for people."""
    log_tail: str = ""
    """What it printed last."""


def exit_class_of(end: WorkerEnd) -> AttemptEnd:
    """Return how an attempt ended: as its worker said, or else as its process shows."""
    if end.last_word is not None:
        return _said(end.last_word)
    return _died(end)


def _said(word: LastWord) -> AttemptEnd:
    match word:
        case Finished():
            return AttemptEnd(exit_class=ExitClass.FINISHED)
        case Failed():
            return AttemptEnd(exit_class=word.exit_class, reason=word.reason, detail=word.message)
        case Cancelled():
            return AttemptEnd(exit_class=ExitClass.CANCELLED)
        case Paused():
            return AttemptEnd(exit_class=ExitClass.PAUSED, detail=f"saved at step {word.step}")
        case Preempted():
            return AttemptEnd(exit_class=ExitClass.PREEMPTED, detail=word.message)


_ASKED_TO_GO: Mapping[Command, ExitClass] = MappingProxyType(
    {"cancel": ExitClass.CANCELLED, "preempt": ExitClass.PREEMPTED}
)


def _died(end: WorkerEnd) -> AttemptEnd:
    printed = f"; its log ends with {end.log_tail!r}" if end.log_tail else ""
    detail = f"the worker died: {end.how or 'it is gone'}{printed}"
    if end.was_asked in _ASKED_TO_GO:
        return AttemptEnd(exit_class=_ASKED_TO_GO[end.was_asked], detail=detail)
    if end.exit_code == NO_ROOM_EXIT_CODE or NO_ROOM_WORDS in end.log_tail:
        return AttemptEnd(exit_class=ExitClass.DISK_FULL, reason="DISK_FULL", detail=detail)
    if end.num_oom_kills and end.exit_code in (-SIGKILL, None):
        return AttemptEnd(
            exit_class=ExitClass.HOST_OUT_OF_MEMORY,
            reason="HOST_OUT_OF_MEMORY",
            detail=f"{detail}; the host had no memory left for it: use smaller batches or images,"
            " or let fewer jobs run at once",
        )
    if end.exit_code == -SIGTERM:  # before it could hear signals
        return AttemptEnd(exit_class=ExitClass.PREEMPTED, detail=detail)
    return AttemptEnd(exit_class=ExitClass.CRASHED, reason="WORKER_CRASHED", detail=detail)


def read_oom_kills(pid: int | None = None, cgroups: Path = CGROUPS) -> int:
    """Return how many processes the kernel has killed for memory in the control group of a process;
    0 where that cannot be said.

    Args:
        pid: None is this process, whose group its workers share.
    """
    try:
        membership = Path(f"/proc/{pid or 'self'}/cgroup").read_text("utf-8")
    except OSError:
        return 0
    for place in memory_files(membership, cgroups):
        try:
            return oom_kills(place.read_text("utf-8"))
        except OSError:
            continue
    return 0


def memory_files(membership: str, cgroups: Path) -> list[Path]:
    """Return where a control group may count what was killed in it.

    Args:
        membership: of `/proc/<pid>/cgroup`: a line `<number>:<controllers>:<path>` a hierarchy.

    Source: cgroups(7); Documentation/admin-guide/cgroup-v1/memory.rst and cgroup-v2.rst. Inside a
    container the path is often that of the host, and the group itself lies at the root.
    """
    places = []
    for line in membership.splitlines():
        _, controllers, path = line.split(":", 2)
        inside = path.lstrip("/")
        if "memory" in controllers.split(","):
            version_1 = cgroups / "memory"
            places += [version_1 / inside / "memory.oom_control", version_1 / "memory.oom_control"]
        elif not controllers:
            places += [cgroups / inside / "memory.events", cgroups / "memory.events"]
    return places


def oom_kills(counters: str) -> int:
    """Return `oom_kill` of the lines of `memory.events`, or of version 1's `memory.oom_control`."""
    found = re.search(r"^oom_kill (\d+)$", counters, re.MULTILINE)
    return int(found[1]) if found else 0

"""A control group with little memory, where the kernel kills what takes more."""

import contextlib
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

from trainer_service.jobs.worker_end import CGROUPS

LIMIT_FILES = {"memory.limit_in_bytes": "memory.oom_control", "memory.max": "memory.events"}
"""Of version 1 and 2, with where each counts kills."""


def own_group() -> Path | None:
    """Return this process's control group for memory, if groups can be made in it."""
    for line in Path("/proc/self/cgroup").read_text().splitlines():
        _, controllers, path = line.split(":", 2)
        root = CGROUPS / "memory" if "memory" in controllers.split(",") else CGROUPS
        if controllers and "memory" not in controllers.split(","):
            continue
        group = root / path.lstrip("/")
        if _can_limit(group):
            return group
    return None


def _can_limit(group: Path) -> bool:
    probe = group / "vertebra-probe"
    try:
        probe.mkdir()
    except OSError:
        return False
    try:
        return any((probe / name).exists() for name in LIMIT_FILES)
    finally:
        probe.rmdir()


@contextmanager
def little_memory(parent: Path, num_bytes: int) -> Iterator[Path]:
    """Yield a group in which processes have so much memory together."""
    group = parent / f"vertebra-{time.monotonic_ns()}"
    group.mkdir()
    try:
        for name in LIMIT_FILES:
            if (group / name).exists():
                (group / name).write_text(str(num_bytes))
        yield group
    finally:
        _remove(group)


def _remove(group: Path) -> None:
    """Remove a group once its processes are gone."""
    for _ in range(200):
        with contextlib.suppress(OSError):
            group.rmdir()
            return
        time.sleep(0.05)


def inside(group: Path, command: Sequence[str]) -> list[str]:
    """Return a command line that runs `command` and all that it starts in a group."""
    return ["sh", "-c", 'echo $$ > "$0/cgroup.procs" && exec "$@"', str(group), *command]

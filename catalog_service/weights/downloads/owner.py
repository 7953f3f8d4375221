"""Which process something belongs to, and whether that process is dead for certain."""

import os
import socket
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

import psutil

SAME_START_S = 1.0
"""psutil's `create_time` moves a little with the system's clock."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Owner:
    """A process.

    Attributes:
        host: its name, for people.
        realm: where its `pid` means something: one boot of one kernel and one pid namespace.
        start_time: seconds since the epoch; tells it from a later process with its number.
    """

    host: str
    realm: str
    pid: int
    start_time: float

    def __str__(self) -> str:
        return f"process {self.pid} on {self.host}"

    @property
    def is_dead(self) -> bool:
        """Whether the process is known to be gone. Nothing is known of other realms."""
        if self.realm != _realm():
            return False
        try:
            process = psutil.Process(self.pid)
            is_same = abs(process.create_time() - self.start_time) < SAME_START_S
            return not is_same or process.status() == psutil.STATUS_ZOMBIE
        except psutil.NoSuchProcess:
            return True

    def as_json(self) -> dict[str, Any]:
        """Return what `owner_from_json` reads."""
        return {
            "host": self.host,
            "realm": self.realm,
            "pid": self.pid,
            "start_time": self.start_time,
        }


def owner_from_json(value: Any) -> Owner | None:
    """Return an owner, or None where `value` is not one."""
    try:
        return Owner(
            host=str(value["host"]),
            realm=str(value["realm"]),
            pid=int(value["pid"]),
            start_time=float(value["start_time"]),
        )
    except (KeyError, TypeError, ValueError):
        return None


def this_process() -> Owner:
    """Return the calling process."""
    pid = os.getpid()
    return Owner(host=_host(), realm=_realm(), pid=pid, start_time=_start_time(pid))


@cache
def _start_time(pid: int) -> float:
    return psutil.Process(pid).create_time()


@cache
def _host() -> str:
    return socket.gethostname()


@cache
def _realm() -> str:
    """Containers may share a host's name, and never its process numbers."""
    try:
        boot = Path("/proc/sys/kernel/random/boot_id").read_text().strip()
        return f"{boot} {Path('/proc/self/ns/pid').readlink()}"
    except OSError:  # not Linux
        return _host()

"""Which process something belongs to, and whether that process is dead for certain."""

import os
import socket
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any


@dataclass(frozen=True, slots=True, kw_only=True)
class Owner:
    """A process.

    Attributes:
        host: its name, for people.
        realm: where its `pid` means something: one boot of one kernel and one pid namespace.
        start_ticks: of the system's clock since its boot; tells it from a later process with its
            number, also where somebody sets the clock.
    """

    host: str
    realm: str
    pid: int
    start_ticks: int

    def __str__(self) -> str:
        return f"process {self.pid} on {self.host}"

    @property
    def is_dead(self) -> bool:
        """Whether the process is known to be gone. Nothing is known of other realms."""
        if not self.realm or self.realm != _realm():
            return False
        try:
            os.kill(self.pid, 0)
        except ProcessLookupError:
            return True
        except OSError:  # somebody else's
            pass
        found = _state(self.pid)
        return found is not None and (found.is_zombie or found.start_ticks != self.start_ticks)

    def as_json(self) -> dict[str, Any]:
        """Return what `owner_from_json` reads."""
        return {
            "host": self.host,
            "realm": self.realm,
            "pid": self.pid,
            "start_ticks": self.start_ticks,
        }


def owner_from_json(value: Any) -> Owner | None:
    """Return an owner, or None where `value` is not one."""
    try:
        return Owner(
            host=str(value["host"]),
            realm=str(value["realm"]),
            pid=int(value["pid"]),
            start_ticks=int(value["start_ticks"]),
        )
    except (KeyError, TypeError, ValueError):
        return None


def this_process() -> Owner:
    """Return the calling process."""
    pid = os.getpid()
    return Owner(host=_host(), realm=_realm(), pid=pid, start_ticks=_start_ticks(pid))


@dataclass(frozen=True, slots=True, kw_only=True)
class _State:
    start_ticks: int
    is_zombie: bool


def _state(pid: int) -> _State | None:
    """Return what the kernel says of a process; None where it may not be asked. See proc(5)."""
    try:
        text = Path(f"/proc/{pid}/stat").read_text(encoding="utf-8", errors="replace")
    except OSError:
        return None
    fields = text.rpartition(")")[2].split()  # a program's name may have spaces and brackets
    return _State(start_ticks=int(fields[19]), is_zombie=fields[0] in "ZX")


@cache
def _start_ticks(pid: int) -> int:
    found = _state(pid)
    return found.start_ticks if found else 0


@cache
def _host() -> str:
    return socket.gethostname()


@cache
def _realm() -> str:
    """Containers may share a host's name, and never its process numbers."""
    try:
        boot = Path("/proc/sys/kernel/random/boot_id").read_text().strip()
        return f"{boot} {Path('/proc/self/ns/pid').readlink()}"
    except OSError:  # not Linux: only silence tells that a process is dead
        return ""

"""What a piece of code does with the network and the disk, seen by Python's own audit events.

An audit hook cannot be taken away again, so there is one, which sleeps while nobody watches.
"""

import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from functools import cache
from typing import Any

WRITING = os.O_WRONLY | os.O_RDWR | os.O_CREAT
CHANGES = ("os.mkdir", "os.rename", "os.remove", "os.link", "os.symlink", "os.truncate")


@dataclass(slots=True)
class Watch:
    """What happened. With `is_offline`, looking for a host raises OSError."""

    is_offline: bool = False
    connections: list[str] = field(default_factory=list)
    writes: list[str] = field(default_factory=list)


_watching: list[Watch] = []


@contextmanager
def watch(*, is_offline: bool = False) -> Iterator[Watch]:
    """Record what this process does; compiled Python files are no cache of ours."""
    _install()
    seen = Watch(is_offline=is_offline)
    _watching.append(seen)
    try:
        yield seen
    finally:
        _watching.remove(seen)


@cache
def _install() -> None:
    sys.addaudithook(_hear)


def _hear(event: str, arguments: tuple[Any, ...]) -> None:
    for seen in _watching:
        if event in ("socket.getaddrinfo", "socket.connect"):
            seen.connections.append(f"{event} {arguments!r}")
            if seen.is_offline:
                raise OSError("no network here")
        elif _is_write(event, arguments) and "__pycache__" not in str(arguments[0]):
            seen.writes.append(f"{event} {arguments[0]!r}")


def _is_write(event: str, arguments: tuple[Any, ...]) -> bool:
    if event == "open":
        return isinstance(arguments[0], str | bytes) and bool(arguments[2] & WRITING)
    return event in CHANGES

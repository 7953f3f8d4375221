"""The processes below this one: starting, counting, signalling and reaping them. Linux only."""

import contextlib
import ctypes
import os
import signal
from collections.abc import Iterator, Sequence
from pathlib import Path

PR_SET_CHILD_SUBREAPER = 36
"""Source: prctl(2). Orphans below become ours also where this is not process 1, as in a pod that
shares one process namespace among its containers."""

ZOMBIE_STATES = frozenset({b"Z", b"X"})


def adopt_orphans() -> None:
    """Become the parent of every process below whose own parent ends."""
    ctypes.CDLL(None).prctl(PR_SET_CHILD_SUBREAPER, 1)


def start(command: Sequence[str], ours: frozenset[signal.Signals]) -> int:
    """Start a program in a process group of its own, so that Ctrl-C reaches it through us alone.

    Args:
        ours: signals that are blocked here; the program hears them again.
    """
    return os.posix_spawnp(
        command[0],
        list(command),
        os.environ,
        setpgroup=0,
        setsigmask=[],
        setsigdef=ours,
    )


def reap() -> Iterator[tuple[int, int]]:
    """Yield pid and exit code, negative for a signal, of every child that ended by now."""
    with contextlib.suppress(ChildProcessError):
        while True:
            pid, status = os.waitpid(-1, os.WNOHANG)
            if not pid:
                return
            yield pid, os.waitstatus_to_exitcode(status)


def descendants() -> list[int]:
    """Return every process below this one that still runs, children before theirs."""
    children: dict[int, list[int]] = {}
    for pid, parent in _parents():
        children.setdefault(parent, []).append(pid)
    found = list(children.get(os.getpid(), ()))
    for pid in found:
        found += children.get(pid, ())
    return found


def send(pids: Sequence[int], number: signal.Signals) -> None:
    """Signal processes; those that ended meanwhile, or are another user's, are left alone."""
    for pid in pids:
        with contextlib.suppress(ProcessLookupError, PermissionError):
            os.kill(pid, number)


def _parents() -> Iterator[tuple[int, int]]:
    """Yield pid and parent's pid of all that runs. Source: proc_pid_stat(5)."""
    for folder in Path("/proc").iterdir():
        if not folder.name.isdigit():
            continue
        with contextlib.suppress(OSError):
            # A process has any bytes for a name, also half a letter.
            state, parent, *_ = (folder / "stat").read_bytes().rpartition(b")")[2].split()
            if state not in ZOMBIE_STATES:
                yield int(folder.name), int(parent)

"""The stacks that a hung worker prints, shortened to what a message has room for."""

import re
from pathlib import PurePath

MAX_FRAMES = 4
MAX_THREADS = 3
MAX_CHARS = 900

_THREAD = re.compile(r"^(?:Current thread|Thread) 0x[0-9a-f]+")
_FRAME = re.compile(r'^\s+File "(?P<file>[^"]*)", line (?P<line>\d+) in (?P<function>.*)$')
_IDLE = ("threading.py", "thread.py", "queue.py", "selectors.py")
"""A thread whose innermost frame is here waits for work, as most do."""


def shortened_stacks(printed: str) -> str:
    """Return `run in loop.py:88 < ...` for the threads that were at work, innermost frame first;
    empty where nothing was printed.

    Args:
        printed: as faulthandler prints all threads, the current one last.
    """
    threads = _threads(printed)
    busy = [frames for frames in threads if not frames[0].startswith(_IDLE_PREFIXES)] or threads
    shown = " | ".join(" < ".join(frames[:MAX_FRAMES]) for frames in reversed(busy[-MAX_THREADS:]))
    return shown[:MAX_CHARS]


_IDLE_PREFIXES = tuple(f"{name}:" for name in _IDLE)


def _threads(printed: str) -> list[list[str]]:
    """Return each thread's frames, as `loop.py:88 run`."""
    threads: list[list[str]] = []
    for line in printed.splitlines():
        if _THREAD.match(line):
            threads.append([])
        elif threads and (frame := _FRAME.match(line)):
            name = PurePath(frame["file"]).name
            threads[-1].append(f"{name}:{frame['line']} {frame['function']}")
    return [frames for frames in threads if frames]

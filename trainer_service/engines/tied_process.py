"""Becomes another program that dies with its parent: `python -m ... <parent's pid> <command...>`.

A rank must not outlive the Ray actor that watches over it, however that one ends. The kernel keeps
this promise through exec; on systems other than Linux nobody does.

Source: prctl(2), PR_SET_PDEATHSIG.
"""

import ctypes
import os
import signal
import sys

PR_SET_PDEATHSIG = 1


def main(arguments: list[str]) -> None:
    """Tie this process to its parent, then become the command."""
    parent, command = int(arguments[1]), arguments[2:]
    if sys.platform == "linux":
        ctypes.CDLL(None).prctl(PR_SET_PDEATHSIG, signal.SIGKILL)
    if os.getppid() != parent:
        sys.exit("the process that this one was to be tied to is gone")
    os.execv(command[0], command)


if __name__ == "__main__":
    main(sys.argv)

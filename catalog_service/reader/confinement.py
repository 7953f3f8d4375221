"""Takes from the child what a reader of tensors does not need, before it looks at the first byte.

Limits hold everywhere. On Linux the kernel refuses every system call but the few that read, write
and allocate: no file is opened, no socket made, no program started from then on, whatever happened.

Source: linux/prctl.h, linux/seccomp.h, linux/filter.h, asm/unistd_64.h (x86-64) and
asm-generic/unistd.h (arm64).
"""

import codecs
import ctypes
import errno
import os
import resource
import signal
import struct
import sys
from collections.abc import Mapping

MEMORY_BYTES = 192 * 2**20
"""Address space. A state of 20,000 tensors takes 70 MB; numbers pass in pieces."""

CPU_S = 30
"""Seconds of processor time for names and shapes. Copying gets a second per 20 MB on top."""

CODECS = ("ascii", "latin-1", "utf-8", "cp437", "raw-unicode-escape", "unicode-escape")
"""What pickles and zip entries are spelled in: Python loads each when it is first wanted."""

_PR_SET_PDEATHSIG, _PR_SET_NO_NEW_PRIVS, _PR_SET_SECCOMP = 1, 38, 22
_SECCOMP_MODE_FILTER = 2
_LOAD, _JUMP_IF_EQUAL, _RETURN = 0x20, 0x15, 0x06
_NUMBER_AT, _MACHINE_AT = 0, 4
_ALLOW, _REFUSE = 0x7FFF0000, 0x00050000 | errno.EPERM

MACHINES: Mapping[str, tuple[int, int]] = {
    "x86_64": (0xC000003E, 0),
    "aarch64": (0xC00000B7, 1),
}
"""Machine -> what the kernel calls it, and its column in `ALLOWED`."""

ALLOWED: Mapping[str, tuple[int, int]] = {
    "brk": (12, 214),
    "clock_gettime": (228, 113),
    "close": (3, 57),
    "exit": (60, 93),
    "exit_group": (231, 94),
    "fdatasync": (75, 83),
    "fstat": (5, 80),
    "fsync": (74, 82),
    "futex": (202, 98),
    "getpid": (39, 172),
    "getrandom": (318, 278),
    "gettid": (186, 178),
    "lseek": (8, 62),
    "madvise": (28, 233),
    "mmap": (9, 222),
    "mprotect": (10, 226),
    "mremap": (25, 216),
    "munmap": (11, 215),
    "newfstatat": (262, 79),
    "pread64": (17, 67),
    "read": (0, 63),
    "restart_syscall": (219, 128),
    "rt_sigaction": (13, 134),
    "rt_sigprocmask": (14, 135),
    "rt_sigreturn": (15, 139),
    "sched_yield": (24, 124),
    "sigaltstack": (131, 132),
    "write": (1, 64),
}
"""System call -> its number on each machine."""


def die_with_parent() -> None:
    """Have the kernel end this process when its parent ends."""
    if sys.platform == "linux":
        ctypes.CDLL(None).prctl(_PR_SET_PDEATHSIG, signal.SIGKILL)


def confine(*, max_output_bytes: int, cpu_s: int) -> None:
    """Limit this process for good. Files that it needs must be open."""
    for codec in CODECS:
        codecs.lookup(codec)
    _limit(resource.RLIMIT_CORE, 0)
    _limit(resource.RLIMIT_CPU, cpu_s)
    _limit(resource.RLIMIT_FSIZE, max_output_bytes)
    _limit(resource.RLIMIT_AS, MEMORY_BYTES)
    _limit(resource.RLIMIT_NOFILE, 0)
    if sys.platform == "linux" and platform_machine() in MACHINES:
        _refuse_system_calls()


def platform_machine() -> str:
    """Return `x86_64`, `aarch64`, ...: without starting a program, as `platform` might."""
    return os.uname().machine


def _limit(kind: int, value: int) -> None:
    resource.setrlimit(kind, (value, value))


def _refuse_system_calls() -> None:
    """Install the filter; a kernel without such filters leaves the limits alone."""
    program = filter_program(platform_machine())
    buffer = ctypes.create_string_buffer(program, len(program))
    header = ctypes.create_string_buffer(
        struct.pack("@HxxxxxxP", len(program) // 8, ctypes.addressof(buffer))
    )
    prctl = ctypes.CDLL(None, use_errno=True).prctl
    if prctl(_PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) == 0:
        prctl(_PR_SET_SECCOMP, _SECCOMP_MODE_FILTER, header, 0, 0)


def filter_program(machine: str) -> bytes:
    """Return the filter as the kernel's instructions (code, true, false, value): calls in
    `ALLOWED` go through, all others fail with EPERM, as do those of another machine.
    """
    name, column = MACHINES[machine]
    numbers = [row[column] for row in ALLOWED.values()]
    steps = [
        (_LOAD, 0, 0, _MACHINE_AT),
        (_JUMP_IF_EQUAL, 1, 0, name),
        (_RETURN, 0, 0, _REFUSE),
        (_LOAD, 0, 0, _NUMBER_AT),
        *(
            (_JUMP_IF_EQUAL, len(numbers) - index, 0, number)
            for index, number in enumerate(numbers)
        ),
        (_RETURN, 0, 0, _REFUSE),
        (_RETURN, 0, 0, _ALLOW),
    ]
    return b"".join(struct.pack("@HBBI", *step) for step in steps)

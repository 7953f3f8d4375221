"""How this process's memory allocator treats megabytes that come and go."""

import ctypes

MMAP_THRESHOLD = (-3, 32 << 20)
TOP_PAD = (-2, 64 << 20)
TRIM_THRESHOLD = (-1, 256 << 20)
"""Parameters of glibc's mallopt(3) and our values; 32 MiB is the largest threshold it takes.

Without them every message of 1 MiB is mapped and unmapped anew, and the kernel clears its pages:
our own measurements of grpcio 1.85 gave 3.7-4.6 CPU seconds a GiB, with them 0.9-1.1.
"""


def keep_freed_megabytes() -> bool:
    """Have the allocator keep up to 256 MiB for reuse; return whether it is one that can.

    For programs that move bytes for a living, at their start. It is a setting of the process: a
    library should leave it to the program.
    """
    try:
        mallopt = ctypes.CDLL(None).mallopt
    except (AttributeError, OSError, TypeError):  # another C library
        return False
    return all(mallopt(*parameter) for parameter in (MMAP_THRESHOLD, TOP_PAD, TRIM_THRESHOLD))

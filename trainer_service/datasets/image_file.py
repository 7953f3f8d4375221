"""The bytes of one image file, and nothing that is no file."""

import os
import stat
from pathlib import Path

from trainer_service.datasets.pixels import ImageUnreadable

MAX_FILE_BYTES = 2**30
"""Larger than any picture of `pixels.MAX_PIXELS` needs to be, 16 bits a channel uncompressed."""


def read_image_file(path: Path) -> bytes:
    """Return what a file holds.

    Neither a link that took the place of a checked file is followed, nor a pipe waited for: whoever
    can write to the data could otherwise choose what is read, or hold a job for ever.

    Raises:
        ImageUnreadable: it is no regular file, or too large.
        OSError: it cannot be read.
    """
    flags = os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC
    with os.fdopen(os.open(path, flags), "rb") as file:
        status = os.fstat(file.fileno())
        if not stat.S_ISREG(status.st_mode):
            raise ImageUnreadable("not a regular file")
        if status.st_size > MAX_FILE_BYTES:
            raise ImageUnreadable(f"{status.st_size:,} bytes; the most is {MAX_FILE_BYTES:,}")
        return file.read(MAX_FILE_BYTES)

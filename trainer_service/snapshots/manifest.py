"""What a snapshot says of itself. No torch."""

from dataclasses import dataclass

RELEASE = 1
"""Of the format: a snapshot of another one is not read."""


@dataclass(frozen=True, slots=True, kw_only=True)
class FileRecord:
    """One file, as it was written."""

    name: str
    size_bytes: int
    sha256: str
    """64 hex digits."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Manifest:
    """All other files of a snapshot."""

    release: int = RELEASE
    job_id: str
    attempt: int
    step: int
    files: tuple[FileRecord, ...]

"""The first of several paths that holds a readable file."""

import os
from collections.abc import Iterable
from pathlib import Path

from catalog_service.weights.locations.location import ForeignFile, Miss
from catalog_service.weights.trail import Outcome

ABSENT = Miss(detail="no such file")


def first_file(paths: Iterable[Path]) -> ForeignFile | Miss:
    """Return the first path that is a readable file, links followed."""
    found = ABSENT
    for path in paths:
        looked = _file(path)
        if isinstance(looked, ForeignFile):
            return looked
        found = looked if found is ABSENT else found
    return found


def _file(path: Path) -> ForeignFile | Miss:
    try:
        if not path.is_file():
            return _broken(path) if path.is_symlink() else ABSENT
        if os.access(path, os.R_OK):
            return ForeignFile(path=path)
    except OSError as error:
        return _unreadable(path, f"{error.strerror}")
    return _unreadable(path, "no permission to read it")


def _broken(path: Path) -> Miss:
    return _unreadable(path, "a link that leads nowhere")


def _unreadable(path: Path, why: str) -> Miss:
    return Miss(detail=f"{path}: {why}", outcome=Outcome.UNREADABLE, place=str(path))

"""A folder with copies of published files: plain, or laid out like a torch-hub cache."""

import os
from pathlib import Path

from catalog_service.weights.locations.location import ForeignFile, Miss
from catalog_service.weights.wanted_file import WantedFile

SUBFOLDERS = ("", "hub/checkpoints", "checkpoints")
"""Where copies of a torch-hub cache keep the files, beside the folder itself."""


class MirrorFolder:
    """Looks for the published file name, in the folder and where torch-hub would have it."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder

    @property
    def name(self) -> str:
        """How the trail calls it."""
        return f"mirror {self._folder}"

    def look(self, file: WantedFile) -> ForeignFile | Miss:
        """Return the file of that name."""
        if not self._folder.is_dir():
            return Miss(detail="no such folder")
        paths = [self._folder / subfolder / file.file_name for subfolder in SUBFOLDERS]
        return first_file(paths)


def first_file(paths: list[Path]) -> ForeignFile | Miss:
    """Return the first path that is a readable file, links followed."""
    unreadable = ""
    for path in paths:
        try:
            if path.is_file():
                if os.access(path, os.R_OK):
                    return ForeignFile(path=path)
                unreadable = f"{path.name} is not readable"
        except OSError as error:
            unreadable = f"{error.strerror}"
    return Miss(detail=unreadable or "no such file")

"""Images that are files: read, hashed and decoded whenever they are opened."""

import hashlib
from collections.abc import Iterable
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np

from trainer_service.datasets.samples import OpenedPicture, PathTable, path_table
from trainer_service.datasets.truths import Positions


@dataclass(frozen=True, slots=True, kw_only=True)
class FilePictures:
    """Image files."""

    paths: PathTable
    chosen: Positions

    def __len__(self) -> int:
        """Return N."""
        return len(self.chosen)

    def at(self, positions: Positions) -> "FilePictures":
        """Return these images."""
        return replace(self, chosen=self.chosen[positions])

    def path(self, position: int) -> Path:
        """Return an image's file."""
        return self.paths.path(int(self.chosen[position]))

    def name(self, position: int) -> str:
        """Return an image's path, for people: bytes that are no UTF-8 are written as `\\udcff`,
        because nobody could be sent them.
        """
        return str(self.path(position)).encode("utf-8", "backslashreplace").decode()

    def open(self, position: int) -> OpenedPicture:
        """Read and decode one."""
        # Pillow is not for looking at a data set.
        from trainer_service.datasets.image_file import read_image_file
        from trainer_service.datasets.pixels import decode

        data = read_image_file(self.path(position))
        return OpenedPicture(image=decode(data), digest=hashlib.sha256(data).hexdigest())


def file_pictures(paths: Iterable[Path]) -> FilePictures:
    """Return pictures of these files."""
    table = path_table(paths)
    return FilePictures(paths=table, chosen=np.arange(len(table)))

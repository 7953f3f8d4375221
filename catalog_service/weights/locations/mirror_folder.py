"""A folder with copies of published files, laid out in any of the usual ways.

Plain, like a torch-hub cache, like a hub cache, or one folder a repository: nobody has to rename
what a copy of a cache or of a repository has brought.
"""

from collections.abc import Iterator
from pathlib import Path

from catalog_service.weights.locations.first_file import first_file
from catalog_service.weights.locations.hub_layout import cached_paths
from catalog_service.weights.locations.location import ForeignFile, Miss
from catalog_service.weights.wanted_file import WantedFile

SUBFOLDERS = ("", "hub/checkpoints", "checkpoints")
"""Where copies of a torch-hub cache keep the files, beside the folder itself."""

HUB_CACHES = ("", "hub")
"""Where copies of a hub cache keep their repositories: copied with or without its last folder."""


class MirrorFolder:
    """Looks for a published file under its name, and under its repository's."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder

    @property
    def name(self) -> str:
        """How the trail calls it."""
        return f"mirror {self._folder}"

    def look(self, file: WantedFile) -> ForeignFile | Miss:
        """Return the first copy."""
        if not self._folder.is_dir():
            return Miss(detail="no such folder")
        return first_file(self._paths(file))

    def _paths(self, file: WantedFile) -> Iterator[Path]:
        if file.file_name:
            yield from (self._folder / subfolder / file.file_name for subfolder in SUBFOLDERS)
        if file.repository:
            for subfolder in HUB_CACHES:
                yield from cached_paths(self._folder / subfolder, file)
            yield self._folder / file.repository / "resolve" / file.revision / file.path
            yield self._folder / file.repository / file.path

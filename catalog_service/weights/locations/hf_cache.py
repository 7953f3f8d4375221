"""The cache that huggingface_hub and transformers fill, adopted in place."""

from pathlib import Path

from catalog_service.weights.locations.first_file import ABSENT, first_file
from catalog_service.weights.locations.hub_layout import cached_paths
from catalog_service.weights.locations.location import ForeignFile, Miss
from catalog_service.weights.wanted_file import WantedFile


class HuggingFaceCache:
    """Looks into a hub cache.

    Args:
        folder: `$HF_HUB_CACHE`, or `$HF_HOME/hub`, or `$XDG_CACHE_HOME/huggingface/hub`.
    """

    def __init__(self, folder: Path) -> None:
        self.folder = folder

    @property
    def name(self) -> str:
        """How the trail calls it."""
        return f"Hugging Face cache {self.folder}"

    def look(self, file: WantedFile) -> ForeignFile | Miss:
        """Return the file of its repository."""
        if not file.repository:
            return Miss(detail="not a file of the hub")
        found = first_file(cached_paths(self.folder, file))
        return Miss(detail="absent") if found is ABSENT else found

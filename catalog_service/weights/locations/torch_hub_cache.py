"""The cache that torch.hub and torchvision fill, adopted in place.

Source: torch/hub.py, `_get_torch_home` and `load_state_dict_from_url`.
"""

from pathlib import Path

from catalog_service.weights.locations.first_file import ABSENT, first_file
from catalog_service.weights.locations.location import ForeignFile, Miss
from catalog_service.weights.wanted_file import WantedFile


class TorchHubCache:
    """Looks into `<TORCH_HOME>/hub/checkpoints`.

    Args:
        torch_home: `$TORCH_HOME`, or `$XDG_CACHE_HOME/torch`, or `~/.cache/torch`.
    """

    def __init__(self, torch_home: Path) -> None:
        self._torch_home = torch_home
        self.folder = torch_home / "hub" / "checkpoints"

    @property
    def name(self) -> str:
        """How the trail calls it."""
        return f"torch-hub cache {self._torch_home}"

    def look(self, file: WantedFile) -> ForeignFile | Miss:
        """Return the file of that name."""
        if not file.file_name:
            return Miss(detail="absent")
        found = first_file([self.folder / file.file_name])
        return Miss(detail="absent") if found is ABSENT else found

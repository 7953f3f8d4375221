"""The texts of licences, out of their publishers' repositories."""

from collections.abc import Mapping
from dataclasses import dataclass

from catalog_service.errors import VertebraError
from catalog_service.models.published_dinov3 import LICENCE as DINOV3
from catalog_service.models.published_dinov3 import PUBLICATIONS
from catalog_service.weights.small_files import SmallFiles
from catalog_service.weights.wanted_file import WantedFile

FILES: Mapping[str, WantedFile] = {
    DINOV3: WantedFile(
        reference=f"huggingface/{PUBLICATIONS[0].hub_id}",
        file_name="dinov3-LICENSE.md",
        repository=PUBLICATIONS[0].hub_id,
        path="LICENSE.md",
    )
}
"""Where the text of a licence is published; every repository of its weights has it."""


@dataclass(frozen=True, slots=True, kw_only=True)
class LicenceFiles:
    """Reads texts from the locations that weights come from."""

    files: SmallFiles

    def text_of(self, licence: str) -> str:
        """Return a licence's text, or nothing where no location has it."""
        wanted = FILES.get(licence)
        if wanted is None:
            return ""
        try:
            return self.files.read(wanted, (), lambda _: None).data.decode("utf-8")
        except (VertebraError, UnicodeDecodeError):
            return ""

"""What a person can do where there are no bytes, the best first. Pure."""

from dataclasses import dataclass
from typing import Literal

from catalog_service.checkpoints.checkpoint import CheckpointRemedies
from catalog_service.index.entries import WeightEntry
from catalog_service.weights.trail import Remedy
from catalog_service.weights.wanted_file import WantedFile

TORCHVISION_ISSUES = "https://github.com/pytorch/vision/issues"
"""Where the makers of torchvision's weights are asked."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Remedies:
    """What helps on this site.

    Attributes:
        torch_hub_folder: where a file may be put.
        mirror_folders: the same; the first one is named.
        is_offline: whether asking the origin is no choice.
    """

    torch_hub_folder: str
    mirror_folders: tuple[str, ...] = ()
    is_offline: bool = False

    def of(self, weight: WeightEntry, file: WantedFile) -> tuple[Remedy, ...]:
        """Return the remedies for a published weight: mirror, origin, recipe, whom to ask."""
        return (
            Remedy(kind="mirror", text=self._mirror(file)),
            *_origin(file),
            _recipe(weight),
            _contact(weight),
        )

    def _mirror(self, file: WantedFile) -> str:
        folder = (
            f"the mirror folder {self.mirror_folders[0]}"
            if self.mirror_folders
            else "a mirror folder (VERTEBRA_CATALOG_MIRRORS)"
        )
        offline = ", or import a bundle with `vertebra mirror import`" if self.is_offline else ""
        return (
            f"Put {file.file_name} into {folder} or into the torch-hub cache "
            f"{self.torch_hub_folder}{offline}"
        )


def _origin(file: WantedFile) -> tuple[Remedy, ...]:
    if not file.url:
        return ()
    return (Remedy(kind="origin", text=f"It is published at {file.url}", url=file.url),)


def _recipe(weight: WeightEntry) -> Remedy:
    if not weight.recipe_url or weight.is_gated:
        return Remedy(kind="recipe", text="Register a backbone of your own: RegisterCheckpoint")
    text = f"How it was trained: {weight.recipe_url}"
    return Remedy(kind="recipe", text=text, url=weight.recipe_url)


def _contact(weight: WeightEntry) -> Remedy:
    if weight.is_gated:
        text = f"Access is granted at {weight.recipe_url}"
        return Remedy(kind="contact", text=text, url=weight.recipe_url)
    if weight.reference.startswith("torchvision/"):
        text = f"Ask its makers: {TORCHVISION_ISSUES}"
        return Remedy(kind="contact", text=text, url=TORCHVISION_ISSUES)
    return Remedy(
        kind="contact", text=f"Ask its makers: {weight.recipe_url}", url=weight.recipe_url
    )


def checkpoint_remedies(name: str, remedies: CheckpointRemedies) -> tuple[Remedy, ...]:
    """Return what its makers say about getting a checkpoint's bytes, and what always helps."""
    return (
        *(
            Remedy(kind="origin", text=f"It is served at {url}", url=url)
            for url in remedies.origin_urls
        ),
        *_told("recipe", "How it was trained", remedies.recipe),
        *_told("contact", "Ask", remedies.contact),
        Remedy(kind="recipe", text=f"Register its file as {name!r}: RegisterCheckpoint"),
    )


def _told(kind: Literal["recipe", "contact"], label: str, text: str) -> tuple[Remedy, ...]:
    if not text:
        return ()
    return (
        Remedy(kind=kind, text=f"{label}: {text}", url=text if text.startswith("http") else ""),
    )

"""A repository of the hub that a reference names. Pure."""

from dataclasses import dataclass

from catalog_service.index.hub_ids import HUB
from catalog_service.models.published_dinov3 import HUB as HUB_URL

DEFAULT_REVISION = "main"


@dataclass(frozen=True, slots=True, kw_only=True)
class Repository:
    """An id of the hub and a revision: a branch, a tag or a commit."""

    repository: str
    """`timm/resnet50.a1_in1k`."""

    revision: str = DEFAULT_REVISION

    @property
    def reference(self) -> str:
        """Return `huggingface/timm/resnet50.a1_in1k`, with `@revision` where it is not `main`."""
        revision = "" if self.revision == DEFAULT_REVISION else f"@{self.revision}"
        return f"{HUB}{self.repository}{revision}"

    @property
    def page(self) -> str:
        """Return where people read about it."""
        return f"{HUB_URL}/{self.repository}"

    @property
    def file_name(self) -> str:
        """Return what plain folders call its file: two owners may have one repository name."""
        revision = "" if self.revision == DEFAULT_REVISION else f"@{self.revision}"
        return f"{self.repository.replace('/', '--')}{revision}.safetensors".replace("/", "-")

    def url(self, path: str = "model.safetensors") -> str:
        """Return where the hub serves one of its files."""
        return f"{self.page}/resolve/{self.revision}/{path}"


def repository_of(reference: str) -> Repository:
    """Return what `huggingface/owner/repository@revision` names; its form was checked."""
    name, _, revision = reference.removeprefix(HUB).partition("@")
    return Repository(repository=name, revision=revision or DEFAULT_REVISION)

"""What any repository of the hub holds, from its configuration file alone. Pure.

Two kinds of `config.json` are understood: transformers' (`model_type`) for DINOv3 of any size, and
timm's (`architecture`) where that architecture is one of ours, DINOv3 included. Anything else is
refused with what would be taken: a file that nobody here can name the architecture of is for
RegisterCheckpoint.
"""

from collections.abc import Callable, Mapping
from typing import Any

from catalog_service.errors import Precondition, listed
from catalog_service.index.catalog_index import CatalogIndex
from catalog_service.index.entries import WeightEntry
from catalog_service.index.hub_ids import HUB
from catalog_service.weights.sources.dinov3_repository import dinov3_entry
from catalog_service.weights.sources.repository import Repository, repository_of
from catalog_service.weights.sources.timm_dinov3 import VITS, is_timm_dinov3, timm_dinov3_entry
from catalog_service.weights.sources.timm_repository import TIMM_ARCHITECTURES, timm_entry


class HubRepositoryUnsupported(Precondition):
    """A repository whose architecture is none of ours."""

    reason = "WEIGHTS_UNSUPPORTED"


Read = Callable[[Repository, Mapping[str, Any], CatalogIndex], WeightEntry]

MODEL_TYPES: Mapping[str, Read] = {"dinov3_vit": dinov3_entry, "dinov3_convnext": dinov3_entry}
"""`model_type` of transformers -> what reads the rest of the configuration."""


def hub_entry(
    reference: str, config: Mapping[str, Any], index: CatalogIndex | None = None
) -> WeightEntry:
    """Return the entry of a repository that is not in the index.

    Args:
        reference: `huggingface/owner/repository`, or with `@revision`.
        config: what its `config.json` holds.
        index: of the architectures; the packaged one where none is given.

    Raises:
        HubRepositoryUnsupported: another architecture, or a structure that ours cannot have.
    """
    repository = repository_of(reference)
    index = index or CatalogIndex.load()
    model_type, architecture = config.get("model_type"), config.get("architecture")
    try:
        if isinstance(model_type, str) and model_type in MODEL_TYPES:
            return MODEL_TYPES[model_type](repository, config, index)
        if is_timm_dinov3(config):
            return timm_dinov3_entry(repository, config, index)
        if isinstance(architecture, str) and architecture in TIMM_ARCHITECTURES:
            return timm_entry(repository, config, index)
    except Precondition as error:
        raise _unsupported(repository, error.message) from error
    what = model_type or architecture or "no architecture"
    raise _unsupported(repository, f"its config.json says {str(what)[:100]!r}")


def _unsupported(repository: Repository, why: str) -> HubRepositoryUnsupported:
    taken = listed([*sorted(TIMM_ARCHITECTURES), *VITS])
    return HubRepositoryUnsupported(
        f"{HUB}{repository.repository} is of no architecture that is built here: {why}. Taken are "
        f"transformers' {listed(list(MODEL_TYPES))} and timm's {taken}; a file of another "
        "repository can be registered with RegisterCheckpoint",
        metadata={"weights": repository.reference},
    )

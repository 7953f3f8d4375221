"""The files under which an indexed weight is published. Pure."""

import re
from dataclasses import replace

from catalog_service.index.entries import WeightEntry
from catalog_service.index.hub_ids import HUB
from catalog_service.weights.sources.repository import repository_of
from catalog_service.weights.sources.shards import INDEX_FILES, MAX_INDEX_BYTES, WHOLE_FILES
from catalog_service.weights.wanted_file import WantedFile

_RESOLVED = re.compile(r"https?://[^/]+/[^/]+/[^/]+/resolve/([^/]+)/(.+)")
"""URL of a file on the hub. Source: huggingface_hub, `HUGGINGFACE_CO_URL_TEMPLATE`."""


def published_file(weight: WeightEntry) -> WantedFile:
    """Return the file that holds a weight's numbers, as its source names it."""
    if not weight.reference.startswith(HUB):
        return WantedFile(
            reference=weight.reference,
            file_name=weight.file_name,
            url=weight.url,
            sha256_prefix=weight.sha256_prefix,
            about_bytes=weight.size_bytes,
        )
    named = repository_of(weight.reference)
    found = _RESOLVED.fullmatch(weight.url)
    return WantedFile(
        reference=weight.reference,
        file_name=weight.file_name,
        url=weight.url,
        repository=named.repository,
        revision=found[1] if found else named.revision,
        path=found[2] if found else WHOLE_FILES[0],
        sha256_prefix=weight.sha256_prefix,
        is_gated=weight.is_gated,
    )


def forms(file: WantedFile) -> tuple[WantedFile, ...]:
    """Return the file, and what may stand in its place: the index of its parts, other formats."""
    if not file.repository or file.path != WHOLE_FILES[0]:
        return (file,)
    others = (INDEX_FILES[0], WHOLE_FILES[1], INDEX_FILES[1])
    return (file, *(beside(file, path) for path in others))


def is_shard_index(file: WantedFile) -> bool:
    """Return whether a file only names the parts of a weight."""
    return file.path in INDEX_FILES


def beside(file: WantedFile, path: str, *, commit: str = "") -> WantedFile:
    """Return another file of the same repository, about whose bytes nothing is known.

    Args:
        commit: of the repository, where it is known by now; else the same revision.
    """
    return replace(
        file,
        path=path,
        revision=commit or file.revision,
        file_name=f"{file.file_name.removesuffix('.safetensors')}--{path}",
        url="",
        sha256="",
        sha256_prefix="",
        size_bytes=0,
        about_bytes=0,
        max_bytes=MAX_INDEX_BYTES if path in INDEX_FILES else 0,
    )

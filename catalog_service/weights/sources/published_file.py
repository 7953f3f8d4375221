"""The files under which an indexed weight is published. Pure."""

import re

from catalog_service.index.entries import WeightEntry
from catalog_service.index.hub_ids import HUB
from catalog_service.weights.wanted_file import WantedFile

DEFAULT_PATH = "model.safetensors"
"""Where repositories of the hub keep their weights. Source: transformers, `SAFE_WEIGHTS_NAME`."""

DEFAULT_REVISION = "main"

_RESOLVED = re.compile(r"https?://[^/]+/[^/]+/[^/]+/resolve/([^/]+)/(.+)")
"""URL of a file on the hub. Source: huggingface_hub, `HUGGINGFACE_CO_URL_TEMPLATE`."""


def published_file(weight: WeightEntry) -> WantedFile:
    """Return the file that holds a weight's numbers, as its source names it."""
    repository, revision, path = _hub_place(weight)
    return WantedFile(
        reference=weight.reference,
        file_name=weight.file_name,
        url=weight.url,
        repository=repository,
        revision=revision,
        path=path,
        sha256_prefix=weight.sha256_prefix,
        about_bytes=weight.size_bytes,
    )


def _hub_place(weight: WeightEntry) -> tuple[str, str, str]:
    """Return repository, revision and path of a file on the hub; empty ones for others."""
    if not weight.reference.startswith(HUB):
        return "", DEFAULT_REVISION, ""
    repository, _, revision = weight.reference.removeprefix(HUB).partition("@")
    found = _RESOLVED.fullmatch(weight.url)
    if found is None:
        return repository, revision or DEFAULT_REVISION, DEFAULT_PATH
    return repository, found[1], found[2]

"""What repositories of the hub hold that the index does not list, remembered once it is known.

A repository is looked at once: its entry is bound to the commit that its configuration came from,
so that what a name means here does not change when somebody pushes.
"""

import json
from dataclasses import replace

from catalog_service.blobs.records import Records
from catalog_service.errors import Precondition
from catalog_service.index.catalog_index import CatalogIndex
from catalog_service.index.entries import WeightEntry
from catalog_service.weights.progress import Progress, Tell
from catalog_service.weights.small_files import SmallFiles
from catalog_service.weights.sources.hub_repository import hub_entry
from catalog_service.weights.sources.repository import Repository, repository_of
from catalog_service.weights.trail import Remedy
from catalog_service.weights.wanted_file import WantedFile

CONFIG = "config.json"


class ConfigUnreadable(Precondition):
    """The configuration of a repository is no JSON object."""

    reason = "FILE_UNREADABLE"


class HubEntries:
    """Entries of repositories.

    Args:
        files: reads their configurations.
        records: from a reference to the configuration and its commit.
        index: of the architectures.
    """

    def __init__(self, *, files: SmallFiles, records: Records, index: CatalogIndex) -> None:
        self._files = files
        self._records = records
        self._index = index

    def entry(self, reference: str, tell: Tell) -> WeightEntry:
        """Return the entry of a repository.

        Args:
            reference: `huggingface/owner/repository`, or with `@revision`.

        Raises:
            HubRepositoryUnsupported: it is of no architecture that is built here.
            ConfigUnreadable: its config.json is none.
            WeightsUnavailable, WeightsGated, WeightsUnreachable: no location has its config.json.
        """
        repository = repository_of(reference)
        listed = self._listed(repository)
        if listed is not None:
            return listed
        known = self._known(repository.reference)
        if known is not None:
            return known
        return self._look_up(repository, tell)

    def _listed(self, repository: Repository) -> WeightEntry | None:
        """Return another revision of what the index lists."""
        plain = replace(repository, revision="main").reference
        same = [entry for entry in self._index.weights if entry.reference == plain]
        if not same:
            return None
        if repository.reference == plain:
            return same[0]
        return replace(
            same[0], reference=repository.reference, url=repository.url(), is_default=False
        )

    def _known(self, reference: str) -> WeightEntry | None:
        value = self._records.get(reference)
        if value is None or not isinstance(value.get("config"), dict):
            return None
        return hub_entry(str(value.get("bound", reference)), value["config"], self._index)

    def _look_up(self, repository: Repository, tell: Tell) -> WeightEntry:
        name = repository.reference
        tell(Progress(step="resolving", text=f"{name}: reading its {CONFIG}"))
        file = WantedFile(
            reference=name,
            file_name=f"{repository.file_name.removesuffix('.safetensors')}--{CONFIG}",
            repository=repository.repository,
            revision=repository.revision,
            path=CONFIG,
        )
        page = Remedy(kind="contact", text=f"See {repository.page}", url=repository.page)
        found = self._files.read(file, [page], tell)
        bound = replace(repository, revision=found.commit) if found.commit else repository
        config = _parsed(found.data, name)
        value = {"config": config, "bound": bound.reference}
        entry = hub_entry(bound.reference, config, self._index)
        for key in {name, bound.reference}:
            self._records.put(key, value)
        return entry


def _parsed(data: bytes, reference: str) -> dict[str, object]:
    try:
        config = json.loads(data)
    except (ValueError, RecursionError) as error:
        raise ConfigUnreadable(f"{CONFIG} of {reference} is not JSON") from error
    if not isinstance(config, dict):
        raise ConfigUnreadable(f"{CONFIG} of {reference} is no JSON object")
    return config

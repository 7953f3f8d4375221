"""What repositories of the hub hold that the index does not list, remembered once it is known.

A repository is looked at once: its entry is bound to the commit that its configuration came from,
so that what a name means here does not change when somebody pushes.
"""

import json
from collections.abc import Mapping
from dataclasses import replace
from typing import Any

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
        return self._at_hand(repository) or self._look_up(repository, tell)

    def at_hand(self, reference: str) -> WeightEntry:
        """Return what is known of a repository without asking anybody.

        Of one that was never looked at, that is its name and where its file would be.
        """
        repository = repository_of(reference)
        return self._at_hand(repository) or self._unseen(repository)

    def _at_hand(self, repository: Repository) -> WeightEntry | None:
        return self._listed(repository) or self._known(repository.reference)

    def _unseen(self, repository: Repository) -> WeightEntry:
        return replace(
            self._index.weights[0],
            reference=repository.reference,
            is_default=False,
            is_gated=False,
            url=repository.url(),
            file_name=repository.file_name,
            sha256_prefix="",
            size_bytes=0,
            recipe_url=repository.page,
            licence="unknown",
        )

    def record(self, reference: str) -> Mapping[str, Any]:
        """Return what was learnt of a repository, for another site; nothing where it was not."""
        return self._records.get(repository_of(reference).reference) or {}

    def recorded(self, reference: str, record: Mapping[str, Any]) -> WeightEntry | None:
        """Return the entry of a repository: as it is known here, else by another site's record.

        Args:
            reference: as that record binds it, with its commit where there is one.

        Returns:
            None for a record that is none, or is another repository's.

        Raises:
            HubRepositoryUnsupported: it is of no architecture that is built here.
        """
        repository = repository_of(reference)
        here = self._at_hand(repository)
        if here is not None:
            return here
        config = record.get("config")
        if not isinstance(config, dict) or record.get("bound") != repository.reference:
            return None
        return hub_entry(repository.reference, config, self._index)

    def learn(self, reference: str, record: Mapping[str, Any]) -> bool:
        """Remember another site's record of a repository, unless it is known here.

        Returns:
            Whether the reference means here what it means there.
        """
        name = repository_of(reference).reference
        here = self._records.get(name)
        if here is None:
            self._records.put(name, {"config": record["config"], "bound": record["bound"]})
        return here is None or here.get("bound") == record["bound"]

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

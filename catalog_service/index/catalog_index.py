"""Look-ups over the index: every spelling of a name, the recipe of a weight, what it gives.

Loading reads one JSON file of this package and imports no torch.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from functools import cache
from importlib.resources import files
from typing import Any

from catalog_service.errors import NotFound, closest
from catalog_service.index.entries import (
    ArchitectureEntry,
    FeatureMapEntry,
    Metric,
    WeightEntry,
)
from catalog_service.index.hub_ids import HUB, check_hub_id, is_hub_id
from catalog_service.models.contracts import InputContract, OutputContract
from catalog_service.models.recipe import Recipe
from catalog_service.models.tasks import ClassificationTask, Task

_SOURCES = ("torchvision/", HUB)


class ArchitectureNotFound(NotFound):
    """No architecture has this name."""

    reason = "ARCHITECTURE_NOT_FOUND"


class WeightsNotFound(NotFound):
    """No published weight has this reference."""

    reason = "WEIGHTS_NOT_FOUND"


class CatalogIndex:
    """All architectures and weights, in the order of their names.

    Args:
        library: what the index was built with: `torchvision 0.29.2`.
    """

    def __init__(
        self,
        *,
        library: str,
        architectures: tuple[ArchitectureEntry, ...],
        weights: tuple[WeightEntry, ...],
    ) -> None:
        self.library = library
        self.architectures = architectures
        self.weights = weights
        self._architectures = {entry.architecture_id: entry for entry in architectures}
        self._weights = _spellings(weights)

    @staticmethod
    def load() -> CatalogIndex:
        """Return the index of this package; read once a process."""
        return _load()

    def with_weight(self, reference: str, entry: WeightEntry) -> CatalogIndex:
        """Return the index with one more weight, under its own reference and under `reference`."""
        more = CatalogIndex(
            library=self.library, architectures=self.architectures, weights=self.weights
        )
        more._weights |= {_short(name): entry for name in (reference, entry.reference)}
        return more

    def architecture(self, name: str) -> ArchitectureEntry:
        """Return the entry of an architecture.

        Args:
            name: `resnet50`, `architectures/resnet50`, or an id of the hub for what it holds.

        Raises:
            ArchitectureNotFound: with the nearest names.
            NoSuchHubId: an id that many people write and the hub never had.
        """
        name = name.removeprefix("architectures/")
        check_hub_id(name)
        if is_hub_id(name):
            name = self.weight(name).architecture_id
        found = self._architectures.get(name)
        if found is None:
            raise ArchitectureNotFound(
                f"no architecture {name[:100]!r}; {closest(name, self._architectures)}"
                f"ListArchitectures returns all {len(self.architectures)}",
                metadata={"architecture": name},
            )
        return found

    def weight(self, reference: str) -> WeightEntry:
        """Return the entry of a weight by any of its spellings.

        Args:
            reference: `torchvision/ResNet50_Weights.IMAGENET1K_V2`, the same behind `weights/` or
                without `torchvision/`, `ResNet50_Weights.DEFAULT`, an id of the hub with or without
                `huggingface/`, or an architecture id for its default.

        Raises:
            WeightsNotFound: with the nearest references.
            NoSuchHubId: an id that many people write and the hub never had.
        """
        name = _short(reference.removeprefix("weights/"))
        check_hub_id(name)
        found = self._weights.get(name)
        if found is None:
            raise WeightsNotFound(
                f"no weights {reference[:100]!r}; {self._way_out(reference)}"
                f"ListWeights returns all {len(self.weights)}",
                metadata={"weights": reference},
            )
        return found

    def _way_out(self, reference: str) -> str:
        """Return what an unknown reference may have meant."""
        name = _short(reference)
        if name.lower() in self._architectures:
            return f"write {name.lower()!r}; "
        if "/" not in name:
            return f"{closest(name, self._weights)}a registered backbone is 'checkpoints/NAME'; "
        near = closest(name, [known for known in self._weights if "/" in known])
        if reference.removeprefix("weights/").startswith(HUB):
            return near
        written = f"{HUB}{name[:100]}"
        return f"{near}other repositories of the hub are written {written!r}; "

    def default_weight(self, architecture: str) -> WeightEntry:
        """Return what "pretrained" means for an architecture.

        Raises:
            ArchitectureNotFound: with the nearest names.
            WeightsNotFound: nothing is published for it.
        """
        entry = self.architecture(architecture)
        if not entry.default_weights:
            raise WeightsNotFound(f"nothing is published for {entry.architecture_id!r}")
        return self.weight(entry.default_weights)

    def weights_of(self, architecture: str) -> tuple[WeightEntry, ...]:
        """Return the published weights of an architecture, the default first."""
        return tuple(self.weight(name) for name in self.architecture(architecture).weights)

    def recipe_for(
        self,
        architecture: str,
        weight: WeightEntry | None = None,
        head: Mapping[str, Any] | None = None,
    ) -> Recipe:
        """Return how to build an architecture with the structure of one of its weights.

        Args:
            weight: None stands for the architecture's default weights: definition-only, random and
                pretrained builds are the same structure.
            head: as in `Recipe.head`.
        """
        entry = self.architecture(architecture)
        source = weight or self.default_weight(architecture)
        assert source.architecture_id == entry.architecture_id, (source.reference, architecture)
        return Recipe(
            builder=entry.builder, arguments=source.arguments, library=entry.library, head=head
        )


def output_contract(weight: WeightEntry, task: Task | None = None) -> OutputContract:
    """Return what the outputs mean: the task's classes, or the weight's own where there is none."""
    if task is None:
        return OutputContract(shape=(len(weight.categories),), class_names=weight.categories)
    names = task.class_names if isinstance(task, ClassificationTask) else ()
    return OutputContract(shape=(task.num_outputs,), class_names=names)


@cache
def _load() -> CatalogIndex:
    text = files(__package__).joinpath("index.json").read_text(encoding="utf-8")
    return index_from_json(json.loads(text))


def index_from_json(data: Mapping[str, Any]) -> CatalogIndex:
    """Return the index that `build_index` wrote."""
    categories = {key: tuple(names) for key, names in data["category_lists"].items()}
    return CatalogIndex(
        library=data["library"],
        architectures=tuple(_architecture(row) for row in data["architectures"]),
        weights=tuple(_weight(row, categories[row["categories"]]) for row in data["weights"]),
    )


def _architecture(row: Mapping[str, Any]) -> ArchitectureEntry:
    lists = {name: tuple(row[name]) for name in ("weights", "licences")}
    maps = tuple(FeatureMapEntry(**each) for each in row["feature_maps"])
    return ArchitectureEntry(**{**row, **lists, "feature_maps": maps})


def _weight(row: Mapping[str, Any], categories: tuple[str, ...]) -> WeightEntry:
    return WeightEntry(
        **{
            **row,
            "categories": categories,
            "metrics": tuple(Metric(**metric) for metric in row["metrics"]),
            "preprocessing": InputContract.from_json(row["preprocessing"]),
        }
    )


def _short(reference: str) -> str:
    """Return a reference without its source."""
    for source in _SOURCES:
        reference = reference.removeprefix(source)
    return reference


def _spellings(weights: tuple[WeightEntry, ...]) -> dict[str, WeightEntry]:
    """Return every short spelling: `X_Weights.V1`, `X_Weights.DEFAULT`, `facebook/x`, `x`."""
    found = {}
    for entry in weights:
        short = _short(entry.reference)
        found[short] = entry
        if entry.is_default:
            found[f"{short.partition('.')[0]}.DEFAULT"] = entry
            found[entry.architecture_id] = entry
    return found

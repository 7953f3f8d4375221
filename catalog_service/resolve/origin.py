"""Where a spec's structure and numbers come from: a weight, a checkpoint, or nothing."""

from dataclasses import dataclass

from catalog_service.checkpoints.checkpoint import Checkpoint
from catalog_service.checkpoints.registry import Registry
from catalog_service.index.catalog_index import CatalogIndex
from catalog_service.index.entries import ArchitectureEntry, WeightEntry
from catalog_service.models.spec import ModelSpec
from catalog_service.weights.references import is_checkpoint


@dataclass(frozen=True, slots=True, kw_only=True)
class Origin:
    """Where structure and numbers come from; neither weight nor checkpoint: random numbers."""

    entry: ArchitectureEntry
    structure: WeightEntry
    weight: WeightEntry | None
    checkpoint: Checkpoint | None

    @property
    def reference(self) -> str:
        """Return the name of what the numbers are read from; empty where they are random."""
        if self.weight is not None:
            return self.weight.reference
        return self.checkpoint.name if self.checkpoint is not None else ""

    @property
    def is_whole(self) -> bool:
        """Return whether the numbers have a head: those of this very architecture, published."""
        return self.weight is not None and self.weight is self.structure

    @property
    def categories(self) -> tuple[str, ...]:
        """Return the classes of the published head, where its numbers are at hand."""
        return self.structure.categories if self.is_whole else ()


def numbers_of(
    spec: ModelSpec, entry: ArchitectureEntry, index: CatalogIndex, registry: Registry
) -> tuple[WeightEntry | None, Checkpoint | None]:
    """Return the weight or the checkpoint that a spec starts from; neither for random numbers.

    Raises:
        WeightsNotFound, CheckpointNotFound: with the nearest names.
    """
    if not spec.is_pretrained:
        return None, None
    if is_checkpoint(spec.weights):
        return None, registry.get(spec.weights)
    return index.weight(spec.weights or entry.architecture_id), None


def structure_of(
    entry: ArchitectureEntry,
    weight: WeightEntry | None,
    checkpoint: Checkpoint | None,
    index: CatalogIndex,
) -> WeightEntry:
    """Return whose recipe applies: the numbers' own, or the default where they are a backbone's."""
    own = weight
    if checkpoint is not None:
        own = index.weight(checkpoint.structure_of)
    if own is not None and own.architecture_id == entry.architecture_id:
        return own
    return index.default_weight(entry.architecture_id)


def statistics_of(origin: Origin) -> tuple[tuple[float, ...], tuple[float, ...]]:
    """Return mean and std of the images that the numbers have seen; empty: the structure's own."""
    if origin.checkpoint is not None:
        return origin.checkpoint.mean, origin.checkpoint.std
    if origin.weight is None or origin.is_whole or origin.weight.preprocessing is None:
        return (), ()
    return origin.weight.preprocessing.mean, origin.weight.preprocessing.std

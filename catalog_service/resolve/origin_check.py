"""Whether the numbers that a spec names fit the architecture that it names. No bytes are read."""

from catalog_service.checkpoints.checkpoint import Checkpoint
from catalog_service.errors import Violation, listed
from catalog_service.index.catalog_index import CatalogIndex
from catalog_service.index.entries import ArchitectureEntry, WeightEntry
from catalog_service.models.families.table import family_of
from catalog_service.models.spec import ModelSpec


def check_origin(
    spec: ModelSpec,
    entry: ArchitectureEntry,
    origin: WeightEntry | Checkpoint | None,
    index: CatalogIndex,
) -> list[Violation]:
    """Return what is wrong with the numbers' origin; another task on the same backbone is not.

    Args:
        origin: None for random numbers.
    """
    if origin is None:
        return []
    trunk = entry.backbone_architecture
    if index.architecture(origin.architecture_id).backbone_architecture != trunk:
        fitting = sorted({entry.architecture_id, trunk})
        why = (
            f"{spec.weights!r} is for {origin.architecture_id}, not for {entry.architecture_id}; "
            f"numbers of {listed(fitting)} fit"
        )
        return [Violation(field="weights", description=why)]
    is_bare = isinstance(origin, Checkpoint) or origin.architecture_id != entry.architecture_id
    if is_bare and spec.task is None and family_of(entry.architecture_id).head_modules:
        name = origin.name if isinstance(origin, Checkpoint) else origin.reference
        kind = "classification" if entry.task == "video" else entry.task
        why = f"{name} is a backbone without this head; give the spec a task, such as {kind}"
        return [Violation(field=kind, description=why)]
    return []

"""Whether the numbers that a spec names fit the architecture that it names. No bytes are read."""

from collections.abc import Mapping

from catalog_service.checkpoints.checkpoint import Checkpoint
from catalog_service.errors import Violation, listed
from catalog_service.index.catalog_index import CatalogIndex
from catalog_service.index.entries import ArchitectureEntry, WeightEntry
from catalog_service.models.families.table import family_of
from catalog_service.models.spec import ModelSpec
from catalog_service.resolve.model_head import is_own

WITHOUT_HEAD: Mapping[str, str] = {
    "torchvision/VGG16_Weights.IMAGENET1K_FEATURES": (
        "its classifier holds no numbers; start from torchvision/VGG16_Weights.IMAGENET1K_V1, or "
        "take features or a detector"
    ),
}
"""Weights with numbers in the backbone alone -> what to do. Source: torchvision/models/vgg.py,
`IMAGENET1K_FEATURES`: "missing values in the classifier module"."""


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
    why = _headless(spec, entry, origin)
    if why:
        return [Violation(field="weights", description=why)]
    if is_bare and spec.task is None and family_of(entry.architecture_id).head_modules:
        name = origin.name if isinstance(origin, Checkpoint) else origin.reference
        kind = "classification" if entry.task == "video" else entry.task
        why = f"{name} is a backbone without this head; give the spec a task, such as {kind}"
        return [Violation(field=kind, description=why)]
    return []


def _headless(spec: ModelSpec, entry: ArchitectureEntry, origin: WeightEntry | Checkpoint) -> str:
    """Return why a head of the architecture's own cannot come from weights that have none."""
    if isinstance(origin, Checkpoint) or origin.reference not in WITHOUT_HEAD:
        return ""
    if spec.task is not None and not is_own(entry, spec.task, spec.neck):
        return ""
    if origin.architecture_id != entry.architecture_id:
        return ""
    return f"{spec.weights!r} has no head: {WITHOUT_HEAD[origin.reference]}"

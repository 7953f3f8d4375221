"""Fine-tuning everything: our worker's loop beside the one that a person writes by hand."""

from catalog_service.models.freeze_plan import FreezeMode
from tests.benchmarks.rows import Row
from tests.benchmarks.trainings import Size, side_by_side


def measure(size: Size) -> list[Row]:
    """Return rows of the whole training."""
    return side_by_side("train_full", size, FreezeMode(kind="full"))

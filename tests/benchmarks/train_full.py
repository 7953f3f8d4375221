"""Fine-tuning everything: our worker's loop beside the one that a person writes by hand, timm's,
and Lightning's where it is installed.
"""

from catalog_service.models.freeze_plan import FreezeMode
from tests.benchmarks.peer_loops import peers
from tests.benchmarks.rows import Row
from tests.benchmarks.trainings import Size, side_by_side

__all__ = ["Size", "measure"]


def measure(size: Size) -> list[Row]:
    """Return rows of the whole training."""
    return side_by_side("train_full", size, FreezeMode(kind="full"), peers())

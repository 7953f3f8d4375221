"""Training a new head on a frozen backbone: ours beside `requires_grad = False`.

The naive loop leaves the model in training mode, as most do: its batch norms drift, so it does not
even train what was asked for. That is not what is measured here.
"""

from catalog_service.models.freeze_plan import FreezeMode
from tests.benchmarks.rows import Row
from tests.benchmarks.trainings import Size, side_by_side


def measure(size: Size) -> list[Row]:
    """Return rows of the whole training."""
    return side_by_side("train_frozen", size, FreezeMode(kind="frozen_backbone"))

"""The metrics of a pass in which every rank counted its own images."""

from collections.abc import Mapping

from trainer_service.datasets.batch import Batch
from trainer_service.jobs import Evaluation
from trainer_service.tasks.task import Counted, Learned, PassMetrics


class PassOfAll:
    """Over, with the same values on every rank.

    Args:
        values: the first rank's.
        counted: of all ranks; only the first one has them.
    """

    def __init__(self, values: Mapping[str, float], counted: PassMetrics | None) -> None:
        self._values = values
        self._counted = counted

    def update(self, learned: Learned, batch: Batch) -> None:
        """The pass is over."""
        raise AssertionError("metrics of a pass that is over count nothing")

    def add(self, counted: Counted) -> None:
        """The pass is over."""
        raise AssertionError("metrics of a pass that is over count nothing")

    def values(self) -> Mapping[str, float]:
        """Return them."""
        return self._values

    def evaluation(self) -> Evaluation:
        """Return the first rank's; the others have no classes to tell of, and nobody asks."""
        if self._counted is None:
            return Evaluation(metrics=self._values, num_images=0)
        return self._counted.evaluation()

    def state(self) -> Counted:
        """Return what was counted; nothing where this rank does not know."""
        return {} if self._counted is None else self._counted.state()

"""What every task can do."""

from collections.abc import Mapping
from typing import Protocol

from torch import Tensor


class PassMetrics(Protocol):
    """Metrics that grow batch by batch over one pass of a split."""

    def update(self, outputs: Tensor, labels: Tensor, loss: Tensor) -> None:
        """Count one batch; never waits for the device."""
        ...

    def values(self) -> Mapping[str, float]:
        """Return the metrics of all batches so far; waits for the device."""
        ...


class Task(Protocol):
    """One kind of learning."""

    def loss(self, outputs: Tensor, labels: Tensor) -> Tensor:
        """Return the mean loss of a batch, a scalar."""
        ...

    def batch_metrics(self, outputs: Tensor, labels: Tensor) -> Mapping[str, float]:
        """Return what is shown of a single step besides its loss; waits for the device."""
        ...

    def pass_metrics(self) -> PassMetrics:
        """Return metrics that have counted nothing yet."""
        ...

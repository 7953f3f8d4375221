"""What every task can do."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Protocol

from torch import Tensor, nn

from trainer_service.datasets.batch import Batch
from trainer_service.jobs import Evaluation

Outputs = Any
"""What the network gave: a tensor, a dict of tensors, or a list of detections."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Learned:
    """A batch's loss and what the network gave for it."""

    loss: Tensor
    """A scalar: the mean over what `Task.weight` counts."""
    outputs: Outputs
    """None where a network in training mode gives losses only."""


class PassMetrics(Protocol):
    """Metrics that grow batch by batch over one pass of a split."""

    def update(self, learned: Learned, batch: Batch) -> None:
        """Count one batch; never waits for the device."""
        ...

    def values(self) -> Mapping[str, float]:
        """Return the metrics of all batches so far; waits for the device."""
        ...

    def evaluation(self) -> Evaluation:
        """Return the same, class by class."""
        ...


class Task(Protocol):
    """One kind of learning: how a batch becomes a loss, and a pass becomes metrics."""

    def learn(self, network: nn.Module, batch: Batch) -> Learned:
        """Return loss (with its graph) and outputs of a batch; the network is in training mode."""
        ...

    def judge(self, network: nn.Module, batch: Batch) -> Learned:
        """Return the same in evaluation mode, without a graph."""
        ...

    def weight(self, batch: Batch) -> float:
        """Return what a batch's mean loss is a mean over: images, or pixels that count, or the sum
        of their class weights. Micro-batches are added up by it.
        """
        ...

    def batch_metrics(self, learned: Learned, batch: Batch) -> Mapping[str, float]:
        """Return what is shown of a single step besides its loss; waits for the device."""
        ...

    def pass_metrics(self) -> PassMetrics:
        """Return metrics that have counted nothing yet."""
        ...

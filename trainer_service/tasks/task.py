"""What every task can do."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Protocol

import torch
from torch import Tensor, nn

from trainer_service.datasets.batch import Batch
from trainer_service.jobs import Evaluation

Outputs = Any
"""What the network gave: a tensor, a dict of tensors, a list of dicts, or None."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Learned:
    """A batch's loss and what the network gave for it."""

    loss: Tensor
    """A scalar: the mean over what `Task.weight` counts."""
    outputs: Outputs
    """Detectors in training mode give a dict of their losses, otherwise a list of detections."""

    def detached(self) -> "Learned":
        """Return the same without its graph."""
        return Learned(loss=self.loss.detach(), outputs=_detached(self.outputs))


def _detached(outputs: Outputs) -> Outputs:
    if isinstance(outputs, Tensor):
        return outputs.detach()
    if isinstance(outputs, dict):
        return {name: _detached(each) for name, each in outputs.items()}
    if isinstance(outputs, list):
        return [_detached(each) for each in outputs]
    return outputs


Counted = Mapping[str, Tensor]
"""What metrics have counted, by names of their own."""


class PassMetrics(Protocol):
    """Metrics that grow batch by batch over one pass of a split."""

    def update(self, learned: Learned, batch: Batch) -> None:
        """Count one batch; never waits for the device (but for detections, which are few)."""
        ...

    def values(self) -> Mapping[str, float]:
        """Return the metrics of all batches so far; waits for the device."""
        ...

    def evaluation(self) -> Evaluation:
        """Return the same, class by class."""
        ...

    def state(self) -> Counted:
        """Return all that was counted so far."""
        ...

    def add(self, counted: Counted) -> None:
        """Count what another pass of the same task counted; tensors are on the device. Metrics that
        have counted nothing yet are those others afterwards, to the last bit.
        """
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
        of their class weights. Micro-batches are added up by it. It is 0 where nothing counts, and
        then so is the loss.
        """
        ...

    def batch_metrics(self, learned: Learned, batch: Batch) -> Mapping[str, float]:
        """Return what is shown of a single step besides its loss; waits for the device."""
        ...

    def pass_metrics(self) -> PassMetrics:
        """Return metrics that have counted nothing yet."""
        ...


class MeanLoss:
    """The mean loss of a pass, whatever the batches were. Stays on the device until it is read."""

    def __init__(self, device: torch.device) -> None:
        self._total = torch.zeros((), device=device, dtype=torch.float32)
        self._weight = torch.zeros((), device=device, dtype=torch.float32)

    def update(self, loss: Tensor, weight: Tensor | float) -> None:
        """Count a batch whose mean loss is over `weight`."""
        self._total += loss.detach() * weight
        self._weight += weight

    def value(self) -> float:
        """Return the mean; NaN before anything counted."""
        return float(self._total / self._weight)

    def state(self) -> Counted:
        """Return what was counted."""
        return {"total": self._total, "weight": self._weight}

    def add(self, counted: Counted) -> None:
        """Count what another one counted."""
        self._total += counted["total"]
        self._weight += counted["weight"]


def under(name: str, counted: Counted) -> Counted:
    """Return the same as a part of something larger."""
    return {f"{name}.{key}": tensor for key, tensor in counted.items()}


def part(counted: Counted, name: str) -> Counted:
    """Return that part again."""
    start = f"{name}."
    return {key.removeprefix(start): each for key, each in counted.items() if key.startswith(start)}


def as_count(number: int) -> Tensor:
    """Return a number as a tensor, [] int64."""
    return torch.tensor(number, dtype=torch.int64)


def joined(parts: Mapping[str, Sequence[Tensor]]) -> Counted:
    """Return rows of many batches together, where there are any."""
    return {name: torch.cat(list(rows)) for name, rows in parts.items() if rows}

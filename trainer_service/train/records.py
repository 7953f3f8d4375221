"""How good the model was, epoch by epoch: for plateaus, early stopping and the best epoch."""

import math
from collections.abc import Iterable, Mapping
from typing import Self

import torch
from torch import Tensor, nn

from trainer_service.snapshots.saved_state import SavedRecord


class Record:
    """The best value of one validation metric so far. Not a number is never better."""

    def __init__(self, metric: str, *, grows: bool, min_delta: float = 0.0) -> None:
        self.metric = metric
        self._sign = 1.0 if grows else -1.0
        self._min_delta = min_delta
        self._best = -math.inf
        self._num_epochs_skipped = 0
        self.num_epochs_since = 0
        """Epochs up to the last validation that brought nothing better."""

    def note(self, values: Mapping[str, float]) -> bool:
        """Count one epoch, and those skipped before it; say whether it was better than all
        before.
        """
        value = self._sign * values[self.metric]
        is_better = value > self._best + self._min_delta
        num_epochs = self.num_epochs_since + self._num_epochs_skipped + 1
        self.num_epochs_since = 0 if is_better else num_epochs
        self._num_epochs_skipped = 0
        self._best = value if is_better else self._best
        return is_better

    def skip(self) -> None:
        """Count one epoch that nobody judged: what it was worth shows at the next validation."""
        self._num_epochs_skipped += 1

    @property
    def is_set(self) -> bool:
        """Whether any epoch was better than nothing: a metric may be not a number all along."""
        return self._best > -math.inf

    def start_over(self) -> None:
        """Count epochs anew; what was reached stays the measure."""
        self.num_epochs_since = 0
        self._num_epochs_skipped = 0

    def state(self) -> SavedRecord:
        """Return how good it was so far."""
        return SavedRecord(
            best=self._best,
            num_epochs_since=self.num_epochs_since,
            num_epochs_skipped=self._num_epochs_skipped,
        )

    def go_on(self, saved: SavedRecord) -> None:
        """Go on from there."""
        self._best = saved.best
        self.num_epochs_since = saved.num_epochs_since
        self._num_epochs_skipped = saved.num_epochs_skipped

    def __str__(self) -> str:
        """Return `no better accuracy in 3 epochs`."""
        epochs = "epoch" if self.num_epochs_since == 1 else "epochs"
        return f"no better {self.metric} in {self.num_epochs_since} {epochs}"


class KeptState:
    """A copy of what training moves, as it was at one epoch. On the CPU: a device has no room."""

    def __init__(self, tensors: Mapping[str, Tensor]) -> None:
        self.tensors = {name: each.detach().to("cpu", copy=True) for name, each in tensors.items()}

    @classmethod
    def of(cls, model: nn.Module, names: Iterable[str]) -> Self:
        """Return a copy of these tensors of a model."""
        state = model.state_dict()
        return cls({name: state[name] for name in names})

    @torch.no_grad()
    def put_back(self, model: nn.Module) -> None:
        """Let the model be what it was."""
        state = model.state_dict()
        for name, tensor in self.tensors.items():
            state[name].copy_(tensor)


FALLING = frozenset({"loss", "mae"})
"""Validation metrics of which less is better; of all others more is."""


def grows(metric: str) -> bool:
    """Whether more of a metric is better."""
    return metric not in FALLING

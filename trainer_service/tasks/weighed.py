"""Losses as a sum and the weight it is a sum over, so that micro-batches add up to their batch."""

from dataclasses import dataclass

import torch
from torch import Tensor


@dataclass(frozen=True, slots=True, kw_only=True)
class Weighed:
    """A sum of losses, and of the weights in it."""

    total: Tensor
    weight: Tensor

    @property
    def mean(self) -> Tensor:
        """Return the loss; 0, with a gradient of 0, where nothing counts."""
        return self.total / torch.where(self.weight > 0, self.weight, torch.ones_like(self.weight))


def weights_of(classes: Tensor, class_weights: Tensor | None) -> Tensor:
    """Return the weight of each class index, float32: 1 where classes count alike."""
    if class_weights is None:
        return torch.ones_like(classes, dtype=torch.float32)
    return class_weights[classes]


def weight_tensor(weights: tuple[float, ...], device: torch.device) -> Tensor | None:
    """Return a plan's class weights on the device, or None where it has none."""
    return torch.tensor(weights, dtype=torch.float32, device=device) if weights else None

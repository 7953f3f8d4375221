"""One label per image: cross-entropy and the share of images whose largest output is right."""

from collections.abc import Mapping

import torch
from torch import Tensor
from torch.nn.functional import cross_entropy
from torchmetrics.classification import MulticlassAccuracy


class ClassificationMetrics:
    """Loss and accuracy over all images of a pass, whatever the batches were."""

    def __init__(self, num_outputs: int, device: torch.device) -> None:
        # Checks of their input would wait for the device at every batch.
        accuracy = MulticlassAccuracy(num_outputs, average="micro", validate_args=False)
        self._accuracy = accuracy.to(device)
        self._loss_sum = torch.zeros((), device=device)
        self._num_images = 0

    def update(self, outputs: Tensor, labels: Tensor, loss: Tensor) -> None:
        """Count one batch."""
        self._accuracy.update(outputs, labels)
        self._loss_sum += loss.detach() * len(labels)
        self._num_images += len(labels)

    def values(self) -> Mapping[str, float]:
        """Return `loss` and `accuracy`."""
        return {
            "loss": float(self._loss_sum) / self._num_images,
            "accuracy": float(self._accuracy.compute()),
        }


class Classification:
    """One label per image."""

    def __init__(self, num_outputs: int, device: torch.device) -> None:
        self._num_outputs = num_outputs
        self._device = device

    def loss(self, outputs: Tensor, labels: Tensor) -> Tensor:
        """Return the mean cross-entropy.

        Args:
            outputs: [B, num_outputs], logits.
            labels: [B], int64.
        """
        return cross_entropy(outputs, labels)

    def batch_metrics(self, outputs: Tensor, labels: Tensor) -> Mapping[str, float]:
        """Return `accuracy`."""
        return {"accuracy": float((outputs.argmax(dim=1) == labels).float().mean())}

    def pass_metrics(self) -> ClassificationMetrics:
        """Return loss and accuracy that have counted nothing yet."""
        return ClassificationMetrics(self._num_outputs, self._device)

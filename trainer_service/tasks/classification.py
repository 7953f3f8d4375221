"""One label per image: cross-entropy and the share of images whose largest output is right."""

from collections.abc import Mapping

import torch
from torch import Tensor, nn
from torch.nn.functional import cross_entropy
from torchmetrics.classification import MulticlassAccuracy

from trainer_service.datasets.batch import Batch
from trainer_service.jobs import Evaluation
from trainer_service.tasks.task import Learned


class ClassificationMetrics:
    """Loss and accuracy over all images of a pass, whatever the batches were."""

    def __init__(self, num_outputs: int, device: torch.device) -> None:
        # Checks of their input would wait for the device at every batch.
        accuracy = MulticlassAccuracy(num_outputs, average="micro", validate_args=False)
        self._accuracy = accuracy.to(device)
        self._loss_sum = torch.zeros((), device=device)
        self._num_images = 0

    def update(self, learned: Learned, batch: Batch) -> None:
        """Count one batch."""
        labels = batch.targets
        assert isinstance(labels, Tensor)
        self._accuracy.update(learned.outputs, labels)
        self._loss_sum += learned.loss.detach() * batch.num_images
        self._num_images += batch.num_images

    def values(self) -> Mapping[str, float]:
        """Return `loss` and `accuracy`."""
        return {
            "loss": float(self._loss_sum) / self._num_images,
            "accuracy": float(self._accuracy.compute()),
        }

    def evaluation(self) -> Evaluation:
        """Return the same."""
        return Evaluation(metrics=self.values(), num_images=self._num_images)


class Classification:
    """One label per image."""

    def __init__(self, num_outputs: int, device: torch.device) -> None:
        self._num_outputs = num_outputs
        self._device = device

    def learn(self, network: nn.Module, batch: Batch) -> Learned:
        """Return the mean cross-entropy of logits [B, num_outputs] and labels [B]."""
        outputs = network(batch.images)
        labels = batch.targets
        assert isinstance(labels, Tensor)
        return Learned(loss=cross_entropy(outputs, labels), outputs=outputs)

    def judge(self, network: nn.Module, batch: Batch) -> Learned:
        """Return the same."""
        return self.learn(network, batch)

    def weight(self, batch: Batch) -> float:
        """Return the number of images."""
        return float(batch.num_images)

    def batch_metrics(self, learned: Learned, batch: Batch) -> Mapping[str, float]:
        """Return `accuracy`."""
        return {"accuracy": float((learned.outputs.argmax(dim=1) == batch.targets).float().mean())}

    def pass_metrics(self) -> ClassificationMetrics:
        """Return loss and accuracy that have counted nothing yet."""
        return ClassificationMetrics(self._num_outputs, self._device)

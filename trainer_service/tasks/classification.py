"""One label per image: cross-entropy or its binary kind; accuracy, F1, who is taken for whom."""

from collections.abc import Callable, Mapping

import torch
from torch import Tensor, nn
from torch.nn.functional import binary_cross_entropy_with_logits, cross_entropy, one_hot

from trainer_service.datasets.batch import Batch
from trainer_service.jobs import Evaluation, LossSpec, TrainPlan
from trainer_service.tasks.class_counts import ClassCounts
from trainer_service.tasks.task import Counted, Learned, MeanLoss, as_count, part, under
from trainer_service.tasks.weighed import Weighed, weight_tensor, weights_of

ClassLoss = Callable[[Tensor, Tensor, LossSpec, Tensor | None], Weighed]
"""Takes logits [B, C], labels [B], the loss and the class weights [C]."""


def _cross_entropy(
    logits: Tensor, labels: Tensor, loss: LossSpec, class_weights: Tensor | None
) -> Weighed:
    """The mean is weighted by the true classes, as torch's own."""
    total = cross_entropy(
        logits,
        labels,
        weight=class_weights,
        label_smoothing=loss.label_smoothing,
        reduction="sum",
    )
    return Weighed(total=total, weight=weights_of(labels, class_weights).sum())


def _binary_cross_entropy(
    logits: Tensor, labels: Tensor, loss: LossSpec, class_weights: Tensor | None
) -> Weighed:
    """Every class against the rest, the mean over classes; the weight is of the positives."""
    truth = one_hot(labels, logits.shape[1]).to(logits.dtype)
    mean = binary_cross_entropy_with_logits(logits, truth, pos_weight=class_weights)
    weight = torch.full_like(mean, len(labels))
    return Weighed(total=mean * weight, weight=weight)


CLASS_LOSSES: Mapping[str, ClassLoss] = {
    "cross_entropy": _cross_entropy,
    "bce": _binary_cross_entropy,
}
"""By the loss's kind."""


def labels_of(batch: Batch) -> Tensor:
    """Return the batch's targets, which are a tensor."""
    assert isinstance(batch.targets, Tensor)
    return batch.targets


class ClassificationMetrics:
    """Over all images of a pass, whatever the batches were."""

    def __init__(self, task: "Classification", plan: TrainPlan, device: torch.device) -> None:
        self._task = task
        self._names = plan.output.class_names
        self._counts = ClassCounts(plan.output.shape[0], device)
        self._loss = MeanLoss(device)
        self._num_images = 0

    def update(self, learned: Learned, batch: Batch) -> None:
        """Count one batch."""
        labels = labels_of(batch)
        predicted = learned.outputs.argmax(dim=1)
        self._counts.add_choices(predicted, labels, torch.ones_like(labels, dtype=torch.bool))
        self._loss.update(learned.loss, self._task.weight_on_device(batch))
        self._num_images += batch.num_images

    def values(self) -> Mapping[str, float]:
        """Return `loss`, `accuracy` and `f1`, the mean over classes."""
        return {
            "loss": self._loss.value(),
            "accuracy": self._counts.accuracy(),
            "f1": self._counts.mean("f1"),
        }

    def evaluation(self) -> Evaluation:
        """Return the same with precision, recall and F1 of each class and the confusion matrix."""
        return Evaluation(
            metrics=self.values(),
            classes=self._counts.classes(("precision", "recall", "f1"), self._names),
            confusion=self._counts.confusion(),
            num_images=self._num_images,
        )

    def state(self) -> Counted:
        """Return what was counted."""
        parts = {**under("classes", self._counts.state()), **under("loss", self._loss.state())}
        return {**parts, "num_images": as_count(self._num_images)}

    def add(self, counted: Counted) -> None:
        """Count what another pass counted."""
        self._counts.add(part(counted, "classes"))
        self._loss.add(part(counted, "loss"))
        self._num_images += int(counted["num_images"])


class Classification:
    """One label per image."""

    def __init__(self, plan: TrainPlan, device: torch.device) -> None:
        self._plan = plan
        self._device = device
        self._class_weights = weight_tensor(plan.loss.class_weights.weights, device)

    def learn(self, network: nn.Module, batch: Batch) -> Learned:
        """Return the loss of logits [B, C] and labels [B], and the logits."""
        # Under autocast the logits are short floats; losses are computed in 32 bits.
        outputs = network(batch.images).float()
        formula = CLASS_LOSSES[self._plan.loss.kind]
        loss = formula(outputs, labels_of(batch), self._plan.loss, self._class_weights)
        return Learned(loss=loss.mean, outputs=outputs)

    def judge(self, network: nn.Module, batch: Batch) -> Learned:
        """Return the same."""
        return self.learn(network, batch)

    def weight(self, batch: Batch) -> float:
        """Return the number of images, or the sum of their class weights."""
        return float(self.weight_on_device(batch))

    def weight_on_device(self, batch: Batch) -> Tensor | float:
        """Return the same without waiting for the device."""
        if self._plan.loss.kind == "bce" or self._class_weights is None:
            return float(batch.num_images)
        return weights_of(labels_of(batch), self._class_weights).sum()

    def batch_metrics(self, learned: Learned, batch: Batch) -> Mapping[str, float]:
        """Return `accuracy`."""
        return {"accuracy": float((learned.outputs.argmax(dim=1) == batch.targets).float().mean())}

    def pass_metrics(self) -> ClassificationMetrics:
        """Return metrics that have counted nothing yet."""
        return ClassificationMetrics(self, self._plan, self._device)

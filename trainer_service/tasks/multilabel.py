"""Any number of labels per image: binary cross-entropy; average precision, F1, exact matches."""

from collections.abc import Mapping, Sequence
from dataclasses import replace

import torch
from torch import Tensor, nn
from torch.nn.functional import binary_cross_entropy_with_logits
from torchmetrics.functional.classification import binary_average_precision

from trainer_service.datasets.batch import Batch
from trainer_service.jobs import Evaluation, TrainPlan
from trainer_service.tasks.class_counts import ClassCounts
from trainer_service.tasks.classification import labels_of
from trainer_service.tasks.task import Counted, Learned, MeanLoss, joined, part, under
from trainer_service.tasks.weighed import weight_tensor


def average_precisions(logits: Tensor, truth: Tensor) -> tuple[float, ...]:
    """Return the average precision of each class; NaN where it is true nowhere.

    Args:
        logits: [N, K].
        truth: [N, K], 0 or 1.

    Source: torchmetrics, without bins.
    """
    truth = truth.long()
    return tuple(
        float(binary_average_precision(_places(logits[:, label]), truth[:, label]))
        if bool(truth[:, label].any())
        else float("nan")
        for label in range(truth.shape[1])
    )


def _places(logits: Tensor) -> Tensor:
    """Return where each one is among all, from 0 to 1: the sigmoids of sure logits (17 and more)
    are all 1 in 32 bits, and would be ties.
    """
    places: Tensor = logits.unique(return_inverse=True)[1].float()  # type: ignore[no-untyped-call]
    largest = places.max().clamp(min=1)
    return places / largest


def right_images(logits: Tensor, truth: Tensor) -> Tensor:
    """Return which images have all labels right, [B] bool, at a probability of 1/2."""
    return ((logits > 0) == (truth > 0)).all(dim=1)


class MultilabelMetrics:
    """Over all images of a pass. Every image's logits are kept: a ranking needs them all."""

    def __init__(self, plan: TrainPlan, device: torch.device) -> None:
        self._names: Sequence[str] = plan.output.class_names
        self._counts = ClassCounts(plan.output.shape[0], device)
        self._loss = MeanLoss(device)
        self._logits: list[Tensor] = []
        self._truth: list[Tensor] = []

    def update(self, learned: Learned, batch: Batch) -> None:
        """Count one batch."""
        logits, truth = learned.outputs.detach(), labels_of(batch)
        self._counts.add_labels(logits > 0, truth > 0)
        self._loss.update(learned.loss, batch.num_images)
        self._logits.append(logits)
        self._truth.append(truth)

    def values(self) -> Mapping[str, float]:
        """Return `loss`, `map` and `f1` as means over classes, and `exact_match`."""
        return self._means(self._precisions())

    def evaluation(self) -> Evaluation:
        """Return the same with precision, recall, F1 and average precision of each class."""
        precisions = self._precisions()
        classes = self._counts.classes(("precision", "recall", "f1"), self._names)
        return Evaluation(
            metrics=self._means(precisions),
            classes=tuple(
                replace(each, metrics={**each.metrics, "ap": precision})
                for each, precision in zip(classes, precisions, strict=True)
            ),
            num_images=sum(len(each) for each in self._truth),
        )

    def state(self) -> Counted:
        """Return what was counted."""
        parts = {**under("classes", self._counts.state()), **under("loss", self._loss.state())}
        return {**parts, **joined({"logits": self._logits, "truth": self._truth})}

    def add(self, counted: Counted) -> None:
        """Count what another pass counted."""
        self._counts.add(part(counted, "classes"))
        self._loss.add(part(counted, "loss"))
        if "logits" in counted:
            self._logits.append(counted["logits"])
            self._truth.append(counted["truth"])

    def _means(self, precisions: tuple[float, ...]) -> Mapping[str, float]:
        right = right_images(torch.cat(self._logits), torch.cat(self._truth))
        return {
            "loss": self._loss.value(),
            "map": float(torch.tensor(precisions).nanmean()),
            "f1": self._counts.mean("f1"),
            "exact_match": float(right.float().mean()),
        }

    def _precisions(self) -> tuple[float, ...]:
        return average_precisions(torch.cat(self._logits), torch.cat(self._truth))


class Multilabel:
    """Any number of labels per image."""

    def __init__(self, plan: TrainPlan, device: torch.device) -> None:
        self._plan = plan
        self._device = device
        self._positive_weights = weight_tensor(plan.loss.class_weights.weights, device)

    def learn(self, network: nn.Module, batch: Batch) -> Learned:
        """Return the binary cross-entropy of logits and targets [B, K], and the logits."""
        outputs = network(batch.images).float()
        loss = binary_cross_entropy_with_logits(
            outputs, labels_of(batch), pos_weight=self._positive_weights
        )
        return Learned(loss=loss, outputs=outputs)

    def judge(self, network: nn.Module, batch: Batch) -> Learned:
        """Return the same."""
        return self.learn(network, batch)

    def weight(self, batch: Batch) -> float:
        """Return the number of images."""
        return float(batch.num_images)

    def batch_metrics(self, learned: Learned, batch: Batch) -> Mapping[str, float]:
        """Return `exact_match`."""
        return {
            "exact_match": float(right_images(learned.outputs, labels_of(batch)).float().mean())
        }

    def pass_metrics(self) -> MultilabelMetrics:
        """Return metrics that have counted nothing yet."""
        return MultilabelMetrics(self._plan, self._device)

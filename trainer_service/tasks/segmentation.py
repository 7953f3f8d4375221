"""A class for every pixel: cross-entropy, Dice and their sums; IoU, F1, and pixels that are right.

Background is a class like any other: it is in the means over classes.
"""

from collections.abc import Mapping
from typing import Any

import torch
from torch import Tensor, nn

from trainer_service.datasets.batch import Batch
from trainer_service.jobs import Evaluation, TrainPlan
from trainer_service.tasks.class_counts import ClassCounts, share
from trainer_service.tasks.classification import labels_of
from trainer_service.tasks.pixel_losses import Mask, pixel_loss
from trainer_service.tasks.task import Counted, Learned, MeanLoss, as_count, part, under
from trainer_service.tasks.weighed import weight_tensor

AUX_WEIGHT = 0.5
"""Of the auxiliary head's loss. Source: torchvision, references/segmentation/train.py."""


class SegmentationMetrics:
    """Over all pixels of a pass that count, whatever the batches were."""

    def __init__(self, task: "Segmentation", plan: TrainPlan, device: torch.device) -> None:
        self._task = task
        self._names = plan.output.class_names
        self._is_multilabel = is_multilabel(plan)
        self._counts = ClassCounts(plan.output.shape[0], device)
        self._loss = MeanLoss(device)
        self._num_right = torch.zeros((), dtype=torch.int64, device=device)
        self._num_answers = torch.zeros((), dtype=torch.int64, device=device)
        self._num_images = 0

    def update(self, learned: Learned, batch: Batch) -> None:
        """Count one batch."""
        mask = self._task.mask(batch)
        if self._is_multilabel:
            self._counts.add_labels(*pixel_labels(learned.outputs, mask))
        else:
            self._counts.add_choices(learned.outputs.argmax(1), mask.classes, mask.counted)
        right, num_answers = right_answers(learned.outputs, mask, self._is_multilabel)
        self._num_right += right
        self._num_answers += num_answers
        self._loss.update(learned.loss, self._task.weight_on_device(batch))
        self._num_images += batch.num_images

    def values(self) -> Mapping[str, float]:
        """Return `loss`, `iou` and `f1` as means over classes, and `accuracy` over pixels."""
        return {
            "loss": self._loss.value(),
            "iou": self._counts.mean("iou"),
            "f1": self._counts.mean("f1"),
            "accuracy": share(self._num_right, self._num_answers),
        }

    def evaluation(self) -> Evaluation:
        """Return the same of each class, with precision and recall, and pixels as a confusion
        matrix; not where a pixel may be of several classes.
        """
        metrics = ("iou", "f1", "precision", "recall")
        return Evaluation(
            metrics=self.values(),
            classes=self._counts.classes(metrics, self._names),
            confusion=() if self._is_multilabel else self._counts.confusion(),
            num_images=self._num_images,
        )

    def state(self) -> Counted:
        """Return what was counted."""
        parts = {**under("classes", self._counts.state()), **under("loss", self._loss.state())}
        right = {"num_right": self._num_right, "num_answers": self._num_answers}
        return {**parts, **right, "num_images": as_count(self._num_images)}

    def add(self, counted: Counted) -> None:
        """Count what another pass counted."""
        self._counts.add(part(counted, "classes"))
        self._loss.add(part(counted, "loss"))
        self._num_right += counted["num_right"]
        self._num_answers += counted["num_answers"]
        self._num_images += int(counted["num_images"])


def is_multilabel(plan: TrainPlan) -> bool:
    """Whether a pixel may be of several classes to the model."""
    return plan.output.activation == "sigmoid"


def pixel_labels(logits: Tensor, mask: Mask) -> tuple[Tensor, Tensor]:
    """Return predicted and true labels of pixels, [B * H * W, C] bool, none where none counts."""
    counted = mask.counted[..., None]
    predicted = (logits > 0).movedim(1, -1) & counted
    true = (mask.truth(logits.shape[1]) > 0).movedim(1, -1) & counted
    return predicted.flatten(0, 2), true.flatten(0, 2)


def right_answers(logits: Tensor, mask: Mask, multilabel: bool) -> tuple[Tensor, Tensor]:
    """Return how many answers are right, and of how many: pixels, or pixels times classes."""
    num_pixels = mask.counted.sum()
    if not multilabel:
        return ((logits.argmax(1) == mask.classes) & mask.counted).sum(), num_pixels
    num_classes = logits.shape[1]
    is_right = (logits > 0) == (mask.truth(num_classes) > 0)
    return (is_right & mask.counted[:, None]).sum(), num_pixels * num_classes


class Segmentation:
    """A class for every pixel."""

    def __init__(self, plan: TrainPlan, device: torch.device) -> None:
        self._plan = plan
        self._device = device
        self._class_weights = weight_tensor(plan.loss.class_weights.weights, device)
        self._loss = pixel_loss(plan.loss.kind, is_multilabel=is_multilabel(plan))

    def learn(self, network: nn.Module, batch: Batch) -> Learned:
        """Return the loss of logits [B, C, H, W] and masks [B, H, W], and the logits.

        An auxiliary head's loss is part of it.
        """
        outputs: Any = network(batch.images)
        mask = self.mask(batch)
        if isinstance(outputs, Tensor):
            outputs = {"out": outputs}
        loss = self._mean(outputs["out"], mask)
        if "aux" in outputs:
            loss = loss + AUX_WEIGHT * self._mean(outputs["aux"], mask)
        return Learned(loss=loss, outputs=outputs["out"].float())

    def judge(self, network: nn.Module, batch: Batch) -> Learned:
        """Return the same."""
        return self.learn(network, batch)

    def _mean(self, logits: Tensor, mask: Mask) -> Tensor:
        # Under autocast the logits are short floats; losses are computed in 32 bits.
        return self._loss(logits.float(), mask, self._plan.loss, self._class_weights).mean

    def mask(self, batch: Batch) -> Mask:
        """Return the batch's masks."""
        return Mask.of(labels_of(batch), self._plan.loss.ignore_index)

    def weight(self, batch: Batch) -> float:
        """Return the number of pixels that count, or the sum of their class weights, or with Dice
        the number of images in which a pixel counts.
        """
        return float(self.weight_on_device(batch))

    def weight_on_device(self, batch: Batch) -> Tensor:
        """Return the same without waiting for the device."""
        return self._loss.weight(self.mask(batch), self._class_weights)

    def batch_metrics(self, learned: Learned, batch: Batch) -> Mapping[str, float]:
        """Return `accuracy`."""
        mask = self.mask(batch)
        right, num_answers = right_answers(learned.outputs, mask, is_multilabel(self._plan))
        return {"accuracy": share(right, num_answers)}

    def pass_metrics(self) -> SegmentationMetrics:
        """Return metrics that have counted nothing yet."""
        return SegmentationMetrics(self, self._plan, self._device)

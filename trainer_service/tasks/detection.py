"""Boxes, with masks or keypoints: torchvision's own losses, COCO's average precision.

A detector has losses only while it learns, and boxes only while it does not; so a training pass has
no precision, and a validation no loss.
"""

from collections.abc import Mapping

import torch
from torch import Tensor, nn

from trainer_service.datasets.batch import Batch, ObjectTargets
from trainer_service.jobs import ClassEvaluation, Evaluation, TrainPlan
from trainer_service.tasks.detector_modes import giving_losses
from trainer_service.tasks.object_precision import (
    BOXES,
    KEYPOINTS,
    MASKS,
    Judgement,
    ObjectPrecision,
    Precision,
)
from trainer_service.tasks.task import Counted, Learned, MeanLoss, as_count, part, under

BACKGROUND = "__background__"
"""Label 0 of a detector's classes."""

LEARNED_FROM = ("boxes", "labels", "masks", "keypoints")
"""What torchvision's losses read of an image's targets."""


def objects_of(batch: Batch) -> list[ObjectTargets]:
    """Return the batch's targets, which are a list."""
    assert isinstance(batch.targets, list)
    return batch.targets


def to_learn_from(targets: ObjectTargets) -> ObjectTargets:
    """Return an image's objects without crowds: a box around many is no object.

    Source: torchvision, references/detection/coco_utils.py.
    """
    crowd = targets.get("is_crowd")
    kept = {name: targets[name] for name in LEARNED_FROM if name in targets}
    return kept if crowd is None else {name: each[~crowd] for name, each in kept.items()}


def class_names(plan: TrainPlan) -> tuple[str, ...]:
    """Return the names of labels 1 and up."""
    names = plan.output.class_names
    return names[1:] if names[:1] == (BACKGROUND,) else names


class DetectionMetrics:
    """Over all images of a pass: mean losses of one that learned, precision of one that judged."""

    def __init__(self, task: "Detection", plan: TrainPlan, device: torch.device) -> None:
        self._names = class_names(plan)
        self._device = device
        self._losses: dict[str, MeanLoss] = {}
        self._judged = {
            metric: ObjectPrecision(judgement, len(self._names))
            for metric, judgement in task.judgements.items()
        }
        self._num_images = 0

    def update(self, learned: Learned, batch: Batch) -> None:
        """Count one batch. Detections are brought to the CPU: there they are compared."""
        self._num_images += batch.num_images
        if isinstance(learned.outputs, dict):
            for name, loss in {"loss": learned.loss, **learned.outputs}.items():
                mean = self._losses.setdefault(name, MeanLoss(self._device))
                mean.update(loss, batch.num_images)
            return
        found, true = on_cpu(learned.outputs), on_cpu(objects_of(batch))
        for judged in self._judged.values():
            judged.update(found, true)

    def values(self) -> Mapping[str, float]:
        """Return `loss` and its parts, or `map`, `map_50` and their like."""
        return self.evaluation().metrics

    def evaluation(self) -> Evaluation:
        """Return precision with that of each class, or the losses."""
        if self._losses:
            losses = {name: mean.value() for name, mean in self._losses.items()}
            return Evaluation(metrics=losses, num_images=self._num_images)
        said = {metric: judged.precision() for metric, judged in self._judged.items()}
        metrics = {name: value for each in said.values() for name, value in each.metrics.items()}
        return Evaluation(metrics=metrics, classes=self._classes(said), num_images=self._num_images)

    def state(self) -> Counted:
        """Return what was counted: losses by their names, or objects."""
        counted = {"num_images": as_count(self._num_images)}
        for number, (name, mean) in enumerate(self._losses.items()):
            # Files sort their names; readers see the detector's own order.
            counted |= under(f"losses.{number:02}.{name}", mean.state())
        if not self._losses:
            counted |= {f"judged.{name}": each.state() for name, each in self._judged.items()}
        return counted

    def add(self, counted: Counted) -> None:
        """Count what another pass counted."""
        self._num_images += int(counted["num_images"])
        losses = part(counted, "losses")
        for numbered in sorted({key.rpartition(".")[0] for key in losses}):
            name = numbered.partition(".")[2]
            self._losses.setdefault(name, MeanLoss(self._device)).add(part(losses, numbered))
        for name, objects in part(counted, "judged").items():
            self._judged[name].add(objects)

    def _classes(self, said: Mapping[str, Precision]) -> tuple[ClassEvaluation, ...]:
        counts = self._judged["ap"].num_true()
        return tuple(
            ClassEvaluation(
                name=name,
                metrics={metric: each.of_classes[number] for metric, each in said.items()},
                num_true=counts[number],
            )
            for number, name in enumerate(self._names)
        )


def on_cpu(objects: list[ObjectTargets]) -> list[ObjectTargets]:
    """Return objects of images on the CPU."""
    return [{name: each.detach().cpu() for name, each in image.items()} for image in objects]


JUDGEMENTS: Mapping[str, Mapping[str, Judgement]] = {
    "detection": {"ap": BOXES},
    "instance_segmentation": {"ap": BOXES, "mask_ap": MASKS},
    "keypoints": {"ap": BOXES, "keypoint_ap": KEYPOINTS},
}
"""By task: a class's metric, and how it is judged."""


class Detection:
    """Objects in an image."""

    def __init__(self, plan: TrainPlan, device: torch.device) -> None:
        self._plan = plan
        self._device = device
        self.judgements = JUDGEMENTS[plan.task]

    def learn(self, network: nn.Module, batch: Batch) -> Learned:
        """Return the sum of the detector's losses, and each of them."""
        with giving_losses(network):
            losses: dict[str, Tensor] = network(
                batch.images, [to_learn_from(each) for each in objects_of(batch)]
            )
        parts = {name: loss.detach() for name, loss in losses.items()}
        return Learned(loss=torch.stack(list(losses.values())).sum(), outputs=parts)

    def judge(self, network: nn.Module, batch: Batch) -> Learned:
        """Return what the detector found, and no loss: 0."""
        found = network(batch.images)
        return Learned(loss=torch.zeros((), device=self._device), outputs=found)

    def weight(self, batch: Batch) -> float:
        """Return the number of images. Within an image some of torchvision's losses are means over
        drawn proposals, so micro-batches come near to their batch, and are not equal to it.
        """
        return float(batch.num_images)

    def batch_metrics(self, learned: Learned, batch: Batch) -> Mapping[str, float]:
        """Return the parts of the loss."""
        return {name: float(loss) for name, loss in learned.outputs.items()}

    def pass_metrics(self) -> DetectionMetrics:
        """Return metrics that have counted nothing yet."""
        return DetectionMetrics(self, self._plan, self._device)

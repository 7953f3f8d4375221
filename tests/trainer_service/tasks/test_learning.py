"""Every task learns: a real model, a few drawn images, a few steps, and it knows them."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import pytest
import torch
from torch import Tensor, nn

from catalog_service.models.skeleton import build
from catalog_service.models.tasks import (
    ClassificationTask,
    DetectionTask,
    InstanceSegmentationTask,
    KeypointsTask,
    RegressionTask,
    SegmentationTask,
    Task,
)
from tests.fakes.composed_recipes import recipe_of
from tests.fakes.task_plans import CPU, batch_of, loss_spec, task_plan
from trainer_service.datasets.batch import Batch, ObjectTargets
from trainer_service.jobs.metrics_table import LOSSES_OF_TASK, MAIN_METRICS
from trainer_service.tasks.table import task_for

SIDE_PX = 32
NUM_IMAGES = 6
COLOURS = ((1.0, 0.0, 0.0), (0.0, 1.0, 0.0), (0.0, 0.0, 1.0))


@dataclass(frozen=True, slots=True, kw_only=True)
class Square:
    """One square on a grey image."""

    label: int
    left: int
    top: int
    size: int

    @property
    def part(self) -> tuple[slice, slice]:
        """Return its rows and columns."""
        return slice(self.top, self.top + self.size), slice(self.left, self.left + self.size)


SQUARES = tuple(
    Square(label=number % 3, left=2 + 2 * number, top=14 - 2 * number, size=12 + 2 * (number % 3))
    for number in range(NUM_IMAGES)
)


def drawn() -> Tensor:
    """Return an image of each square, [NUM_IMAGES, 3, SIDE_PX, SIDE_PX]."""
    images = torch.full((NUM_IMAGES, 3, SIDE_PX, SIDE_PX), 0.4)
    for image, square in zip(images, SQUARES, strict=True):
        image[:, *square.part] = torch.tensor(COLOURS[square.label])[:, None, None]
    return images


def labels() -> Tensor:
    """Return the colour of each square."""
    return torch.tensor([square.label for square in SQUARES])


def masks() -> Tensor:
    """Return 0 for the ground and 1 and up for colours."""
    found = torch.zeros(NUM_IMAGES, SIDE_PX, SIDE_PX, dtype=torch.int64)
    for mask, square in zip(found, SQUARES, strict=True):
        mask[square.part] = square.label + 1
    return found


def objects() -> list[ObjectTargets]:
    """Return each square as an object with its mask and its corners."""
    return [
        {
            "boxes": torch.tensor([[s.left, s.top, s.left + s.size, s.top + s.size]]).float(),
            "labels": torch.tensor([s.label + 1]),
            "masks": (mask > 0).to(torch.uint8)[None],
            "keypoints": torch.tensor(
                [[[s.left, s.top, 1], [s.left + s.size - 1, s.top + s.size - 1, 1]]]
            ).float(),
        }
        for s, mask in zip(SQUARES, masks(), strict=True)
    ]


VECTORS: Mapping[str, tuple[Task, Any]] = {
    "classification": (ClassificationTask(num_classes=3), labels),
    "multilabel": (
        ClassificationTask(num_classes=3, multilabel=True),
        lambda: (torch.eye(3)[labels()] + torch.eye(3)[0]).clamp(max=1),
    ),
    "regression": (
        RegressionTask(num_targets=2),
        lambda: torch.tensor([[s.left, 100.0 * s.top] for s in SQUARES]),
    ),
}

DETECTORS: Mapping[str, Task] = {
    "detection": DetectionTask(num_classes=3),
    "instance_segmentation": InstanceSegmentationTask(num_classes=3),
    "keypoints": KeypointsTask(num_keypoints=2, class_names=("red", "green", "blue")),
}


def main_metric_after(
    model: nn.Module, plan: Any, batch: Batch, *, num_steps: int, lr: float = 1e-3
) -> float:
    """Return the task's main metric after so many steps on one batch."""
    torch.set_num_threads(1)
    task = task_for(plan, CPU)
    optimizer = torch.optim.AdamW(model.parameters(), lr=lr)
    model.train()
    for _ in range(num_steps):
        optimizer.zero_grad()
        task.learn(model, batch).loss.backward()  # type: ignore[no-untyped-call]
        optimizer.step()
    metrics = task.pass_metrics()
    with torch.no_grad():
        metrics.update(task.judge(model.eval(), batch), batch)
    return metrics.values()[MAIN_METRICS[plan.task].name]


def model_for(task: Task, neck: str = "") -> nn.Module:
    """Return a small model whose batch norms settle within a few steps."""
    with torch.random.fork_rng():
        torch.manual_seed(0)
        model = build(recipe_of("resnet18", task, neck))
    for module in model.modules():
        if isinstance(module, nn.BatchNorm2d):
            module.momentum = 0.5
    return model


@pytest.mark.parametrize(
    ("kind", "loss"), [(kind, loss) for kind in VECTORS for loss in LOSSES_OF_TASK[kind]]
)
def test_images_are_learned(kind: str, loss: str) -> None:
    task, targets = VECTORS[kind]
    truth = targets()
    units = (
        {"target_mean": tuple(truth.mean(0).tolist()), "target_std": tuple(truth.std(0).tolist())}
        if kind == "regression"
        else {}
    )
    plan = task_plan(kind, task.num_outputs, loss=loss_spec(loss), **units)
    batch = batch_of(drawn(), truth)

    assert main_metric_after(model_for(task), plan, batch, num_steps=0) < 0.65
    assert main_metric_after(model_for(task), plan, batch, num_steps=15) > 0.7


@pytest.mark.parametrize("loss", LOSSES_OF_TASK["segmentation"])
def test_masks_are_learned(loss: str) -> None:
    task = SegmentationTask(num_classes=4)
    plan = task_plan("segmentation", 4, loss=loss_spec(loss))
    batch = batch_of(drawn(), masks())

    assert main_metric_after(model_for(task, "fpn"), plan, batch, num_steps=0) < 0.3
    assert main_metric_after(model_for(task, "fpn"), plan, batch, num_steps=12) > 0.5


@pytest.mark.full
@pytest.mark.parametrize("kind", DETECTORS)
def test_objects_are_learned(kind: str) -> None:
    names = ("__background__", "red", "green", "blue")
    plan = task_plan(kind, 3, kind="detections", class_names=names)
    batch = batch_of(list(drawn()), objects())
    model = model_for(DETECTORS[kind], "fpn")

    assert main_metric_after(model, plan, batch, num_steps=0) < 0.1
    assert main_metric_after(model, plan, batch, num_steps=80, lr=3e-4) > 0.5

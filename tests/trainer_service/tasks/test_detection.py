"""Boxes, masks and keypoints: losses whatever is frozen, and precision of what is found."""

from collections.abc import Mapping
from typing import Any

import pytest
import torch
from torch import Tensor, nn

from catalog_service.models.contracts import OutputContract
from catalog_service.models.skeleton import build
from tests.fakes.composed_recipes import DETECTORS, recipe_of, thrifty
from tests.fakes.detection_targets import images, targets
from tests.fakes.task_plans import CPU, Answer, batch_of, task_plan
from trainer_service.datasets.batch import Batch
from trainer_service.jobs import TrainPlan
from trainer_service.jobs.metrics_table import EPOCH_METRICS
from trainer_service.tasks.table import task_for

KINDS = {
    "detection": "faster_rcnn",
    "instance_segmentation": "mask_rcnn",
    "keypoints": "keypoint_rcnn",
}
NAMES = ("__background__", "a", "b", "c", "d")


def plan(kind: str) -> TrainPlan:
    """Return a plan of four classes."""
    return task_plan(kind, 4, kind="detections", activation="none", class_names=NAMES)


def detector(head: str) -> nn.Module:
    """Return a small detector that is the same in every test."""
    with torch.random.fork_rng():
        torch.manual_seed(0)
        model: nn.Module = thrifty(build(recipe_of("resnet18", DETECTORS[head], "fpn")))
    return model


def batch() -> Batch:
    """Return two images of noise with one object each."""
    return batch_of(images(), targets())


@pytest.fixture(autouse=True)
def _one_thread() -> None:
    torch.set_num_threads(1)


@pytest.mark.parametrize("head", ["faster_rcnn", "retinanet", "fcos", "mask_rcnn", "keypoint_rcnn"])
def test_a_detector_learns_whatever_of_it_is_in_evaluation_mode(head: str) -> None:
    """Frozen parts are; asked plainly, such a model answers with boxes, of which nothing learns."""
    model = detector(head).eval()
    task = task_for(plan("detection"), CPU)

    learned = task.learn(model, batch())

    assert learned.loss.requires_grad
    assert learned.loss.item() == pytest.approx(sum(learned.outputs.values()).item(), rel=1e-5)
    assert not any(module.training for module in model.modules())
    assert not isinstance(model(*_plain(batch())), Mapping)


def _plain(batch: Batch) -> tuple[Any, Any]:
    return batch.images, batch.targets


def test_learning_leaves_batch_norms_of_a_frozen_part_alone() -> None:
    model = detector("faster_rcnn").eval()
    before = {name: buffer.clone() for name, buffer in model.named_buffers()}

    task_for(plan("detection"), CPU).learn(model, batch())

    assert all(torch.equal(before[name], buffer) for name, buffer in model.named_buffers())
    model.train()
    task_for(plan("detection"), CPU).learn(model, batch())
    assert not all(torch.equal(before[name], buffer) for name, buffer in model.named_buffers())


class Listening(nn.Module):
    """Keeps the targets that it was given, and gives two losses."""

    def forward(self, images: Any, targets: list[dict[str, Tensor]]) -> dict[str, Tensor]:
        """Return losses."""
        self.targets = targets
        return {"loss_box": torch.tensor(2.0), "loss_label": torch.tensor(1.0)}


def test_nothing_is_learned_from_a_crowd() -> None:
    """A box around many is no object; torchvision's losses would take it for one."""
    asked = batch_of(images(), [{**each, "is_crowd": torch.tensor([True])} for each in targets()])
    model = Listening()

    task_for(plan("instance_segmentation"), CPU).learn(model, asked)

    for each in model.targets:
        assert set(each) == {"boxes", "labels", "masks", "keypoints"}
        assert all(len(tensor) == 0 for tensor in each.values())


def test_a_training_pass_says_the_mean_of_each_loss() -> None:
    task = task_for(plan("detection"), CPU)
    metrics, asked = task.pass_metrics(), batch()

    for _ in range(3):
        metrics.update(task.learn(Listening(), asked).detached(), asked)

    assert metrics.values() == {"loss": 3.0, "loss_box": 2.0, "loss_label": 1.0}
    assert metrics.evaluation().num_images == 6


def perfect(kind: str) -> list[dict[str, Tensor]]:
    """Return what a detector finds that is always right."""
    return [
        {
            "boxes": each["boxes"],
            "labels": each["labels"],
            "scores": torch.tensor([0.9]),
            "masks": each["masks"][:, None].float(),
            "keypoints": each["keypoints"],
        }
        for each in targets()
    ]


@pytest.mark.parametrize("kind", KINDS)
def test_a_detector_that_is_always_right_has_full_precision(kind: str) -> None:
    task = task_for(plan(kind), CPU)
    metrics, asked = task.pass_metrics(), batch()

    metrics.update(task.judge(Answer(perfect(kind)), asked), asked)

    evaluation = metrics.evaluation()
    assert set(EPOCH_METRICS[kind]) <= set(evaluation.metrics)
    assert all(value == pytest.approx(1.0) for value in evaluation.metrics.values())
    assert [each.name for each in evaluation.classes] == ["a", "b", "c", "d"]
    assert [each.num_true for each in evaluation.classes] == [2, 0, 0, 0]
    assert all(value == pytest.approx(1.0) for value in evaluation.classes[0].metrics.values())


@pytest.mark.parametrize("kind", KINDS)
def test_wrong_labels_have_none(kind: str) -> None:
    task = task_for(plan(kind), CPU)
    metrics, asked = task.pass_metrics(), batch()
    mistaken = [{**each, "labels": each["labels"] + 1} for each in perfect(kind)]

    metrics.update(task.judge(Answer(mistaken), asked), asked)

    assert set(metrics.values().values()) == {0.0}


@pytest.mark.parametrize("kind", KINDS)
def test_a_real_detector_is_judged(kind: str) -> None:
    """Its masks are probabilities with a channel, its keypoints have scores of their own."""
    model = detector(KINDS[kind]).eval()
    task = task_for(plan(kind), CPU)
    metrics, asked = task.pass_metrics(), batch()

    with torch.no_grad():
        learned = task.judge(model, asked)
    metrics.update(learned, asked)

    assert sum(len(each["boxes"]) for each in learned.outputs) > 0
    assert learned.loss.item() == 0
    assert all(0 <= value <= 1 for value in metrics.values().values())


def test_an_image_without_objects_teaches_what_is_none() -> None:
    """Torchvision takes boxes of shape [0, 4]; such images are in every data set."""
    nothing = {
        "boxes": torch.zeros(0, 4),
        "labels": torch.zeros(0, dtype=torch.int64),
        "masks": torch.zeros(0, 64, 64, dtype=torch.uint8),
        "keypoints": torch.zeros(0, 3, 3),
    }
    empty = batch_of(images(), [nothing, nothing])

    for kind, head in KINDS.items():
        learned = task_for(plan(kind), CPU).learn(detector(head).train(), empty)

        assert torch.isfinite(learned.loss.detach())
        assert learned.loss.requires_grad


def test_classes_may_come_without_background() -> None:
    contract = task_plan("detection", 2, kind="detections", class_names=("x", "y"))
    metrics = task_for(contract, CPU).pass_metrics()

    assert isinstance(contract.output, OutputContract)
    assert [each.name for each in metrics.evaluation().classes] == ["x", "y"]

"""IoU, F1 and pixels that are right, beside numpy and torchmetrics, however a pass was cut."""

import math
from typing import Any

import numpy as np
import pytest
import torch
from torch import Tensor
from torchmetrics.functional.classification import (
    multiclass_confusion_matrix,
    multiclass_f1_score,
    multiclass_jaccard_index,
)

from tests.fakes.task_plans import CPU, Answer, batch_of, loss_spec, parts_of, task_plan
from trainer_service.jobs import Evaluation
from trainer_service.tasks.table import task_for

NUM_CLASSES = 4
IGNORED = 255


def answers(num_images: int = 5) -> tuple[Tensor, Tensor]:
    """Return logits and masks with ignored pixels; no pixel is of the last class."""
    random = torch.Generator().manual_seed(4)
    masks = torch.randint(0, NUM_CLASSES - 1, (num_images, 6, 7), generator=random)
    logits = torch.randn(num_images, NUM_CLASSES, 6, 7, generator=random)
    logits += torch.nn.functional.one_hot(masks, NUM_CLASSES).movedim(-1, 1) * 1.5
    masks[:, 0] = IGNORED
    masks[1] = IGNORED
    return logits, masks


def judged(
    logits: Tensor, masks: Tensor, *, batch_size: int = 2, activation: str = "softmax"
) -> Evaluation:
    """Return the evaluation of these answers, batch by batch."""
    loss = loss_spec("bce" if activation == "sigmoid" else "cross_entropy")
    plan = task_plan("segmentation", logits.shape[1], loss=loss, activation=activation)
    task = task_for(plan, CPU)
    metrics = task.pass_metrics()
    for batch in parts_of(batch_of(logits, masks), batch_size):
        metrics.update(task.judge(Answer({"out": batch.images}), batch), batch)
    evaluation = metrics.evaluation()
    assert evaluation.metrics == pytest.approx(metrics.values(), abs=0, nan_ok=True)
    return evaluation


@pytest.mark.parametrize("batch_size", [1, 2, 5])
def test_metrics_are_torchmetrics_of_all_pixels_at_once(batch_size: int) -> None:
    logits, masks = answers()

    evaluation = judged(logits, masks, batch_size=batch_size)

    facts: dict[str, Any] = {"num_classes": NUM_CLASSES, "ignore_index": IGNORED}
    ious = multiclass_jaccard_index(logits, masks, average="none", **facts)
    assert evaluation.metrics["iou"] == pytest.approx(
        float(multiclass_jaccard_index(logits, masks, **facts)), abs=1e-6
    )
    assert evaluation.metrics["f1"] == pytest.approx(
        float(multiclass_f1_score(logits, masks, **facts)), abs=1e-6
    )
    assert [each.metrics["iou"] for each in evaluation.classes] == pytest.approx(ious.tolist())
    confusion = multiclass_confusion_matrix(logits, masks, **facts)
    assert evaluation.confusion == tuple(confusion.flatten().tolist())
    assert evaluation.num_images == 5
    alone = torch.nn.functional.cross_entropy(logits, masks, ignore_index=IGNORED)
    assert evaluation.metrics["loss"] == pytest.approx(float(alone), rel=1e-6)


def test_metrics_are_what_sets_of_pixels_give() -> None:
    logits, masks = answers()

    evaluation = judged(logits, masks)

    counted = (masks != IGNORED).numpy()
    predicted, true = logits.argmax(1).numpy()[counted], masks.numpy()[counted]
    for c, each in enumerate(evaluation.classes):
        both, either = (
            ((predicted == c) & (true == c)).sum(),
            ((predicted == c) | (true == c)).sum(),
        )
        assert each.metrics["iou"] == pytest.approx(both / either, abs=1e-9)
        f1 = 2 * both / ((predicted == c).sum() + (true == c).sum())
        assert each.metrics["f1"] == pytest.approx(f1, abs=1e-9)
        assert each.num_true == (true == c).sum()
    assert evaluation.metrics["accuracy"] == pytest.approx((predicted == true).mean(), abs=1e-9)


def test_a_class_in_neither_mask_nor_answer_is_in_no_mean() -> None:
    """Counting its 0 of 0 as 0 would lower every score of a small validation set."""
    masks = torch.zeros(2, 4, 4, dtype=torch.long)
    masks[:, :2] = 1
    logits = torch.nn.functional.one_hot(masks, NUM_CLASSES).movedim(-1, 1) * 9.0

    evaluation = judged(logits, masks)

    assert evaluation.metrics["iou"] == evaluation.metrics["f1"] == 1.0
    assert math.isnan(evaluation.classes[3].metrics["iou"])


def test_background_is_a_class_of_the_mean() -> None:
    """All background: its own IoU is large, the object's is 0; the mean says both."""
    masks = torch.zeros(1, 4, 4, dtype=torch.long)
    masks[0, 0] = 1
    logits = torch.zeros(1, 2, 4, 4)
    logits[:, 0] = 5

    evaluation = judged(logits, masks)

    assert evaluation.metrics["iou"] == pytest.approx((12 / 16 + 0) / 2)
    assert evaluation.metrics["accuracy"] == 12 / 16


def test_masks_in_which_nothing_counts_say_nothing() -> None:
    logits, masks = answers()

    evaluation = judged(logits, torch.full_like(masks, IGNORED))

    assert all(math.isnan(value) for value in evaluation.metrics.values())
    assert sum(evaluation.confusion) == 0


def test_a_multilabel_model_answers_for_each_class() -> None:
    """A pixel may be of no class to it, so its answers are not the largest logit."""
    logits, masks = answers()
    logits -= 1.0

    evaluation = judged(logits, masks, activation="sigmoid")

    counted = (masks != IGNORED).numpy()
    predicted = (logits > 0).numpy().transpose(0, 2, 3, 1)[counted]
    true = np.eye(NUM_CLASSES, dtype=bool)[masks.numpy()[counted]]
    both, either = (predicted & true).sum(0), (predicted | true).sum(0)
    ious = [each.metrics["iou"] for each in evaluation.classes]
    assert ious == pytest.approx((both / either).tolist(), abs=1e-9)
    assert evaluation.metrics["accuracy"] == pytest.approx((predicted == true).mean(), abs=1e-9)
    assert evaluation.confusion == ()


def test_a_steps_accuracy_is_of_the_pixels_that_count() -> None:
    task = task_for(task_plan("segmentation", 2), CPU)
    logits = torch.zeros(1, 2, 2, 2)
    logits[:, 1] = 1
    batch = batch_of(logits, torch.tensor([[[1, 0], [IGNORED, 1]]]))

    shown = task.batch_metrics(task.judge(Answer(), batch), batch)

    assert shown == pytest.approx({"accuracy": 2 / 3})

"""Any number of labels per image, beside scikit-learn and torchmetrics."""

import math

import pytest
import torch
from sklearn.metrics import average_precision_score, f1_score
from torch import Tensor
from torch.nn.functional import binary_cross_entropy_with_logits

from tests.fakes.task_plans import CPU, Answer, batch_of, loss_spec, parts_of, task_plan
from trainer_service.jobs import Evaluation
from trainer_service.tasks.multilabel import average_precisions
from trainer_service.tasks.table import task_for


def answers(count: int = 12) -> tuple[Tensor, Tensor]:
    """Return logits with ties and labels, [count, 3]."""
    random = torch.Generator().manual_seed(1)
    logits = (torch.randn(count, 3, generator=random) * 2).round()
    return logits, (torch.rand(count, 3, generator=random) < 0.4).float()


def judged(logits: Tensor, truth: Tensor, batch_size: int = 5) -> Evaluation:
    """Return the evaluation of these answers, batch by batch."""
    task = task_for(task_plan("multilabel", activation="sigmoid"), CPU)
    metrics = task.pass_metrics()
    for batch in parts_of(batch_of(logits, truth), batch_size):
        metrics.update(task.judge(Answer(), batch), batch)
    evaluation = metrics.evaluation()
    assert evaluation.metrics == metrics.values()
    return evaluation


def test_metrics_are_scikit_learns() -> None:
    logits, truth = answers()

    evaluation = judged(logits, truth)

    expected = {
        "loss": float(binary_cross_entropy_with_logits(logits, truth)),
        "map": average_precision_score(truth, logits.sigmoid(), average="macro"),
        "f1": f1_score(truth, logits > 0, average="macro"),
        "exact_match": float(((logits > 0) == truth.bool()).all(1).float().mean()),
    }
    assert evaluation.metrics == pytest.approx(expected, abs=1e-6)
    precisions = average_precision_score(truth, logits.sigmoid(), average=None)
    assert [each.metrics["ap"] for each in evaluation.classes] == pytest.approx(precisions)
    assert [each.num_true for each in evaluation.classes] == truth.sum(0).tolist()


def test_a_label_that_no_image_has_is_in_no_mean() -> None:
    logits, truth = answers()
    truth[:, 2] = 0
    logits[:, 2] = -5

    evaluation = judged(logits, truth)

    expected = average_precision_score(truth[:, :2], logits[:, :2].sigmoid(), average="macro")
    assert evaluation.metrics["map"] == pytest.approx(expected, abs=1e-6)
    assert math.isnan(evaluation.classes[2].metrics["ap"])


def test_a_positive_label_weighs_what_its_class_does() -> None:
    logits, truth = answers()
    weights = (1.0, 3.0, 0.5)
    task = task_for(task_plan("multilabel", loss=loss_spec("bce", weights=weights)), CPU)

    learned = task.learn(Answer(), batch_of(logits, truth))

    expected = binary_cross_entropy_with_logits(logits, truth, pos_weight=torch.tensor(weights))
    assert float(learned.loss) == pytest.approx(float(expected), rel=1e-6)


def test_a_steps_exact_match_asks_for_all_labels() -> None:
    task = task_for(task_plan("multilabel", 2), CPU)
    batch = batch_of(torch.tensor([[1.0, -1.0], [1.0, 1.0]]), torch.tensor([[1.0, 0], [1.0, 0]]))

    assert task.batch_metrics(task.judge(Answer(), batch), batch) == {"exact_match": 0.5}


def test_sure_answers_are_ranked_too() -> None:
    """Their sigmoids are all 1 in 32 bits: taken as ties they would say 1/4."""
    logits = torch.tensor([[40.0], [30.0], [25.0], [20.0]])
    truth = torch.tensor([[1.0], [0.0], [0.0], [0.0]])

    assert average_precisions(logits, truth) == (1.0,)
    assert average_precisions(-logits.flip(0), truth) == (1.0,)

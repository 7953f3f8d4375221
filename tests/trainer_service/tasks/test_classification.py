"""One label per image: losses and metrics beside torch's own and torchmetrics'."""

import math

import pytest
import torch
from torch import Tensor
from torch.nn.functional import binary_cross_entropy_with_logits, cross_entropy, one_hot
from torchmetrics.functional.classification import (
    multiclass_confusion_matrix,
    multiclass_f1_score,
    multiclass_precision,
    multiclass_recall,
)

from tests.fakes.task_plans import CPU, Answer, batch_of, loss_spec, parts_of, task_plan
from trainer_service.tasks.table import task_for

WEIGHTS = (0.5, 1.0, 4.0)


def logits_and_labels(count: int = 10, num_classes: int = 3) -> tuple[Tensor, Tensor]:
    """Return answers of which some are right."""
    logits = torch.randn(count, num_classes, generator=torch.Generator().manual_seed(0)) * 5
    return logits, torch.arange(count) % num_classes


@pytest.mark.parametrize("batch_size", [1, 4, 7, 10])
def test_metrics_are_those_of_all_images_at_once(batch_size: int) -> None:
    """A mean over batches would give a last, smaller batch too much weight."""
    task = task_for(task_plan("classification"), CPU)
    outputs, labels = logits_and_labels()
    metrics = task.pass_metrics()

    for batch in parts_of(batch_of(outputs, labels), batch_size):
        metrics.update(task.judge(Answer(), batch), batch)

    values = metrics.values()
    assert values["loss"] == pytest.approx(float(cross_entropy(outputs, labels)), rel=1e-6)
    expected = float((outputs.argmax(1) == labels).float().mean())
    assert values["accuracy"] == pytest.approx(expected, rel=1e-6)
    macro = multiclass_f1_score(outputs, labels, num_classes=3, average="macro")
    assert values["f1"] == pytest.approx(float(macro), abs=1e-6)


def test_a_steps_accuracy_is_the_share_of_right_answers() -> None:
    task = task_for(task_plan("classification", 2), CPU)
    outputs = torch.tensor([[2.0, 1.0], [0.0, 1.0], [3.0, 1.0], [0.0, 9.0]])
    batch = batch_of(outputs, torch.tensor([0, 1, 1, 1]))

    assert task.batch_metrics(task.judge(Answer(), batch), batch) == {"accuracy": 0.75}


@pytest.mark.parametrize("smoothing", [0.0, 0.1])
@pytest.mark.parametrize("weights", [(), WEIGHTS])
def test_cross_entropy_is_torchs_own(weights: tuple[float, ...], smoothing: float) -> None:
    loss = loss_spec("cross_entropy", weights=weights, label_smoothing=smoothing)
    task = task_for(task_plan("classification", loss=loss), CPU)
    outputs, labels = logits_and_labels()

    learned = task.learn(Answer(), batch_of(outputs, labels))

    expected = cross_entropy(
        outputs,
        labels,
        weight=torch.tensor(weights) if weights else None,
        label_smoothing=smoothing,
    )
    assert float(learned.loss) == pytest.approx(float(expected), rel=1e-6)


def test_binary_cross_entropy_takes_every_class_against_the_rest() -> None:
    task = task_for(task_plan("classification", loss=loss_spec("bce", weights=WEIGHTS)), CPU)
    outputs, labels = logits_and_labels()

    learned = task.learn(Answer(), batch_of(outputs, labels))

    expected = binary_cross_entropy_with_logits(
        outputs, one_hot(labels, 3).float(), pos_weight=torch.tensor(WEIGHTS)
    )
    assert float(learned.loss) == pytest.approx(float(expected), rel=1e-6)


@pytest.mark.parametrize("kind", ["cross_entropy", "bce"])
def test_weighted_micro_batches_have_the_gradient_of_their_batch(kind: str) -> None:
    """Their plain mean has another: classes that weigh much are not spread evenly."""
    task = task_for(task_plan("classification", loss=loss_spec(kind, weights=WEIGHTS)), CPU)
    outputs, labels = logits_and_labels()
    labels = labels.sort().values  # each part has other classes
    parameter = torch.zeros(3, requires_grad=True)
    parts = parts_of(batch_of(outputs, labels), 4)
    weights = [task.weight(part) for part in parts]

    def gradient(loss: Tensor) -> Tensor:
        (found,) = torch.autograd.grad(loss, parameter)
        return found

    def loss_of(images: Tensor, targets: Tensor) -> Tensor:
        return task.learn(Answer(images + parameter), batch_of(images, targets)).loss

    whole = gradient(loss_of(outputs, labels))
    losses = [loss_of(part.images, part.targets) for part in parts]  # type: ignore[arg-type]
    weighed = gradient(
        sum(loss * weight / sum(weights) for loss, weight in zip(losses, weights, strict=True))  # type: ignore[arg-type]
    )
    losses = [loss_of(part.images, part.targets) for part in parts]  # type: ignore[arg-type]
    plain = gradient(sum(losses) / len(losses))  # type: ignore[arg-type]

    assert torch.allclose(weighed, whole, rtol=1e-5, atol=1e-7)
    assert not torch.allclose(plain, whole, rtol=1e-2)


def test_an_evaluation_says_who_is_taken_for_whom() -> None:
    task = task_for(task_plan("classification"), CPU)
    outputs, labels = logits_and_labels(20)
    batch, metrics = batch_of(outputs, labels), task.pass_metrics()
    metrics.update(task.judge(Answer(), batch), batch)

    evaluation = metrics.evaluation()

    expected = multiclass_confusion_matrix(outputs, labels, num_classes=3)
    assert evaluation.confusion == tuple(expected.flatten().tolist())
    assert [each.name for each in evaluation.classes] == ["a", "b", "c"]
    assert [each.num_true for each in evaluation.classes] == [7, 7, 6]
    assert evaluation.num_images == 20
    functions = {
        "precision": multiclass_precision,
        "recall": multiclass_recall,
        "f1": multiclass_f1_score,
    }
    for name, function in functions.items():
        whole = function(outputs, labels, num_classes=3, average="none").tolist()
        assert [each.metrics[name] for each in evaluation.classes] == pytest.approx(whole, abs=1e-6)


def test_a_class_that_no_image_has_is_in_no_mean() -> None:
    """Its recall is 0 of 0; counting it as 0 would make every small validation set look bad."""
    task = task_for(task_plan("classification", 4), CPU)
    outputs = torch.eye(4)[:3] * 9
    batch, metrics = batch_of(outputs, torch.arange(3)), task.pass_metrics()
    metrics.update(task.judge(Answer(), batch), batch)

    assert metrics.values()["f1"] == 1.0
    absent = metrics.evaluation().classes[3]
    assert all(math.isnan(value) for value in absent.metrics.values())
    assert absent.num_true == 0


def test_a_wrongly_predicted_class_is_in_the_mean_although_no_image_has_it() -> None:
    task = task_for(task_plan("classification", 3), CPU)
    outputs = torch.tensor([[9.0, 0, 0], [0, 9.0, 0], [0, 0, 9.0]])
    batch, metrics = batch_of(outputs, torch.tensor([0, 1, 1])), task.pass_metrics()
    metrics.update(task.judge(Answer(), batch), batch)

    assert metrics.values()["f1"] == pytest.approx((1 + 2 / 3 + 0) / 3)


def test_many_classes_have_no_confusion_matrix() -> None:
    """A square of thousands would be in every event."""
    task = task_for(task_plan("classification", 101, class_names=()), CPU)
    batch, metrics = batch_of(torch.eye(101), torch.arange(101)), task.pass_metrics()
    metrics.update(task.judge(Answer(), batch), batch)

    evaluation = metrics.evaluation()

    assert evaluation.confusion == ()
    assert len(evaluation.classes) == 101
    assert evaluation.metrics["f1"] == 1.0

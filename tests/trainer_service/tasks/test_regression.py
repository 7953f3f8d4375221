"""Numbers per image: learned standardised, judged in the data's own units."""

import math

import pytest
import torch
from sklearn.metrics import mean_absolute_error, r2_score
from torch import Tensor
from torchmetrics import R2Score

from tests.fakes.task_plans import CPU, Answer, batch_of, loss_spec, parts_of, task_plan
from trainer_service.jobs import TrainPlan
from trainer_service.tasks.table import task_for

MEAN, STD = (100.0, -2.0), (10.0, 0.5)


def plan(kind: str = "smooth_l1") -> TrainPlan:
    """Return a plan of two targets in different units."""
    return task_plan(
        "regression",
        2,
        loss=loss_spec(kind),
        kind="values",
        activation="none",
        class_names=(),
        target_names=("weight", "tilt"),
        target_mean=MEAN,
        target_std=STD,
    )


def answers(count: int = 9) -> tuple[Tensor, Tensor]:
    """Return outputs of a model and truth in the data's units, [count, 2]."""
    random = torch.Generator().manual_seed(2)
    truth = torch.randn(count, 2, generator=random) * torch.tensor(STD) + torch.tensor(MEAN)
    outputs = (truth - torch.tensor(MEAN)) / torch.tensor(STD)
    return outputs + torch.randn(count, 2, generator=random) * 0.3, truth


@pytest.mark.parametrize("kind", ["mse", "l1", "smooth_l1"])
def test_losses_are_of_standardised_targets(kind: str) -> None:
    """In the data's own units the target with the large numbers would be all of the loss."""
    outputs, truth = answers()

    learned = task_for(plan(kind), CPU).learn(Answer(), batch_of(outputs, truth))

    error = (outputs - (truth - torch.tensor(MEAN)) / torch.tensor(STD)).abs()
    expected = {
        "mse": error.square(),
        "l1": error,
        "smooth_l1": torch.where(error < 1, error.square() / 2, error - 0.5),
    }[kind]
    assert float(learned.loss) == pytest.approx(float(expected.mean()), rel=1e-5)


@pytest.mark.parametrize("batch_size", [1, 4, 9])
def test_metrics_are_scikit_learns_in_the_datas_units(batch_size: int) -> None:
    outputs, truth = answers()
    task = task_for(plan(), CPU)
    metrics = task.pass_metrics()

    for batch in parts_of(batch_of(outputs, truth), batch_size):
        metrics.update(task.judge(Answer(), batch), batch)

    values = outputs * torch.tensor(STD) + torch.tensor(MEAN)
    evaluation = metrics.evaluation()
    assert evaluation.metrics["mae"] == pytest.approx(mean_absolute_error(truth, values), rel=1e-6)
    assert evaluation.metrics["r2"] == pytest.approx(r2_score(truth, values), rel=1e-6)
    assert [each.name for each in evaluation.classes] == ["weight", "tilt"]
    shares = r2_score(truth, values, multioutput="raw_values")
    assert [each.metrics["r2"] for each in evaluation.classes] == pytest.approx(shares, rel=1e-6)
    batch = batch_of(outputs, truth)
    shown = task.batch_metrics(task.judge(Answer(), batch), batch)
    assert shown == pytest.approx({"mae": evaluation.metrics["mae"]}, rel=1e-5)


def test_r2_of_large_numbers_that_differ_little_is_right() -> None:
    """Sums of squares in 32 bits lose all of the difference: years are such numbers."""
    truth = torch.arange(2000.0, 2010.0)[:, None]
    outputs = truth + torch.tensor([0.5, -0.5] * 5)[:, None]
    years = task_plan("regression", 1, target_mean=(0.0,), target_std=(1.0,))
    metrics = task_for(years, CPU).pass_metrics()
    batch = batch_of(outputs, truth)
    metrics.update(task_for(years, CPU).judge(Answer(), batch), batch)
    expected = 1 - 2.5 / 82.5
    naive = R2Score()
    naive.update(outputs[:, 0] * 1000, truth[:, 0] * 1000)

    assert metrics.values()["r2"] == pytest.approx(expected, abs=1e-9)
    assert float(naive.compute()) != pytest.approx(expected, abs=1e-4)


def test_r2_of_targets_that_do_not_vary_is_nothing() -> None:
    outputs, truth = answers()
    truth[:, 0] = 100
    batch = batch_of(outputs, truth)
    metrics = task_for(plan(), CPU).pass_metrics()
    metrics.update(task_for(plan(), CPU).judge(Answer(), batch), batch)

    first, second = metrics.evaluation().classes

    assert math.isnan(first.metrics["r2"])
    assert metrics.values()["r2"] == second.metrics["r2"]

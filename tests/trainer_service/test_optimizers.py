"""The optimizer holds what the plan trains, in the plan's groups, with the plan's settings."""

import pytest
import torch

from catalog_service.models.freeze_plan import FreezeMode
from tests.fakes.trainings import job_spec, make_training
from trainer_service.jobs import OptimizerSpec
from trainer_service.optimizers import OPTIMIZERS, make_optimizer, named_parameters
from trainer_service.train.loop import Training


def optimizer_of(training: Training) -> torch.optim.Optimizer:
    """Return the optimizer of the plan's first phase."""
    plan = training.plan
    parameters = named_parameters(training.model)
    return make_optimizer(parameters, plan.optimizer_groups, plan.optimizer)


MODES = [
    FreezeMode(),
    FreezeMode(kind="frozen_backbone"),
    FreezeMode(kind="last_blocks", num_blocks=2),
]


@pytest.mark.parametrize("mode", MODES, ids=str)
@pytest.mark.parametrize("algorithm", OPTIMIZERS)
def test_exactly_the_trainable_parameters_are_held_once(algorithm: str, mode: FreezeMode) -> None:
    settings = OptimizerSpec(algorithm=algorithm, lr=0.3, weight_decay=0.02, momentum=0.8)  # type: ignore[arg-type]
    training, _ = make_training(job_spec("shufflenet_v2_x0_5", freeze=mode, optimizer=settings))
    names = {parameter: name for name, parameter in training.model.named_parameters()}

    optimizer = optimizer_of(training)

    held = [names[p] for group in optimizer.param_groups for p in group["params"]]
    assert sorted(held) == sorted(training.plan.freeze.trainable)
    assert {group["lr"] for group in optimizer.param_groups} == {0.3}
    if algorithm == "sgd":
        assert {group["momentum"] for group in optimizer.param_groups} == {0.8}


@pytest.mark.parametrize("algorithm", OPTIMIZERS)
def test_decay_shrinks_weights_and_leaves_biases_and_norms(algorithm: str) -> None:
    """Without a gradient only decay moves anything."""
    settings = OptimizerSpec(algorithm=algorithm, lr=0.1, weight_decay=0.5)  # type: ignore[arg-type]
    training, _ = make_training(job_spec("shufflenet_v2_x0_5", optimizer=settings))
    before = {n: p.detach().clone() for n, p in training.model.named_parameters()}
    for parameter in training.model.parameters():
        parameter.grad = torch.zeros_like(parameter)

    optimizer_of(training).step()

    moved = {n for n, p in training.model.named_parameters() if not torch.equal(p, before[n])}
    assert moved == {name for name, tensor in before.items() if tensor.ndim > 1}

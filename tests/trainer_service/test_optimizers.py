"""The optimizer holds what the plan trains, in the plan's groups, with the plan's settings."""

import pytest
import torch

from catalog_service.models.freeze_plan import FreezeMode
from tests.fakes.trainings import job_spec, make_training
from trainer_service.jobs import OptimizerSpec
from trainer_service.optimizers import (
    OPTIMIZERS,
    largest_lr,
    make_optimizer,
    named_parameters,
    scale_lr,
)
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


def lars_steps(weight_decay: float) -> tuple[dict[str, torch.Tensor], dict[str, torch.Tensor]]:
    """Return all parameters before and after one step of LARS on gradients of ones."""
    settings = OptimizerSpec(algorithm="lars", lr=0.5, weight_decay=weight_decay, momentum=0.0)
    training, _ = make_training(job_spec("shufflenet_v2_x0_5", optimizer=settings))
    before = {n: p.detach().clone() for n, p in training.model.named_parameters()}
    for parameter in training.model.parameters():
        parameter.grad = torch.ones_like(parameter)
    optimizer_of(training).step()
    return before, {n: p.detach() for n, p in training.model.named_parameters()}


@pytest.mark.parametrize("weight_decay", [0.0, 1e-6])
def test_lars_moves_weights_by_their_trust_ratio_and_the_rest_plainly(weight_decay: float) -> None:
    """Also without any decay, where timm alone would not adapt. By hand: You et al., equation 6."""
    before, after = lars_steps(weight_decay)

    for name, weight in before.items():
        moved, gradient = weight - after[name], torch.ones_like(weight)
        if weight.ndim > 1:
            norm = weight.norm()
            length = gradient.norm() + weight_decay * norm + 1e-8
            gradient = (gradient + weight_decay * weight) * 0.001 * norm / length
        assert torch.allclose(moved, 0.5 * gradient, rtol=1e-3, atol=1e-6), name


def test_the_rate_is_scaled_from_the_planned_one_each_time() -> None:
    training, _ = make_training(job_spec("shufflenet_v2_x0_5", optimizer=OptimizerSpec(lr=0.2)))
    optimizer = optimizer_of(training)

    for factor in (0.5, 0.25):
        scale_lr(optimizer, factor)

    assert {group["lr"] for group in optimizer.param_groups} == {0.05}
    assert largest_lr(optimizer) == 0.05

"""The loop: which events come when, and what stops it."""

from collections.abc import Callable
from itertools import count

import pytest
import torch

from tests.fakes.trainings import job_spec, make_training
from trainer_service.errors import GradientMissing, LossNotFinite
from trainer_service.freezing import Seal, freeze, moving_tensors
from trainer_service.jobs import EpochMetrics, OptimizerSpec, StepMetrics
from trainer_service.stop_switch import StopRequested, StopSwitch
from trainer_service.train.loop import Training, train
from trainer_service.train.progress import RecentSteps
from trainer_service.train.requirements import require_finite

TINY = "shufflenet_v2_x0_5"


def clock(tick_s: float) -> Callable[[], float]:
    """Return a clock on which every look takes this long; eighths of a second add up exactly."""
    ticks = count()
    return lambda: next(ticks) * tick_s


def prepared(*, num_images: int, num_epochs: int = 2) -> tuple[Training, Seal]:
    """Return a training with two images a step."""
    spec = job_spec(TINY, batch_size=2, num_epochs=num_epochs)
    training, layout = make_training(spec, num_images=num_images)
    freeze(training.model, layout, training.plan.freeze)
    return training, Seal(training.model, moving_tensors(layout, training.plan.freeze))


@pytest.mark.parametrize(
    ("tick_s", "steps"),
    [(1.0, [1, 2, 3, 4, 5, 6, 7, 8]), (0.125, [2, 4, 6, 8]), (0.0, [4, 8])],
    ids=["slow steps", "fast steps", "instant steps"],
)
def test_step_events_are_throttled_but_each_epoch_ends_with_one(
    tick_s: float, steps: list[int]
) -> None:
    training, seal = prepared(num_images=8)

    events = list(train(training, seal, StopSwitch(), clock=clock(tick_s)))

    assert [event.step for event in events if isinstance(event, StepMetrics)] == steps


def test_an_epoch_is_steps_then_train_then_validation() -> None:
    training, seal = prepared(num_images=4)

    events = list(train(training, seal, StopSwitch(), clock=clock(1.0)))

    told = [
        (e.epoch, e.split if isinstance(e, EpochMetrics) else "step", e.step)
        for e in events
        if isinstance(e, EpochMetrics | StepMetrics)
    ]
    assert told == [
        (0, "validation", 0),
        (1, "step", 1),
        (1, "step", 2),
        (1, "train", 2),
        (1, "validation", 2),
        (2, "step", 3),
        (2, "step", 4),
        (2, "train", 4),
        (2, "validation", 4),
    ]


def test_the_rate_is_of_the_images_since_the_last_event() -> None:
    times = iter([10.0, 10.5, 10.5, 12.5, 12.5])
    recent = RecentSteps(job_spec(TINY), lambda: next(times), epoch=1, step=0)

    recent.add(torch.tensor(1.0), 30)
    recent.add(torch.tensor(2.0), 20)
    first = recent.event({}, 1e-3)
    recent.add(torch.tensor(0.5), 20)
    second = recent.event({}, 1e-3)

    assert (first.images_per_s, first.step, first.values["loss"]) == (100.0, 2, 2.0)
    assert (second.images_per_s, second.step, second.values["loss"]) == (10.0, 3, 0.5)


@pytest.mark.parametrize("bad", [float("nan"), float("inf")])
def test_a_loss_that_is_not_finite_is_traced_to_its_step(bad: float) -> None:
    """Also where it happened between two events."""
    recent = RecentSteps(job_spec(TINY), clock(1.0), epoch=2, step=2)
    for loss in (1.0, bad, 1.0):
        recent.add(torch.tensor(loss), 2)

    with pytest.raises(LossNotFinite, match=f"the loss is {bad} at epoch 2, step 4:") as failure:
        recent.event({}, 1e-3)

    assert failure.value.metadata == {"epoch": "2", "step": "4"}


def test_a_model_that_its_last_step_destroys_is_not_finished() -> None:
    """No loss is computed after that step: without a look at the numbers it would be exported."""
    spec = job_spec(TINY, batch_size=8, optimizer=OptimizerSpec(algorithm="sgd", lr=1e38))
    training, layout = make_training(spec)
    freeze(training.model, layout, training.plan.freeze)
    seal = Seal(training.model, moving_tensors(layout, training.plan.freeze))

    with pytest.raises(LossNotFinite, match=r"after the last step .* \(now 1e\+38\)"):
        list(train(training, seal, StopSwitch()))


def test_weights_may_be_finite_and_their_loss_not() -> None:
    training, _ = prepared(num_images=4)

    with pytest.raises(LossNotFinite, match="validation loss is inf: lower the learning rate"):
        require_finite(training, float("inf"))


def test_a_stop_ends_training_before_the_next_step() -> None:
    training, seal = prepared(num_images=8)
    stop = StopSwitch()
    events = train(training, seal, stop, clock=clock(1.0))
    seen = [next(events), next(events)]

    stop.request()

    with pytest.raises(StopRequested):
        seen.extend(events)
    assert [type(event) for event in seen] == [EpochMetrics, StepMetrics]


def test_a_parameter_that_the_loss_does_not_reach_fails_the_job() -> None:
    training, seal = prepared(num_images=4)
    training.model.get_submodule("conv1").requires_grad_(False)

    with pytest.raises(GradientMissing, match=r"conv1\.0\.weight"):
        list(train(training, seal, StopSwitch()))


@pytest.mark.parametrize("algorithm", ["sgd", "adam", "adamw"])
def test_every_optimizer_learns_the_training_images(algorithm: str) -> None:
    lr = 0.05 if algorithm == "sgd" else 3e-3
    optimizer = OptimizerSpec(algorithm=algorithm, lr=lr, weight_decay=0.0, momentum=0.0)  # type: ignore[arg-type]
    spec = job_spec(TINY, batch_size=6, num_epochs=15, optimizer=optimizer)
    training, layout = make_training(spec, num_images=6)
    freeze(training.model, layout, training.plan.freeze)
    seal = Seal(training.model, moving_tensors(layout, training.plan.freeze))

    events = list(train(training, seal, StopSwitch()))

    passes = [e for e in events if isinstance(e, EpochMetrics) and e.split == "train"]
    assert passes[-1].values["loss"] < passes[0].values["loss"] / 2

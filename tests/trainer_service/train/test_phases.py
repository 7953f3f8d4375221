"""Phases: what trains when, and what the optimizer remembers. The naive way goes wrong."""

from collections.abc import Callable
from dataclasses import replace
from itertools import pairwise

import pytest
import torch
from torch import Tensor, nn

from catalog_service.models.freeze_plan import FreezeMode, UnfreezeStep
from tests.fakes.running import changed, ready, run, state_of, told
from tests.fakes.trainings import job_spec
from trainer_service.datasets.batch import Batches
from trainer_service.errors import FrozenStateChanged, GradientMissing
from trainer_service.freezing import Seal, freeze, moving_tensors
from trainer_service.jobs import (
    EarlyStopping,
    EpochMetrics,
    JobSpec,
    OptimizerGroup,
    OptimizerSpec,
    PhasePlan,
    PhaseStarted,
)
from trainer_service.optimizers import OPTIMIZERS, make_optimizer, named_parameters
from trainer_service.stop_switch import StopSwitch
from trainer_service.train.loop import TrainEvent, Training, train
from trainer_service.train.phases import reason_to_begin, steps_until
from trainer_service.train.records import Record

TINY = "shufflenet_v2_x0_5"


def gradual(*steps: UnfreezeStep, num_epochs: int = 3, **settings: object) -> JobSpec:
    """Return a spec that trains more and more."""
    mode = FreezeMode(kind="gradual", steps=steps)
    return job_spec(TINY, freeze=mode, num_epochs=num_epochs, **settings)  # type: ignore[arg-type]


BY_EPOCHS = (
    UnfreezeStep(after_epochs=1, num_blocks=1),
    UnfreezeStep(after_epochs=2),
)


def states_by_phase(training: Training, seal: Seal) -> tuple[list[dict[str, Tensor]], list[int]]:
    """Return the states before, at every change of phase and at the end; and the phases."""
    states, phases = [state_of(training.model)], []
    events = train(training, seal, StopSwitch())
    for event in events:
        if isinstance(event, PhaseStarted):
            states.append(state_of(training.model))
            phases.append(event.phase)
    return [*states, state_of(training.model)], phases


def test_each_phase_moves_what_it_trains_and_nothing_else() -> None:
    training, seal = ready(gradual(*BY_EPOCHS))

    states, phases = states_by_phase(training, seal)

    assert phases == [2, 3]
    plans = training.plan.phases
    for plan, (before, after) in zip(plans, pairwise(states), strict=True):
        assert changed(before, after) == moving_tensors(training.layout, plan.freeze)
    assert len(plans[0].freeze.trainable) < len(plans[1].freeze.trainable)
    assert len(plans[2].freeze.trainable) == len(dict(training.model.named_parameters()))


def test_a_phase_says_when_why_and_what_it_trains() -> None:
    training, seal = ready(gradual(*BY_EPOCHS))

    events, _ = run(training, seal)

    told_phases = [event for event in events if isinstance(event, PhaseStarted)]
    assert [event.reason for event in told_phases] == ["after 1 epoch", "after 2 epochs"]
    assert told_phases[0].freeze == training.plan.phases[1].freeze
    assert told_phases[1].optimizer_groups == training.plan.phases[2].optimizer_groups
    before = events[events.index(told_phases[0]) - 1]
    assert isinstance(before, EpochMetrics)
    assert (before.epoch, before.split) == (1, "validation")


def test_a_phase_may_begin_within_an_epoch_and_no_image_is_seen_twice() -> None:
    """Eight images, two a step: the second phase begins after the third step of four."""
    spec = gradual(UnfreezeStep(after_steps=3, num_blocks=1), num_epochs=1, batch_size=2)
    training, seal = ready(spec)
    seen: list[list[int]] = []
    original = training.batches

    class Watched:
        def training(self, epoch: int, start: int = 0):  # type: ignore[no-untyped-def]
            for batch in original.training(epoch, start):
                seen.append(batch.positions.tolist())
                yield batch

        def validation(self):  # type: ignore[no-untyped-def]
            return original.validation()

    states, phases = states_by_phase(replace(training, batches=Watched()), seal)

    assert phases == [2]
    first, second = training.plan.phases
    assert changed(states[0], states[1]) == moving_tensors(training.layout, first.freeze)
    assert changed(states[1], states[2]) == moving_tensors(training.layout, second.freeze)
    assert sorted(position for batch in seen for position in batch) == list(range(8))


def phase(**begins: int) -> PhasePlan:
    """Return a phase that begins so."""
    freeze = ready(job_spec(TINY))[0].plan.freeze
    return PhasePlan(freeze=freeze, optimizer_groups=(), **begins)


@pytest.fixture(scope="module")
def any_phase() -> PhasePlan:
    """Return a phase that never begins."""
    return phase()


@pytest.mark.parametrize(
    ("begins", "reason"),
    [
        ({"after_epochs": 3}, ""),
        ({"after_epochs": 2}, "after 2 epochs"),
        ({"after_steps": 11}, ""),
        ({"after_steps": 10}, "after 10 steps"),
        ({"after_plateau_epochs": 2}, ""),
        ({"after_plateau_epochs": 1}, "no better accuracy in 1 epoch"),
    ],
)
def test_a_phase_begins_when_its_time_has_come(
    any_phase: PhasePlan, begins: dict[str, int], reason: str
) -> None:
    record = Record("accuracy", grows=True)
    for accuracy in (0.5, 0.4):
        record.note({"accuracy": accuracy})

    said = reason_to_begin(replace(any_phase, **begins), epoch=2, step=10, record=record)

    assert said == reason


def test_steps_are_counted_until_the_next_phase_that_counts_steps(any_phase: PhasePlan) -> None:
    waiting = [replace(any_phase, after_epochs=1), replace(any_phase, after_steps=7)]

    assert steps_until(waiting, 3, 10) == 4
    assert steps_until(waiting, 7, 10) == 3
    assert steps_until([], 3, 10) == 7


class SameAccuracy:
    """Metrics whose accuracy never grows."""

    def __init__(self, inner: object) -> None:
        self._inner = inner

    def __getattr__(self, name: str) -> object:
        return getattr(self._inner, name)

    def values(self) -> dict[str, float]:
        """Return the real ones, but for the accuracy."""
        return {**self._inner.values(), "accuracy": 0.5}  # type: ignore[attr-defined]


class Plateau:
    """A task that gets no better."""

    def __init__(self, inner: object) -> None:
        self._inner = inner

    def __getattr__(self, name: str) -> object:
        return getattr(self._inner, name)

    def pass_metrics(self) -> SameAccuracy:
        """Return metrics that say the same each time."""
        return SameAccuracy(self._inner.pass_metrics())  # type: ignore[attr-defined]


@pytest.mark.parametrize(("every", "expected"), [(1, [3, 5]), (2, [4, 6])])
def test_a_plateau_begins_the_next_phase_and_then_counts_anew(
    every: int, expected: list[int]
) -> None:
    """Epoch 1 sets the measure, 2 and 3 are no better; so are 4 and 5. Where every second epoch is
    validated, 2 sets it, and 4 shows that two epochs were no better.
    """
    spec = gradual(
        UnfreezeStep(after_plateau_epochs=2, num_blocks=1),
        UnfreezeStep(after_plateau_epochs=2),
        num_epochs=7,
        validation_every_epochs=every,
    )
    training, seal = ready(spec, num_images=4)

    events, _ = run(replace(training, task=Plateau(training.task)), seal)  # type: ignore[arg-type]

    epochs_before = [
        events[at - 1].epoch  # type: ignore[union-attr]
        for at, event in enumerate(events)
        if isinstance(event, PhaseStarted)
    ]
    assert epochs_before == expected


def adam_state(training: Training) -> tuple[torch.optim.Optimizer, torch.optim.Optimizer]:
    """Return the optimizers of two phases; the first one has moved everything once."""
    first, second = training.plan.phases
    parameters = named_parameters(training.model)
    before = make_optimizer(parameters, first.optimizer_groups, training.plan.optimizer)
    for group in before.param_groups:
        for parameter in group["params"]:
            parameter.grad = torch.ones_like(parameter)
    before.step()
    after = make_optimizer(
        parameters, second.optimizer_groups, training.plan.optimizer, before=before
    )
    return before, after


def test_what_goes_on_keeps_its_averages_and_what_is_new_has_none() -> None:
    spec = gradual(UnfreezeStep(after_epochs=1, num_blocks=1), num_epochs=2)
    training, _ = ready(spec)
    first, second = training.plan.phases

    before, after = adam_state(training)

    names = {parameter: name for name, parameter in training.model.named_parameters()}
    remembered = {names[parameter] for parameter in after.state}
    assert remembered == set(first.freeze.trainable) < set(second.freeze.trainable)
    assert all(float(state["step"]) == 1 for state in after.state.values())
    assert not before.state


def test_a_plateau_that_is_waited_for_does_not_end_the_training() -> None:
    """Both have counted two epochs: the next phase gets its own, and only then it is over."""
    stopping = EarlyStopping(patience_epochs=2)
    spec = gradual(UnfreezeStep(after_plateau_epochs=2), num_epochs=9, early_stopping=stopping)
    training, seal = ready(spec, num_images=4)

    events, _ = run(replace(training, task=Plateau(training.task)), seal)  # type: ignore[arg-type]

    assert [event.phase for event in events if isinstance(event, PhaseStarted)] == [2]
    assert max(event.epoch for event in events if isinstance(event, EpochMetrics)) == 5


def momentum_steps(algorithm: str) -> tuple[Tensor, Tensor]:
    """Return a weight that trained from the start and one that is new, after a step of the second
    phase in which they share a group; gradients are ones.
    """
    settings = OptimizerSpec(algorithm=algorithm, lr=0.1, momentum=0.9)  # type: ignore[arg-type]
    old, new = nn.Parameter(torch.ones(3, 2)), nn.Parameter(torch.ones(3, 2))
    parameters = {"old": old, "new": new}
    optimizer = None
    for names in (("old",), ("old", "new")):
        group = OptimizerGroup(
            name="weights", lr=0.1, weight_decay=0.0, num_parameters=6, parameters=names
        )
        optimizer = make_optimizer(parameters, [group], settings, before=optimizer)
        for name in names:
            parameters[name].grad = torch.full((3, 2), 1.0)
        optimizer.step()
    return old.detach(), new.detach()


def test_what_is_new_shares_a_group_with_what_has_momentum() -> None:
    """The usual gradual training with SGD: 1 - 0.1 - 0.1 * 1.9, and 1 - 0.1."""
    old, new = momentum_steps("sgd")

    assert torch.allclose(old, torch.full((3, 2), 0.71))
    assert torch.allclose(new, torch.full((3, 2), 0.9))


@pytest.mark.parametrize("algorithm", OPTIMIZERS)
def test_every_optimizer_goes_through_the_usual_phases(algorithm: str) -> None:
    settings = OptimizerSpec(algorithm=algorithm, lr=0.01, momentum=0.9)  # type: ignore[arg-type]
    training, seal = ready(gradual(num_epochs=3, optimizer=settings), num_images=4)

    events, _ = run(training, seal)

    assert [event.phase for event in events if isinstance(event, PhaseStarted)] == [2, 3]


def backwards(training: Training) -> Training:
    """Return the same with its phases in the other order: what trained is frozen again."""
    first, second = training.plan.phases
    again = replace(first, after_epochs=1)
    plan = replace(
        training.plan,
        phases=(replace(second, after_epochs=0), again),
        freeze=second.freeze,
        optimizer_groups=second.optimizer_groups,
    )
    return replace(training, plan=plan)


def frozen_again(weight_of: Callable[[nn.Module], Tensor]) -> tuple[Tensor, Tensor]:
    """Return a weight when it was frozen again, and an epoch later."""
    spec = gradual(UnfreezeStep(after_epochs=1, num_blocks=1), num_epochs=2)
    training, _ = ready(spec)
    training = backwards(training)
    freeze(training.model, training.layout, training.plan.freeze)
    seal = Seal(training.model, moving_tensors(training.layout, training.plan.freeze))
    seen: list[Tensor] = []
    for event in train(training, seal, StopSwitch()):
        if isinstance(event, PhaseStarted):
            seen.append(weight_of(training.model).detach().clone())
    return seen[0], weight_of(training.model).detach()


def test_what_is_frozen_again_stays_where_it_is() -> None:
    before, after = frozen_again(lambda model: model.get_parameter("conv5.0.weight"))

    assert torch.equal(before, after)


def test_the_naive_way_goes_on_moving_it() -> None:
    """One AdamW for the whole run: requires_grad is off, its gradient and averages are stale."""
    training, _ = ready(job_spec(TINY, norm="frozen_statistics"))
    model = training.model
    optimizer = torch.optim.AdamW(model.parameters(), weight_decay=0.0)
    for parameter in model.parameters():
        parameter.grad = torch.ones_like(parameter)
    optimizer.step()
    weight = model.get_parameter("conv5.0.weight")
    weight.requires_grad_(False)
    before = weight.detach().clone()

    optimizer.zero_grad(set_to_none=False)  # as older loops do; a stale gradient moves it more
    optimizer.step()

    assert float((weight - before).abs().max()) > 1e-4


def test_a_frozen_tensor_that_moved_in_a_phase_is_found_at_its_end() -> None:
    training, seal = ready(gradual(*BY_EPOCHS))
    weight = training.model.get_parameter("conv1.0.weight")

    with pytest.raises(FrozenStateChanged, match=r"1 of .* conv1\.0\.weight"):
        for event in train(training, seal, StopSwitch()):
            if isinstance(event, EpochMetrics) and event.epoch == 1:
                weight.data.add_(1e-3)  # behind torch's back: it counts no write


def test_what_never_trains_is_compared_with_the_start_in_every_phase() -> None:
    """A seal that was made anew at each phase would take what moved in between for the truth."""
    spec = gradual(UnfreezeStep(after_epochs=1, num_blocks=1), num_epochs=2)
    training, seal = ready(spec)
    first = seal.digests["conv1.0.weight"]

    _, trained = run(training, seal)

    assert trained.seal.digests["conv1.0.weight"] == first
    last = training.plan.phases[-1].freeze
    moving = moving_tensors(training.layout, last)
    assert trained.seal.digests.keys() == state_of(training.model).keys() - moving


def test_every_phase_shows_with_its_first_step_that_gradients_arrive() -> None:
    training, seal = ready(gradual(*BY_EPOCHS))
    events = train(training, seal, StopSwitch())

    with pytest.raises(GradientMissing, match=r"conv5\.0\.weight"):
        for event in events:
            if isinstance(event, PhaseStarted):
                training.model.get_parameter("conv5.0.weight").requires_grad_(False)


def test_each_phase_asks_for_its_own_network_and_batches() -> None:
    """Kept features of one phase are no use to another one."""
    training, seal = ready(gradual(*BY_EPOCHS))
    asked: list[tuple[int, bool]] = []

    def source(freeze) -> tuple[nn.Module, Batches]:  # type: ignore[no-untyped-def]
        head = training.model.get_submodule("fc")
        asked.append((len(freeze.trainable), head.training))
        return training.model, training.batches

    run(replace(training, source=source), seal)

    assert asked == [(len(each.freeze.trainable), True) for each in training.plan.phases]


def test_new_groups_get_their_own_rate() -> None:
    spec = gradual(
        UnfreezeStep(after_epochs=1, num_blocks=1, lr_scale=0.25),
        num_epochs=2,
        optimizer=OptimizerSpec(lr=0.01),
    )
    training, _ = ready(spec)

    _, after = adam_state(training)

    names = {parameter: name for name, parameter in training.model.named_parameters()}
    rates = {
        names[parameter]: group["lr"]
        for group in after.param_groups
        for parameter in group["params"]
    }
    assert rates["fc.weight"] == pytest.approx(0.01)
    assert rates["conv5.0.weight"] == pytest.approx(0.0025)


def test_a_stopped_generator_leaves_nothing_behind() -> None:
    training, seal = ready(gradual(*BY_EPOCHS))
    events = train(training, seal, StopSwitch())
    first: TrainEvent = next(events)

    events.close()

    assert isinstance(first, EpochMetrics)
    assert told(train(training, seal, StopSwitch()))[1].epoch == 3

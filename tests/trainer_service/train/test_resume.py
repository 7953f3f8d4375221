"""Training that was interrupted and went on is training that was not: to the last bit."""

from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import torch
from torch import Tensor, nn

from catalog_service.models.freeze_plan import FreezeMode, UnfreezeStep
from tests.fakes.interruptions import Outcome, Ready, interrupted, prepared, uninterrupted
from tests.fakes.trainings import job_spec
from trainer_service.errors import SnapshotMisfit
from trainer_service.freezing import Seal, freeze, moving_tensors
from trainer_service.jobs import (
    EarlyStopping,
    EpochMetrics,
    ExportSpec,
    JobSpec,
    JobWarning,
    OptimizerSpec,
    ScheduleSpec,
    SnapshotTaken,
)
from trainer_service.snapshots.saved_state import SavedState
from trainer_service.train.loop import Training
from trainer_service.train.saved_training import put_back, random_state, set_random_state

FULL = (pytest.mark.full, pytest.mark.timeout(900))

STEPS_PER_EPOCH = 3
"""Ten images, four a step: the last one is smaller."""

GRADUAL = FreezeMode(
    kind="gradual",
    steps=(UnfreezeStep(after_steps=4, num_blocks=1), UnfreezeStep(after_epochs=2, num_blocks=2)),
)

LATER = UnfreezeStep(after_epochs=1, num_blocks=1)


def spec_of(architecture_id: str = "shufflenet_v2_x0_5", **fields: Any) -> JobSpec:
    """Return a spec of a model that is saved in no time."""
    return job_spec(architecture_id, **fields)


SPECS: Mapping[str, JobSpec] = {
    "full": spec_of(num_epochs=2),
    "frozen": spec_of(num_epochs=2, freeze=FreezeMode(kind="frozen_backbone")),
    "last_blocks": spec_of(num_epochs=2, freeze=FreezeMode(kind="last_blocks", num_blocks=1)),
    "gradual": spec_of(num_epochs=3, freeze=GRADUAL),
    "norm_only": spec_of(num_epochs=2, freeze=FreezeMode(kind="norm_only")),
    "scratch": spec_of(num_epochs=2, freeze=FreezeMode(kind="scratch")),
    "custom": spec_of(
        num_epochs=2, freeze=FreezeMode(kind="custom", trainable_patterns=("stage4",))
    ),
    "still norms": spec_of(num_epochs=2, norm="frozen_statistics"),
    "dropout": spec_of("efficientnet_b0", num_epochs=2),
    "sgd": spec_of(num_epochs=2, optimizer=OptimizerSpec(algorithm="sgd", momentum=0.9, lr=0.01)),
    "plain sgd": spec_of(
        num_epochs=2, optimizer=OptimizerSpec(algorithm="sgd", momentum=0.0, lr=0.01)
    ),
    "adam": spec_of(num_epochs=2, optimizer=OptimizerSpec(algorithm="adam")),
    "lars": spec_of(num_epochs=2, optimizer=OptimizerSpec(algorithm="lars", lr=0.1)),
    "gradual sgd": spec_of(
        num_epochs=3,
        freeze=GRADUAL,
        optimizer=OptimizerSpec(algorithm="sgd", momentum=0.9, lr=0.0001),
    ),
    "schedule": spec_of(
        num_epochs=2, schedule=ScheduleSpec(kind="cosine", warmup_steps=2), max_grad_norm=0.5
    ),
    "micro-batches": spec_of(num_epochs=2, micro_batch_size=2),
    "bf16": spec_of(num_epochs=2, precision="bf16"),
    "fp16": spec_of(num_epochs=2, precision="fp16", max_grad_norm=1.0),
    "best": spec_of(
        num_epochs=4,
        export=ExportSpec(state="best"),
        early_stopping=EarlyStopping(metric="loss", patience_epochs=3),
        optimizer=OptimizerSpec(lr=0.05),
    ),
    "plateau": spec_of(
        num_epochs=4,
        freeze=FreezeMode(
            kind="gradual", steps=(UnfreezeStep(after_plateau_epochs=1, num_blocks=1),)
        ),
    ),
    "rarely validated": spec_of(num_epochs=4, validation_every_epochs=2),
    "counted steps": spec_of(num_epochs=0, num_steps=5),
}
"""What a training may be made of, a row each."""

EPOCH_ENDS, MIDDLES = (3,), (1, 2, 4, 5)
"""After which steps a training of two epochs can be saved besides its end."""

QUICK = [("frozen", (4,)), ("gradual", (4,)), ("best", (3, 8)), ("sgd", (2,))]
EVERY = [
    *(pytest.param(name, steps, id=f"{name} {steps}") for name, steps in QUICK),
    *(
        pytest.param(name, steps, id=f"{name} {steps}", marks=FULL)
        for name in SPECS
        for steps in [(step,) for step in (*EPOCH_ENDS, *MIDDLES)] + [(2, 4), (3, 4)]
        if (name, steps) not in QUICK and not (name == "counted steps" and 5 in steps)
    ),
]


def made(name: str) -> Ready:
    """Return what makes the training of a row."""
    return prepared(SPECS[name], num_images=10)


_whole: dict[str, Outcome] = {}


def whole(name: str) -> Outcome:
    """Return the training of a row in one go; it runs once."""
    if name not in _whole:
        _whole[name] = uninterrupted(made(name))
    return _whole[name]


def assert_same(found: Outcome, expected: Outcome) -> None:
    """Compare numbers, events and what is exported, to the last bit."""
    assert_same_state(found.state, expected.state)
    assert_same_state(found.auxiliary, expected.auxiliary)
    # Not a number equals itself here.
    assert repr(found.told) == repr(expected.told)
    assert repr(found.trained.metrics) == repr(expected.trained.metrics)
    assert repr(found.trained.evaluation) == repr(expected.trained.evaluation)
    assert (found.trained.epoch, found.trained.step) == (
        expected.trained.epoch,
        expected.trained.step,
    )


def assert_same_state(found: Mapping[str, Tensor], expected: Mapping[str, Tensor]) -> None:
    """Compare tensors by name."""
    assert found.keys() == expected.keys()
    assert not [name for name, each in found.items() if not torch.equal(each, expected[name])]


@pytest.mark.parametrize(("name", "steps"), EVERY)
def test_an_interrupted_training_ends_where_it_would_have_ended(
    tmp_path: Path, name: str, steps: tuple[int, ...]
) -> None:
    resumed = interrupted(made(name), tmp_path, steps)

    assert_same(resumed, whole(name))


def test_a_training_that_is_over_only_finishes(tmp_path: Path) -> None:
    """Its snapshot has what the last look at the validation images gave."""
    last = SPECS["best"].num_epochs * STEPS_PER_EPOCH

    resumed = interrupted(made("best"), tmp_path, (last,))

    assert_same(resumed, whole("best"))
    (taken,) = [each for each in resumed.events if isinstance(each, SnapshotTaken)]
    after = resumed.events[resumed.events.index(taken) + 1 :]
    assert not [each for each in after if isinstance(each, EpochMetrics)]


class Tight:
    """Makes a training whose memory runs out once, with as many images as a batch has."""

    def __init__(self) -> None:
        self._has_failed = False

    def __call__(self) -> tuple[Training, Seal]:
        """Return it."""
        training, seal = made("frozen")()
        training.model.get_submodule("fc").register_forward_pre_hook(self._full)
        return training, seal

    def _full(self, module: nn.Module, inputs: tuple[Tensor, ...]) -> None:
        if torch.is_grad_enabled() and not self._has_failed:
            self._has_failed = True
            raise torch.OutOfMemoryError("CUDA out of memory")


def test_what_was_halved_stays_halved(tmp_path: Path) -> None:
    """The second attempt would have the memory: but it is to go on as if nothing had been."""
    resumed = interrupted(Tight(), tmp_path, (4,))

    assert [each.code for each in resumed.events if isinstance(each, JobWarning)] == [
        "FEWER_IMAGES_AT_A_TIME"
    ]
    assert_same(resumed, uninterrupted(Tight()))
    assert resumed.state["fc.weight"].ne(whole("frozen").state["fc.weight"]).any()


def test_random_numbers_go_on_where_they_were() -> None:
    device = torch.device("cpu")
    torch.manual_seed(5)
    torch.rand(3)
    states = {name: each.clone() for name, each in random_state(device).items()}
    expected = torch.rand(3)

    torch.manual_seed(6)
    set_random_state(device, states)

    assert torch.equal(torch.rand(3), expected)


def without_optimizer(training: Training, saved: SavedState) -> Seal:
    """Put back the model alone, as a checkpoint of weights would."""
    seal = put_back(training, saved)
    tensors = {**saved.tensors}
    tensors["optimizer"] = {}
    object.__setattr__(saved, "tensors", tensors)
    return seal


def test_going_on_with_the_weights_alone_is_another_training(tmp_path: Path) -> None:
    """Adam without its averages takes other steps: this is what resuming must not be."""
    resumed = interrupted(made("frozen"), tmp_path, (4,), put_back=without_optimizer)

    with pytest.raises(AssertionError):
        assert_same(resumed, whole("frozen"))


def test_the_loop_asks_only_where_a_training_can_be_saved(tmp_path: Path) -> None:
    """Between the steps of an epoch, and when an epoch is over with all that belongs to it."""
    resumed = interrupted(made("gradual"), tmp_path, (6,))

    (taken,) = [each for each in resumed.events if isinstance(each, SnapshotTaken)]
    before = resumed.events[: resumed.events.index(taken)]
    # The second phase's steps, the epoch's training and validation, and the phase that is due.
    assert [type(each).__name__ for each in before[-3:]] == [
        "EpochMetrics",
        "EpochMetrics",
        "PhaseStarted",
    ]
    assert (taken.snapshot.step, taken.snapshot.epoch) == (6, 2)


def test_what_was_not_told_yet_is_told_before_it_is_saved(tmp_path: Path) -> None:
    resumed = interrupted(made("frozen"), tmp_path, (4,))

    at = [type(each).__name__ for each in resumed.events].index("SnapshotTaken")
    last = resumed.events[at - 1]
    assert getattr(last, "step", None) == 4


def other_model(training: Training, saved: SavedState) -> Seal:
    """Put it back into a model whose frozen part is another."""
    with torch.no_grad():
        training.model.get_parameter("conv1.0.weight").add_(1.0)
    return put_back(training, saved)


def test_a_snapshot_of_another_frozen_part_is_refused(tmp_path: Path) -> None:
    with pytest.raises(SnapshotMisfit, match=r"1 tensors that stand still .* conv1\.0\.weight"):
        interrupted(made("frozen"), tmp_path, (4,), put_back=other_model)


def other_plan(training: Training, saved: SavedState) -> Seal:
    """Put it back into a training of more steps."""
    plan = replace(training.plan, num_steps=training.plan.num_steps + 1)
    return put_back(replace(training, plan=plan), saved)


def test_a_snapshot_of_another_plan_is_refused(tmp_path: Path) -> None:
    with pytest.raises(SnapshotMisfit, match="another plan"):
        interrupted(made("frozen"), tmp_path, (4,), put_back=other_plan)


def test_the_phase_of_a_snapshot_is_frozen_again(tmp_path: Path) -> None:
    """Beginning in the first phase and going on in the second would let too little train."""
    seen: list[tuple[frozenset[str], frozenset[str]]] = []

    def watched(training: Training, saved: SavedState) -> Seal:
        seal = put_back(training, saved)
        trains = frozenset(n for n, p in training.model.named_parameters() if p.requires_grad)
        phase = training.plan.phases[saved.progress.phase - 1].freeze
        seen.append((trains, frozenset(phase.trainable)))
        return seal

    interrupted(made("gradual"), tmp_path, (5,), put_back=watched)

    ((trains, planned),) = seen
    assert trains == planned
    first = made("gradual")()[0].plan.freeze
    assert trains > frozenset(first.trainable)


def test_going_on_in_the_first_phase_is_noticed(tmp_path: Path) -> None:
    """A resume that forgets the phase seals what moves."""

    def forgetful(training: Training, saved: SavedState) -> Seal:
        put_back(training, saved)
        freeze(training.model, training.layout, training.plan.freeze)
        return Seal(training.model, moving_tensors(training.layout, training.plan.freeze))

    with pytest.raises(Exception, match=r"grad|frozen tensors changed"):
        interrupted(made("gradual"), tmp_path, (5,), put_back=forgetful)

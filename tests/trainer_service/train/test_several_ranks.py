"""Whole trainings of several ranks: the losses of one, whatever trains; or another honest result.

Here ranks are threads; tests/trainer_service/test_worker_ranks.py has real processes.
"""

from collections.abc import Mapping
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import Any

import pytest
import torch
from torch import Tensor, nn

from catalog_service.models.freeze_plan import FreezeMode, UnfreezeStep
from tests.fakes.shared_trainings import Done, train_together
from tests.fakes.trainings import job_spec
from trainer_service.datasets.batch import Batch
from trainer_service.jobs import (
    EarlyStopping,
    ExportSpec,
    JobSpec,
    JobWarning,
    OptimizerSpec,
    PhaseStarted,
    RunSpec,
    ScheduleSpec,
    StepMetrics,
)
from trainer_service.tasks.task import Learned, Task

FULL = (pytest.mark.full, pytest.mark.timeout(900))
RELATIVE = 1e-5
TINY = "shufflenet_v2_x0_5"
"""For what is equal to the last bit: there, no rounding grows."""
SGD = OptimizerSpec(algorithm="sgd", momentum=0.9, lr=1e-5)


def spec_of(architecture_id: str = "resnet18", **fields: Any) -> JobSpec:
    """Return a spec without batch norms that train: eleven images, four a step, the last three.

    The model is one whose random weights train tamely, at a rate that moves them a little: what
    another order of additions rounds otherwise would grow to anything.
    """
    usual: dict[str, Any] = {"norm": "frozen_statistics", "optimizer": SGD, "num_epochs": 2}
    return job_spec(architecture_id, **(usual | fields))


GRADUAL = FreezeMode(
    kind="gradual",
    steps=(UnfreezeStep(after_steps=4, num_blocks=1), UnfreezeStep(after_epochs=2, num_blocks=2)),
)

SPECS: Mapping[str, JobSpec] = {
    "full": spec_of(),
    "frozen": spec_of(freeze=FreezeMode(kind="frozen_backbone")),
    "last_blocks": spec_of(freeze=FreezeMode(kind="last_blocks", num_blocks=1)),
    "gradual": spec_of(freeze=GRADUAL, num_epochs=3),
    "norm_only": spec_of(freeze=FreezeMode(kind="norm_only")),
    "custom": spec_of(freeze=FreezeMode(kind="custom", trainable_patterns=("layer4",))),
    "micro-batches": spec_of(batch_size=6, micro_batch_size=2),
    "a last batch of one image": spec_of(batch_size=5),
    "schedule": spec_of(schedule=ScheduleSpec(kind="cosine", warmup_steps=2), max_grad_norm=0.5),
    "adamw": spec_of(optimizer=OptimizerSpec(lr=1e-5), num_epochs=1),
    "best": spec_of(
        num_epochs=4,
        export=ExportSpec(state="best"),
        early_stopping=EarlyStopping(metric="loss", patience_epochs=2),
        optimizer=replace(SGD, lr=5e-5),
    ),
}
QUICK = ("gradual", "a last batch of one image")
EVERY = [pytest.param(name, marks=() if name in QUICK else FULL) for name in SPECS]


def on(num_ranks: int, spec: JobSpec) -> JobSpec:
    """Return the spec for so many devices."""
    return replace(spec, run=RunSpec(num_devices=num_ranks))


def require_same_state(first: dict[str, Tensor], second: dict[str, Tensor]) -> None:
    """Fail unless both are equal to the last bit."""
    assert [name for name in first if not torch.equal(first[name], second[name])] == []


@pytest.mark.parametrize("name", EVERY)
def test_two_ranks_have_the_losses_of_one(name: str, tmp_path: Path) -> None:
    """In training and in validation, epoch by epoch; phases begin at the same steps."""
    (alone,) = train_together(SPECS[name], 1, tmp_path)

    first, second = train_together(on(2, SPECS[name]), 2, tmp_path)

    for split in ("train", "validation"):
        whole, shared = alone.epochs(split), first.epochs(split)
        assert len(whole) == len(shared) > 0
        for one, other in zip(whole, shared, strict=True):
            assert other == pytest.approx(one, rel=RELATIVE)
        assert second.epochs(split) == shared
    assert phases(first) == phases(alone)
    require_same_state(first.state, second.state)
    assert first.trained is not None
    assert alone.trained is not None
    assert first.trained.epoch == alone.trained.epoch
    assert first.trained.evaluation.confusion == alone.trained.evaluation.confusion


def phases(done: Done) -> list[tuple[int, str]]:
    """Return which phases began, and why."""
    told = [each for each in done.events if isinstance(each, PhaseStarted)]
    return [(each.phase, each.reason) for each in told]


@pytest.mark.full
def test_steps_are_told_by_the_first_rank_of_all_images(tmp_path: Path) -> None:
    (alone,) = train_together(SPECS["full"], 1, tmp_path)

    first, second = train_together(on(2, SPECS["full"]), 2, tmp_path)

    def last_steps(done: Done) -> dict[int, float]:
        told = [each for each in done.events if isinstance(each, StepMetrics)]
        return {each.step: each.values["loss"] for each in told if each.step in (3, 6)}

    assert last_steps(first) == pytest.approx(last_steps(alone), rel=RELATIVE)
    assert len(last_steps(first)) == 2
    assert last_steps(second) == {}


@pytest.mark.parametrize("num_ranks", [2, pytest.param(3, marks=FULL)])
def test_with_batch_norms_that_train_all_ranks_end_with_one_model(
    num_ranks: int, tmp_path: Path
) -> None:
    """It is another one than one rank's: norms see a part of the batch."""
    spec = spec_of(TINY, norm="batch_statistics", batch_size=6)
    (alone,) = train_together(spec, 1, tmp_path)

    first, *others = train_together(on(num_ranks, spec), num_ranks, tmp_path)

    for other in others:
        require_same_state(first.state, other.state)
        assert other.epochs("validation") == first.epochs("validation")
    assert first.epochs("train") != alone.epochs("train")
    before = first.epochs("validation")[0]
    assert before == pytest.approx(alone.epochs("validation")[0], rel=RELATIVE)


@pytest.mark.parametrize(
    ("before", "after", "step"),
    [
        (2, 1, 3),
        (1, 2, 1),
        pytest.param(2, 3, 2, marks=FULL),
        pytest.param(3, 2, 3, marks=FULL),
        pytest.param(2, 2, 1, marks=FULL),
    ],
)
@pytest.mark.parametrize(
    "norm", ["frozen_statistics", pytest.param("batch_statistics", marks=FULL)]
)
def test_another_number_of_ranks_goes_on_where_one_was_saved(
    norm: str, before: int, after: int, step: int, tmp_path: Path
) -> None:
    """In the middle of an epoch, too: what was counted of it is in the snapshot once."""
    spec, folder = spec_of(norm=norm, batch_size=6), tmp_path / "saved"
    # Where norms train, three ranks would do without a last batch of five, and two would not.
    together = partial(train_together, num_images=12 if norm == "batch_statistics" else 11)
    whole, *_ = together(on(before, spec), before, tmp_path)

    left, *_ = together(on(before, spec), before, folder, leave_after=step)
    assert left.snapshot is not None
    done, *others = together(on(after, spec), after, tmp_path / "again", saved=left.snapshot)

    for other in others:
        require_same_state(done.state, other.state)
    if norm == "frozen_statistics":
        for split in ("train", "validation"):
            told = [*left.epochs(split), *done.epochs(split)]
            for one, other in zip(whole.epochs(split), told, strict=True):
                assert other == pytest.approx(one, rel=RELATIVE)


def test_the_same_ranks_go_on_to_the_last_bit(tmp_path: Path) -> None:
    """What they told of the epoch in which they were saved was added up in another order."""
    spec = on(2, spec_of(TINY, norm="batch_statistics", freeze=GRADUAL, num_epochs=3))
    whole, _ = train_together(spec, 2, tmp_path)

    left, _ = train_together(spec, 2, tmp_path / "saved", leave_after=3)
    done, _ = train_together(spec, 2, tmp_path / "again", saved=left.snapshot)

    require_same_state(whole.state, done.state)
    told = [*left.epochs("train"), *done.epochs("train")]
    for one, other in zip(whole.epochs("train"), told, strict=True):
        assert other == pytest.approx(one, rel=1e-6)


class LittleMemory:
    """A task that has no room for more than one image at a time."""

    def __init__(self, task: Task) -> None:
        self._task = task

    def learn(self, network: nn.Module, batch: Batch) -> Learned:
        """Return what the task learns from one image."""
        if batch.num_images > 1:
            raise MemoryError
        return self._task.learn(network, batch)

    def __getattr__(self, name: str) -> Any:
        return getattr(self._task, name)


@pytest.mark.parametrize(
    "micro_batch_size", [0, pytest.param(4, marks=FULL, id="more than a rank's part")]
)
def test_all_take_fewer_images_when_one_runs_out_of_memory(
    micro_batch_size: int, tmp_path: Path
) -> None:
    """Nobody waits for a rank that could not do its part; the gradient stays what it is."""
    spec = spec_of(TINY, num_epochs=0, num_steps=1, micro_batch_size=micro_batch_size)
    (alone,) = train_together(spec, 1, tmp_path)

    first, second = train_together(
        on(2, spec),
        2,
        tmp_path,
        change=lambda rank, training: (
            replace(training, task=LittleMemory(training.task)) if rank == 1 else training
        ),
    )

    for done in (first, second):
        (warning,) = [each for each in done.events if isinstance(each, JobWarning)]
        assert warning.code == "FEWER_IMAGES_AT_A_TIME"
        assert "2 images at a time" in warning.text
    require_same_state(first.state, second.state)
    steps = [
        [each.values["loss"] for each in done.events if isinstance(each, StepMetrics)]
        for done in (alone, first)
    ]
    assert steps[1] == pytest.approx(steps[0], rel=RELATIVE)

"""How long a job trains, and which epoch's state it leaves."""

from collections.abc import Mapping
from dataclasses import replace

import pytest
import torch

from catalog_service.errors import InvalidRequest
from tests.fakes.running import ready, run, state_of
from tests.fakes.trainings import job_spec
from trainer_service.jobs import (
    EarlyStopping,
    EpochMetrics,
    Evaluated,
    ExportSpec,
    JobMessage,
    JobSpec,
    StepMetrics,
)
from trainer_service.stop_switch import StopSwitch
from trainer_service.train.loop import Trained, TrainEvent, train
from trainer_service.train.records import Record, grows

TINY = "shufflenet_v2_x0_5"
NAN = float("nan")


class Scripted:
    """A task that learns as usual; what is said of its validation is written down before."""

    def __init__(self, inner: object, metric: str, values: list[float]) -> None:
        self._inner = inner
        self._metric = metric
        self._values = iter(values)

    def __getattr__(self, name: str) -> object:
        return getattr(self._inner, name)

    def pass_metrics(self) -> "ScriptedMetrics":
        """Return metrics; the loop asks for some at each pass, training and validation in turn."""
        return ScriptedMetrics(self._inner.pass_metrics(), self)  # type: ignore[attr-defined]

    def said(self, values: Mapping[str, float]) -> dict[str, float]:
        """Return the real values, but for the scripted one."""
        return {**values, self._metric: next(self._values)}


class ScriptedMetrics:
    """The metrics of one pass."""

    def __init__(self, inner: object, script: Scripted) -> None:
        self._inner, self._script = inner, script

    def __getattr__(self, name: str) -> object:
        return getattr(self._inner, name)

    def values(self) -> dict[str, float]:
        """Return the next line of the script."""
        return self._script.said(self._inner.values())  # type: ignore[attr-defined]


def script(spec: JobSpec, values: list[float]) -> list[float]:
    """Return what is said of the passes, in order: 0 of those that train, and of epoch 0."""
    lines, waiting = [0.0], list(values)
    for epoch in range(1, spec.num_epochs + 1):
        lines.append(0.0)
        if waiting and (epoch % spec.validation_every_epochs == 0 or epoch == spec.num_epochs):
            lines.append(waiting.pop(0))
    return lines


def run_scripted(
    spec: JobSpec, values: list[float], *, metric: str = "accuracy"
) -> tuple[list[TrainEvent], Trained, list[dict[str, torch.Tensor]]]:
    """Train with these values of the validations after epoch 0; also return the state at each."""
    training, seal = ready(spec, num_images=4)
    training = replace(training, task=Scripted(training.task, metric, script(spec, values)))  # type: ignore[arg-type]
    events, states = [], []
    generator = train(training, seal, StopSwitch())
    while True:
        try:
            event = next(generator)
        except StopIteration as end:
            states.append(state_of(training.model))
            return events, end.value, states
        events.append(event)
        if isinstance(event, EpochMetrics) and event.split == "validation":
            states.append(state_of(training.model))


def same(one: dict[str, torch.Tensor], other: dict[str, torch.Tensor]) -> bool:
    """Whether both states are equal to the last bit."""
    return all(torch.equal(tensor, other[name]) for name, tensor in one.items())


BEST = ExportSpec(state="best")


def test_the_best_epoch_is_what_is_left() -> None:
    spec = job_spec(TINY, num_epochs=4, export=BEST)

    events, trained, states = run_scripted(spec, [0.3, 0.7, 0.7, 0.5])

    assert trained.epoch == 2
    assert trained.metrics["validation/accuracy"] == 0.7
    assert trained.step == 2
    assert same(states[-1], states[2])
    assert not same(states[-1], states[4])
    (evaluated,) = [event for event in events if isinstance(event, Evaluated)]
    assert evaluated.epoch == 2
    assert evaluated.evaluation == trained.evaluation


def test_without_a_wish_the_last_epoch_is_left() -> None:
    events, trained, states = run_scripted(job_spec(TINY, num_epochs=3), [0.9, 0.2, 0.1])

    assert (trained.epoch, trained.metrics["validation/accuracy"]) == (3, 0.1)
    assert same(states[-1], states[3])
    assert [event.epoch for event in events if isinstance(event, Evaluated)] == [3]


def test_where_no_epoch_is_better_than_another_the_last_one_is_left() -> None:
    """A metric may be not a number all along."""
    spec = job_spec(TINY, num_epochs=2, export=BEST)

    _, trained, states = run_scripted(spec, [NAN, NAN])

    assert trained.epoch == 2
    assert same(states[-1], states[2])


def test_a_job_ends_early_when_nothing_gets_better() -> None:
    stopping = EarlyStopping(patience_epochs=2, min_delta=0.05)
    spec = job_spec(TINY, num_epochs=9, early_stopping=stopping)

    events, trained, _ = run_scripted(spec, [0.5, 0.6, 0.64, 0.62, 0.9])

    assert trained.epoch == 4
    texts = [event.text for event in events if isinstance(event, JobMessage)]
    assert texts == ["no better accuracy in 2 epochs: training ends after epoch 4"]


def validated(events: list[TrainEvent]) -> list[int]:
    """Return the epochs that were validated."""
    passes = [event for event in events if isinstance(event, EpochMetrics)]
    return [each.epoch for each in passes if each.split == "validation"]


def test_a_spec_says_how_often_epochs_are_validated() -> None:
    """The last one always is; the numbers are those of a job that validates every epoch."""
    spec = job_spec(TINY, num_epochs=5)

    often, _, each_state = run_scripted(spec, [0.1] * 5)
    seldom, trained, states = run_scripted(replace(spec, validation_every_epochs=2), [0.1] * 3)

    assert validated(often) == [0, 1, 2, 3, 4, 5]
    assert validated(seldom) == [0, 2, 4, 5]
    trains = [each for each in seldom if isinstance(each, EpochMetrics) and each.split == "train"]
    assert [each.epoch for each in trains] == [1, 2, 3, 4, 5]
    assert trained.epoch == 5
    assert same(states[-1], each_state[-1])
    assert same(states[1], each_state[2])


def test_the_best_epoch_is_one_that_was_validated() -> None:
    spec = job_spec(TINY, num_epochs=5, validation_every_epochs=2, export=BEST)

    _, trained, states = run_scripted(spec, [0.3, 0.7, 0.5])

    assert (trained.epoch, trained.step) == (4, 4)
    assert trained.metrics["validation/accuracy"] == 0.7
    assert same(states[-1], states[2])


def test_patience_counts_epochs_and_ends_at_a_validation() -> None:
    """Epochs 4 and 6 are no better than 2: four epochs without an improvement."""
    stopping = EarlyStopping(patience_epochs=3)
    spec = job_spec(TINY, num_epochs=9, validation_every_epochs=2, early_stopping=stopping)

    events, trained, _ = run_scripted(spec, [0.5, 0.5, 0.5, 0.9])

    assert trained.epoch == 6
    texts = [event.text for event in events if isinstance(event, JobMessage)]
    assert texts == ["no better accuracy in 4 epochs: training ends after epoch 6"]


def test_skipped_epochs_count_once_a_validation_found_nothing_better() -> None:
    record = Record("iou", grows=True)
    record.note({"iou": 0.5})

    record.skip()
    assert record.num_epochs_since == 0
    record.note({"iou": 0.4})
    assert record.num_epochs_since == 2
    record.skip()
    record.start_over()
    record.note({"iou": 0.4})
    assert record.num_epochs_since == 1


def test_a_metric_that_falls_gets_better_downwards() -> None:
    stopping = EarlyStopping(metric="loss", patience_epochs=1)
    spec = job_spec(TINY, num_epochs=9, early_stopping=stopping)

    _, trained, _ = run_scripted(spec, [0.9, 0.8, 0.7, 0.7], metric="loss")

    assert trained.epoch == 4
    assert not grows("loss") and not grows("mae") and grows("iou")


@pytest.mark.parametrize(
    "settings",
    [{"early_stopping": EarlyStopping(metric="iou")}, {"export": BEST}],
    ids=["early stopping", "best"],
)
def test_a_metric_that_nobody_computes_is_refused_before_the_first_step(
    settings: dict[str, object],
) -> None:
    training, seal = ready(job_spec(TINY, **settings))
    training = replace(training, plan=replace(training.plan, main_metric="iou"))
    events = []

    with pytest.raises(InvalidRequest, match=r"no validation metric iou; .* are loss, accuracy"):
        for event in train(training, seal, StopSwitch()):
            events.append(event)

    assert not any(isinstance(event, StepMetrics) for event in events)


def test_not_a_number_is_never_better() -> None:
    record = Record("r2", grows=True)

    said = [record.note({"r2": value}) for value in (NAN, 0.1, NAN, 0.2, 0.2)]

    assert said == [False, True, False, True, False]
    assert record.num_epochs_since == 1


@pytest.mark.parametrize(("num_steps", "epochs"), [(1, [1]), (4, [1]), (6, [1, 2])])
def test_a_job_may_be_as_long_as_so_many_steps(num_steps: int, epochs: list[int]) -> None:
    """Eight images, two a step: four steps an epoch. The last epoch may end in between."""
    spec = job_spec(TINY, batch_size=2, num_epochs=0, num_steps=num_steps)
    training, seal = ready(spec)

    events, trained = run(training, seal)

    ends = [e for e in events if isinstance(e, EpochMetrics) and e.split == "train"]
    assert [event.epoch for event in ends] == epochs
    assert ends[-1].step == trained.step == num_steps
    assert max(e.step for e in events if isinstance(e, StepMetrics)) == num_steps

"""What a run was so far, as far as its views need it. Grows with epochs, not with steps."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Self

from trainer_service.jobs import EpochMetrics, JobEvent, PhaseStarted, Planned, StepMetrics

MAX_STEPS = 4000
"""Points of a curve: more than a picture is wide. With one more, every other one is dropped."""


@dataclass(frozen=True, slots=True, kw_only=True)
class SavedHistory:
    """The same at one moment."""

    main_metric: str
    num_steps_per_epoch: int
    steps: tuple[StepMetrics, ...]
    epochs: tuple[EpochMetrics, ...]
    phase_steps: tuple[int, ...]
    every: int
    num_steps: int


@dataclass(slots=True)
class History:
    """A job's metrics in the order of its events."""

    main_metric: str = ""
    num_steps_per_epoch: int = 1
    steps: list[StepMetrics] = field(default_factory=list)
    epochs: list[EpochMetrics] = field(default_factory=list)
    phase_steps: list[int] = field(default_factory=list)
    """The last step before each phase but the first."""
    _every: int = 1
    _num_steps: int = 0

    @classmethod
    def of(cls, saved: SavedHistory) -> Self:
        """Return what was saved, to be gone on with."""
        return cls(
            main_metric=saved.main_metric,
            num_steps_per_epoch=saved.num_steps_per_epoch,
            steps=list(saved.steps),
            epochs=list(saved.epochs),
            phase_steps=list(saved.phase_steps),
            _every=saved.every,
            _num_steps=saved.num_steps,
        )

    def saved(self) -> SavedHistory:
        """Return what it is now."""
        return SavedHistory(
            main_metric=self.main_metric,
            num_steps_per_epoch=self.num_steps_per_epoch,
            steps=tuple(self.steps),
            epochs=tuple(self.epochs),
            phase_steps=tuple(self.phase_steps),
            every=self._every,
            num_steps=self._num_steps,
        )

    def in_order(self) -> list[StepMetrics | EpochMetrics]:
        """Return everything that was measured, steps before the epoch that they end."""
        measured: list[StepMetrics | EpochMetrics] = [*self.steps, *self.epochs]
        return sorted(measured, key=lambda event: event.step)

    def add(self, event: JobEvent) -> None:
        """Remember what a view shows; everything else passes by."""
        if isinstance(event, Planned):
            self.main_metric = event.plan.main_metric
            self.num_steps_per_epoch = max(event.plan.num_steps_per_epoch, 1)
        elif isinstance(event, StepMetrics):
            self._add_step(event)
        elif isinstance(event, EpochMetrics):
            self.epochs.append(event)
        elif isinstance(event, PhaseStarted):
            self.phase_steps.append(self.last_step)

    @property
    def last_step(self) -> int:
        """Return the newest step that an event told of; 0 before the first."""
        told = [one[-1].step for one in (self.steps, self.epochs) if one]
        return max(told, default=0)

    def rows(self) -> list[Mapping[str, float]]:
        """Return a row an epoch: `epoch`, `step`, and metrics such as `validation/accuracy`."""
        rows: dict[int, dict[str, float]] = {}
        for each in self.epochs:
            row = rows.setdefault(each.epoch, {"epoch": each.epoch})
            row["step"] = each.step
            row.update({f"{each.split}/{name}": value for name, value in each.values.items()})
        return [rows[epoch] for epoch in sorted(rows)]

    def curve(self, split: str, name: str) -> tuple[list[float], list[float]]:
        """Return epochs and values of a metric of a split."""
        told = [one for one in self.epochs if one.split == split and name in one.values]
        return [self.in_epochs(one.step) for one in told], [one.values[name] for one in told]

    def in_epochs(self, step: int) -> float:
        """Return a step as a number of epochs."""
        return step / self.num_steps_per_epoch

    def metric_names(self) -> list[str]:
        """Return the metrics of the validation images: the main one first, the loss left out."""
        names = {
            name: None for one in self.epochs if one.split == "validation" for name in one.values
        }
        others = [name for name in names if name not in (self.main_metric, "loss")]
        return [name for name in (self.main_metric,) if name in names and name != "loss"] + others

    def _add_step(self, event: StepMetrics) -> None:
        self._num_steps += 1
        if self._num_steps % self._every:
            return
        self.steps.append(event)
        if len(self.steps) > MAX_STEPS:
            del self.steps[::2]
            self._every *= 2

"""How a training stands: how good its epochs were, whether it stops early, and which one counts."""

from collections.abc import Mapping
from dataclasses import dataclass

from trainer_service.freezing import moving_tensors
from trainer_service.jobs import EpochMetrics, Evaluation
from trainer_service.snapshots.saved_state import Progress, SavedBest, Tensors
from trainer_service.train.judging import Judge
from trainer_service.train.phases import phases_of
from trainer_service.train.records import KeptState, Record, grows
from trainer_service.train.training import Training


@dataclass(frozen=True, slots=True, kw_only=True)
class Best:
    """What would be exported if training ended here."""

    epoch: int
    step: int
    metrics: Mapping[str, float]
    evaluation: Evaluation | None = None
    state: KeptState | None = None

    def saved(self) -> SavedBest:
        """Return the same without its tensors."""
        return SavedBest(
            epoch=self.epoch,
            step=self.step,
            metrics=self.metrics,
            evaluation=self.evaluation,
            has_state=self.state is not None,
        )

    @classmethod
    def of(cls, saved: SavedBest, tensors: Tensors) -> "Best":
        """Return what was saved."""
        return cls(
            epoch=saved.epoch,
            step=saved.step,
            metrics=saved.metrics,
            evaluation=saved.evaluation,
            state=KeptState(tensors) if saved.has_state else None,
        )


class Standing:
    """How good a training was so far."""

    def __init__(self, training: Training) -> None:
        plan, early = training.plan, training.spec.early_stopping
        metric = early.metric if early and early.metric else plan.main_metric
        self._training = training
        self.main = Record(plan.main_metric, grows=plan.main_metric_grows)
        self.early = Record(
            metric,
            grows=plan.main_metric_grows if metric == plan.main_metric else grows(metric),
            min_delta=early.min_delta if early else 0.0,
        )
        self.best: Best | None = None
        self.best_step = 0
        """The last one of the newest epoch that was better than all before."""

    def note(self, trained: EpochMetrics, judge: Judge) -> None:
        """Remember how good the model is, and the model itself where the best one is exported."""
        values = judge.validated.values
        is_better = self.main.metric in values and self.main.note(values)
        if self.early.metric in values:
            self.early.note(values)
        if is_better:
            self.best_step = trained.step
        keeps_best = self._training.spec.export.state == "best"
        if is_better or not keeps_best or not self.main.is_set:
            self.best = Best(
                epoch=trained.epoch,
                step=trained.step,
                metrics=_named(trained) | _named(judge.validated),
                evaluation=judge.evaluation() if keeps_best else None,
                state=KeptState.of(self._training.model, self._moving()) if keeps_best else None,
            )

    def skip(self) -> None:
        """Count an epoch that nobody judged."""
        self.main.skip()
        self.early.skip()

    def start_over(self) -> None:
        """Give what is new its own time."""
        self.main.start_over()
        self.early.start_over()

    @property
    def is_stopping(self) -> bool:
        """Whether the job waits no longer for something better."""
        early = self._training.spec.early_stopping
        return early is not None and self.early.num_epochs_since >= early.patience_epochs

    def best_tensors(self) -> Tensors:
        """Return the model of the best epoch, where it is kept."""
        return self.best.state.tensors if self.best and self.best.state else {}

    def go_on(self, progress: Progress, best: Tensors) -> None:
        """Go on from how it stood then."""
        self.main.go_on(progress.main)
        self.early.go_on(progress.early)
        if progress.best is not None:
            self.best = Best.of(progress.best, best)

    def _moving(self) -> frozenset[str]:
        """Return what any phase moves: later ones start from what it is now."""
        layout = self._training.layout
        phases = phases_of(self._training.plan)
        return frozenset().union(*(moving_tensors(layout, each.freeze) for each in phases))


def _named(metrics: EpochMetrics) -> dict[str, float]:
    return {f"{metrics.split}/{name}": value for name, value in metrics.values.items()}

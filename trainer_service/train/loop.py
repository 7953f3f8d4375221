"""The loop: a generator of events over epochs and steps. It knows no export and no spool."""

import math
import time
from collections.abc import Generator, Mapping
from dataclasses import dataclass
from itertools import count

import torch

from catalog_service.errors import InvalidRequest, listed
from trainer_service.datasets.batches import EVALUATION_BATCH_SIZE
from trainer_service.errors import LossNotFinite, is_out_of_memory
from trainer_service.freezing import Seal, moving_tensors
from trainer_service.jobs import EpochMetrics, Evaluated, Evaluation, JobMessage
from trainer_service.stop_switch import StopSwitch
from trainer_service.tasks.task import PassMetrics
from trainer_service.train.memory import ImagesAtATime
from trainer_service.train.micro_batches import parts_of
from trainer_service.train.phases import phases_of
from trainer_service.train.precision import Passes
from trainer_service.train.progress import Clock, remedy
from trainer_service.train.records import KeptState, Record, grows
from trainer_service.train.steps import Events, Steps
from trainer_service.train.training import PhaseSource, Trained, TrainEvent, Training

__all__ = ["PhaseSource", "TrainEvent", "Trained", "Training", "train"]


def train(
    training: Training, seal: Seal, stop: StopSwitch, *, clock: Clock = time.monotonic
) -> Generator[TrainEvent, None, Trained]:
    """Train, yielding what happened; afterwards the model holds the result, in evaluation mode.

    Every epoch ends with a look at the seal, and those that the plan says with a validation. Order,
    augmentation and dropout are functions of seed, epoch and position: on a CPU two runs are equal
    to the last bit, however often they are validated.

    Args:
        training: its model is frozen as the first phase says, and may have been recalibrated.
        seal: of what the first phase does not move.

    Raises:
        LossNotFinite: names the epoch and the step; or says that the last step did it.
        FrozenStateChanged: something moved that the plan freezes.
        GradientMissing: a phase's first step did not reach everything that should train.
        OutOfMemory: also with half as many images at a time.
        InvalidRequest: a metric is asked for that the task does not have.
        StopRequested: between two batches.
    """
    return (yield from _Loop(training, seal, stop, clock).run())


@dataclass(frozen=True, slots=True, kw_only=True)
class _Best:
    """What would be exported if training ended here."""

    epoch: int
    step: int
    metrics: Mapping[str, float]
    evaluation: Evaluation | None = None
    state: KeptState | None = None


class _Loop:
    def __init__(self, training: Training, seal: Seal, stop: StopSwitch, clock: Clock) -> None:
        self._training = training
        self._seal = seal
        self._stop = stop
        self._passes = Passes(training.spec.precision, training.device)
        self._judged = ImagesAtATime(
            training.spec, training.device, size=0, most=EVALUATION_BATCH_SIZE
        )
        self._steps = Steps(training, seal, self._passes, clock)
        plan, early = training.plan, training.spec.early_stopping
        self._main = Record(plan.main_metric, grows=plan.main_metric_grows)
        metric = early.metric if early and early.metric else plan.main_metric
        self._early = Record(
            metric,
            grows=plan.main_metric_grows if metric == plan.main_metric else grows(metric),
            min_delta=early.min_delta if early else 0.0,
        )
        self._best: _Best | None = None

    def run(self) -> Generator[TrainEvent, None, Trained]:
        """Train to the end."""
        plan = self._training.plan
        yield from self._validate(0)
        self._require_metrics(self._validated.values)
        for epoch in count(1):
            yield from self._epoch(epoch)
            if self._steps.number == plan.num_steps:
                break
            yield from self._begin_due(epoch)  # may have waited for the same plateau
            if self._is_stopping():
                yield JobMessage(text=f"{self._early}: training ends after epoch {epoch}")
                break
        return (yield from self._finish())

    def _epoch(self, epoch: int) -> Events:
        metrics, phase = self._training.task.pass_metrics(), self._steps.phase_number
        yield from self._steps.epoch(epoch, metrics, self._stop)
        if self._steps.phase_number != phase:  # one began at a step: it gets its own time
            self._main.start_over()
            self._early.start_over()
        self._steps.enter_evaluation()
        trained = EpochMetrics(
            epoch=epoch, split="train", values=metrics.values(), step=self._steps.number
        )
        yield trained
        is_validated = self._is_validated(epoch)
        if is_validated:
            yield from self._validate(epoch)
        self._seal.glance(self._training.model, when=f"the end of epoch {epoch}")
        if is_validated:
            self._note(trained)
        else:
            self._main.skip()
            self._early.skip()

    def _is_validated(self, epoch: int) -> bool:
        """Whether this epoch, which is over, ends with a validation: the last one always does."""
        plan = self._training.plan
        is_last = self._steps.number == plan.num_steps
        return is_last or epoch % plan.validation_every_epochs == 0

    def _validate(self, epoch: int) -> Events:
        """Judge all validation images; if need be fewer of them at a time."""
        self._steps.enter_evaluation()
        while True:
            try:
                self._validation = self._judge()
                break
            except (RuntimeError, MemoryError) as error:
                if not is_out_of_memory(error):
                    raise
                problem = error.with_traceback(None)
            if self._training.plan.task == "simclr":  # its images are judged by each other
                raise self._judged.failure() from problem
            yield self._judged.halved(problem)
        self._validated = EpochMetrics(
            epoch=epoch,
            split="validation",
            values=self._validation.values(),
            step=self._steps.number,
        )
        yield self._validated

    @torch.no_grad()
    def _judge(self) -> PassMetrics:
        task = self._training.task
        metrics = task.pass_metrics()
        for batch in self._steps.batches.validation():
            self._stop.check()
            for part in parts_of(batch, self._judged.size):
                with self._passes.forward():
                    learned = task.judge(self._steps.network, part)
                metrics.update(learned, part)
        return metrics

    def _note(self, trained: EpochMetrics) -> None:
        """Remember how good the model is, and the model itself where the best one is exported."""
        values = self._validated.values
        is_better = self._main.metric in values and self._main.note(values)
        if self._early.metric in values:
            self._early.note(values)
        keeps_best = self._training.spec.export.state == "best"
        if is_better or not keeps_best or not self._main.is_set:
            self._best = _Best(
                epoch=trained.epoch,
                step=trained.step,
                metrics=_named(trained) | _named(self._validated),
                evaluation=self._validation.evaluation() if keeps_best else None,
                state=KeptState(self._training.model, self._moving()) if keeps_best else None,
            )

    def _moving(self) -> frozenset[str]:
        """Return what any phase moves: later ones start from what it is now."""
        layout = self._training.layout
        phases = phases_of(self._training.plan)
        return frozenset().union(*(moving_tensors(layout, each.freeze) for each in phases))

    def _is_stopping(self) -> bool:
        early = self._training.spec.early_stopping
        return early is not None and self._early.num_epochs_since >= early.patience_epochs

    def _begin_due(self, epoch: int) -> Events:
        for event in self._steps.begin_due(epoch, self._main):
            self._early.start_over()  # what is new gets its own time
            yield event

    def _finish(self) -> Generator[TrainEvent, None, Trained]:
        """Let the model be what is exported, and look at it once more."""
        best = self._best
        assert best is not None
        model = self._training.model
        if best.state is not None and best.epoch != self._validated.epoch:
            best.state.put_back(model)
            yield JobMessage(text=f"the best {self._main.metric} was that of epoch {best.epoch}")
        self._steps.enter_evaluation()
        require_finite(self._training, best.metrics.get("validation/loss", 0.0))
        self._seal.check(model, when="the end of training")
        evaluation = best.evaluation or self._validation.evaluation()
        yield Evaluated(epoch=best.epoch, evaluation=evaluation)
        return Trained(
            epoch=best.epoch,
            step=best.step,
            metrics=best.metrics,
            evaluation=evaluation,
            seal=self._seal,
        )

    def _require_metrics(self, values: Mapping[str, float]) -> None:
        """Raise InvalidRequest before the first step if the job waits for what nobody computes."""
        spec, plan = self._training.spec, self._training.plan
        wanted = {self._early.metric} if spec.early_stopping else set()
        if spec.export.state == "best" or any(each.after_plateau_epochs for each in plan.phases):
            wanted.add(self._main.metric)
        if missing := wanted - values.keys():
            raise InvalidRequest(
                f"no validation metric {listed(sorted(missing))}; of the validation images there"
                f" are {', '.join(values)}"
            )


def require_finite(training: Training, validation_loss: float) -> None:
    """Raise LossNotFinite if the trained model is no model: no loss was computed after the last
    step, so nothing else would tell.
    """
    state = training.model.state_dict()
    lost = [name for name, tensor in state.items() if not bool(torch.isfinite(tensor).all())]
    if lost:
        raise LossNotFinite(
            f"after the last step {len(lost)} of {len(state)} tensors are not finite"
            f" ({listed(lost)}): {remedy(training.spec)}"
        )
    if not math.isfinite(validation_loss):
        raise LossNotFinite(
            f"the trained model's validation loss is {validation_loss}: {remedy(training.spec)}"
        )


def _named(metrics: EpochMetrics) -> dict[str, float]:
    return {f"{metrics.split}/{name}": value for name, value in metrics.values.items()}

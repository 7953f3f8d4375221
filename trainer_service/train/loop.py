"""The loop: a generator of events over epochs and steps. It knows no export and no spool."""

import time
from collections.abc import Generator
from dataclasses import dataclass

from trainer_service.freezing import Seal
from trainer_service.jobs import EpochMetrics, Evaluated, JobMessage
from trainer_service.snapshots.saved_state import (
    AUXILIARY,
    BEST,
    COUNTED,
    MODEL,
    OPTIMIZER,
    RANDOM,
    Progress,
    SavedState,
)
from trainer_service.stop_switch import StopSwitch
from trainer_service.tasks.task import Counted, PassMetrics
from trainer_service.train.judging import Judge
from trainer_service.train.keeping import Keeping
from trainer_service.train.precision import Passes
from trainer_service.train.progress import Clock
from trainer_service.train.requirements import require_finite, require_metrics
from trainer_service.train.saved_training import (
    auxiliary_state,
    moved_state,
    plan_digest,
    random_state,
    set_random_state,
)
from trainer_service.train.standing import Standing
from trainer_service.train.steps import Events, Steps
from trainer_service.train.training import PhaseSource, Trained, TrainEvent, Training

__all__ = ["PhaseSource", "TrainEvent", "Trained", "Training", "train"]


def train(
    training: Training,
    seal: Seal,
    stop: StopSwitch,
    *,
    clock: Clock = time.monotonic,
    keeping: Keeping | None = None,
) -> Generator[TrainEvent, None, Trained]:
    """Train, yielding what happened; afterwards the model holds the result, in evaluation mode.

    Every epoch ends with a look at the seal, and those that the plan says with a validation. Order,
    augmentation and dropout are functions of seed, epoch and position: on a CPU two runs are equal
    to the last bit, however often they are validated, and however often they are interrupted and go
    on from where they were saved.

    Args:
        training: its model is frozen as the first phase says, and may have been recalibrated; or it
            was put back to where it was saved.
        seal: of what the phase does not move.
        keeping: when and how it is saved, and what it goes on from; None saves nothing.

    Raises:
        LossNotFinite: names the epoch and the step; or says that the last step did it.
        FrozenStateChanged: something moved that the plan freezes.
        GradientMissing: a phase's first step did not reach everything that should train.
        OutOfMemory: also with half as many images at a time.
        InvalidRequest: a metric is asked for that the task does not have.
        StopRequested: between two batches.
    """
    return (yield from _Loop(training, seal, stop, clock, keeping or Keeping()).run())


@dataclass(frozen=True, slots=True)
class _Epoch:
    """An epoch that runs."""

    metrics: PassMetrics
    """Of its training images."""
    phase: int
    """In which it began."""


class _Loop:
    def __init__(
        self, training: Training, seal: Seal, stop: StopSwitch, clock: Clock, keeping: Keeping
    ) -> None:
        self._training = training
        self._seal = seal
        self._stop = stop
        self._keeping = keeping
        self._passes = Passes(training.spec.precision, training.device)
        self._steps = Steps(training, seal, self._passes, clock, keeping)
        self._judge = Judge(training, self._steps, self._passes, stop, clock)
        self._standing = Standing(training)
        self._num_epochs = 0
        """That are done."""
        self._is_over = False
        self._running: _Epoch | None = None

    def run(self) -> Generator[TrainEvent, None, Trained]:
        """Train to the end."""
        if self._keeping.saved is None:
            yield from self._judge.validate(0)
        else:
            self._go_on(self._keeping.saved)
            self._keeping.saved = None
        require_metrics(
            self._training,
            self._judge.validated.values,
            early=self._standing.early.metric,
            main=self._standing.main.metric,
        )
        self._keeping.begin(self._steps.number)
        while not self._is_over:
            yield from self._epoch(self._num_epochs + 1)
        return (yield from self._finish())

    def _epoch(self, epoch: int) -> Events:
        """Do what is left of an epoch, and all that follows from it."""
        training, running = self._training, self._running or self._new_epoch()
        self._running = running
        yield from self._steps.epoch(
            epoch,
            running.metrics,
            self._stop,
            self._save,
            validation_s=self._judge.took_s if self._is_validated(epoch) else 0.0,
        )
        if self._steps.phase_number != running.phase:  # one began at a step: it gets its own time
            self._standing.start_over()
        self._steps.share_statistics()
        self._steps.enter_evaluation()
        learned = training.ranks.merged(running.metrics, training.task.pass_metrics())
        trained = EpochMetrics(
            epoch=epoch, split="train", values=learned.values(), step=self._steps.number
        )
        yield trained
        yield from self._judged(trained)
        yield from self._concluded(epoch)
        self._num_epochs, self._running = epoch, None
        if self._keeping.due(self._steps.number):
            yield from self._save()

    def _new_epoch(self) -> _Epoch:
        return _Epoch(self._training.task.pass_metrics(), self._steps.phase_number)

    def _judged(self, trained: EpochMetrics) -> Events:
        """Validate the model where this epoch, which is over, ends with that."""
        is_validated = self._is_validated(trained.epoch)
        if is_validated:
            yield from self._judge.validate(trained.epoch)
        self._seal.glance(self._training.model, when=f"the end of epoch {trained.epoch}")
        if is_validated:
            self._standing.note(trained, self._judge)
        else:
            self._standing.skip()

    def _is_validated(self, epoch: int) -> bool:
        """Whether the epoch ends with a validation: the last one always does."""
        plan = self._training.plan
        is_last = epoch * plan.num_steps_per_epoch >= plan.num_steps
        return is_last or epoch % plan.validation_every_epochs == 0

    @property
    def _is_last(self) -> bool:
        return self._steps.number == self._training.plan.num_steps

    def _concluded(self, epoch: int) -> Events:
        """Begin what is due after this epoch, or end the training."""
        self._is_over = self._is_last
        if self._is_over:
            return
        yield from self._begin_due(epoch)  # may have waited for the same plateau
        if self._standing.is_stopping:
            self._is_over = True
            yield JobMessage(text=f"{self._standing.early}: training ends after epoch {epoch}")

    def _begin_due(self, epoch: int) -> Events:
        for event in self._steps.begin_due(epoch, self._standing.main):
            self._standing.early.start_over()  # what is new gets its own time
            yield event

    def _finish(self) -> Generator[TrainEvent, None, Trained]:
        """Let the model be what is exported, and look at it once more."""
        best, metric = self._standing.best, self._standing.main.metric
        assert best is not None
        model = self._training.model
        if best.state is not None and best.epoch != self._judge.validated.epoch:
            best.state.put_back(model)
            yield JobMessage(text=f"the best {metric} was that of epoch {best.epoch}")
        self._steps.enter_evaluation()
        require_finite(self._training, best.metrics.get("validation/loss", 0.0))
        self._seal.check(model, when="the end of training")
        evaluation = best.evaluation or self._judge.evaluation()
        yield Evaluated(epoch=best.epoch, evaluation=evaluation)
        return Trained(
            epoch=best.epoch,
            step=best.step,
            metrics=best.metrics,
            evaluation=evaluation,
            seal=self._seal,
        )

    # Saving and going on

    def _save(self) -> Events:
        yield from self._keeping.save(self._state())

    def _state(self) -> SavedState:
        """Return where training is, between two steps or at the end of an epoch. All ranks come
        here; what the first one returns is of all.
        """
        training, running = self._training, self._running
        self._steps.share_statistics()
        return SavedState(
            progress=self._progress(),
            tensors={
                MODEL: moved_state(training, self._steps.phase_number),
                AUXILIARY: auxiliary_state(training),
                OPTIMIZER: self._steps.remembered(),
                BEST: self._standing.best_tensors(),
                COUNTED: self._counted(running) if running else {},
                RANDOM: random_state(training.device),
            },
        )

    def _counted(self, running: _Epoch) -> Counted:
        return self._training.ranks.counted(running.metrics, self._training.task.pass_metrics())

    def _progress(self) -> Progress:
        steps, running, standing = self._steps, self._running, self._standing
        return Progress(
            plan_digest=plan_digest(self._training.plan),
            step=steps.number,
            epoch=self._num_epochs,
            phase=steps.phase_number,
            phase_of_epoch=running.phase if running else steps.phase_number,
            is_over=self._is_over,
            is_best=running is None and standing.best_step == steps.number,
            learned=steps.images.state(),
            judged=self._judge.images.state(),
            main=standing.main.state(),
            early=standing.early.state(),
            best=standing.best.saved() if standing.best else None,
            validated=self._judge.validated,
            evaluation=self._judge.evaluation() if self._is_over else None,
            scaler=self._passes.state(),
            sealed=self._seal.digests,
        )

    def _go_on(self, saved: SavedState) -> None:
        """Be where training was saved; the model and the steps are there already."""
        progress, device = saved.progress, self._training.device
        self._num_epochs, self._is_over = progress.epoch, progress.is_over
        self._standing.go_on(progress, saved.tensors.get(BEST, {}))
        self._judge.images.go_on(progress.judged)
        self._judge.go_on(progress.validated, progress.evaluation)
        self._passes.go_on(progress.scaler)
        if counted := saved.tensors.get(COUNTED):
            metrics = self._training.task.pass_metrics()
            if self._training.ranks.is_first:  # it is of all ranks
                metrics.add({name: tensor.to(device) for name, tensor in counted.items()})
            self._running = _Epoch(metrics, progress.phase_of_epoch)
        set_random_state(device, saved.tensors[RANDOM])

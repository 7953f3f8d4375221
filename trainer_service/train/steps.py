"""Optimizer steps, one after another, through the phases of the plan."""

from collections.abc import Callable, Generator
from itertools import islice

import torch

from trainer_service.datasets.batch import Batch, Batches
from trainer_service.datasets.split import draws
from trainer_service.errors import is_out_of_memory
from trainer_service.freezing import (
    Seal,
    enter_evaluation,
    enter_training,
    freeze,
    moving_tensors,
    require_gradients,
)
from trainer_service.jobs import PhasePlan, PhaseStarted
from trainer_service.optimizers import (
    largest_lr,
    make_optimizer,
    named_parameters,
    remember,
    remembered,
    scale_lr,
)
from trainer_service.snapshots.saved_state import OPTIMIZER, SavedState, Tensors
from trainer_service.stop_switch import StopSwitch
from trainer_service.tasks.task import PassMetrics
from trainer_service.train.compiling import Compiling, handles_phases
from trainer_service.train.gradients import Gradients
from trainer_service.train.keeping import Keeping
from trainer_service.train.memory import ImagesAtATime
from trainer_service.train.micro_batches import LearnedBatch
from trainer_service.train.phases import phases_of, reason_to_begin, steps_until
from trainer_service.train.precision import Passes
from trainer_service.train.progress import Clock, RecentSteps
from trainer_service.train.records import Record
from trainer_service.train.schedule import lr_factor
from trainer_service.train.training import TrainEvent, Training

DROPOUT = 1
"""Tells the draws of dropout and drop-path apart from those of the order and of augmentation."""

Events = Generator[TrainEvent, None, None]


class Steps:
    """Where a training is: its phase, its optimizer, and how many steps are done."""

    def __init__(
        self, training: Training, seal: Seal, passes: Passes, clock: Clock, keeping: Keeping
    ) -> None:
        saved = keeping.saved
        self.number = saved.progress.step if saved else 0
        """Steps that are done."""
        self._keeping = keeping
        self._training = training
        self._seal = seal
        self._passes = passes
        self._clock = clock
        self._parameters = named_parameters(training.model, training.auxiliary)
        self._compiling = Compiling(training.spec.compile, training.device, clock=clock)
        self._gradients = Gradients(training, passes, self._compiling)
        self._optimizer: torch.optim.Optimizer | None = None
        self.phase_number = saved.progress.phase - 1 if saved else 0
        """Counted from 1."""
        first, *self._waiting = phases_of(training.plan)[self.phase_number :]
        self._begin(first)
        if saved is not None:
            self._go_on(saved)

    def _go_on(self, saved: SavedState) -> None:
        """Go on from what was saved in this phase."""
        assert self._optimizer is not None
        self.images.go_on(saved.progress.learned)
        remember(self._optimizer, self._parameters, saved.tensors.get(OPTIMIZER, {}))

    @property
    def images(self) -> ImagesAtATime:
        """Return how many images learn together."""
        return self._gradients.images

    def remembered(self) -> Tensors:
        """Return what the optimizer remembers."""
        assert self._optimizer is not None
        return remembered(self._optimizer, self._parameters)

    @property
    def batches(self) -> Batches:
        """Return where this phase's batches come from."""
        return self._batches

    def enter_training(self) -> None:
        """Put what the phase trains into training mode."""
        enter_training(self._training.model, self._phase.freeze)
        if self._training.auxiliary is not None:
            self._training.auxiliary.train()

    def enter_evaluation(self) -> None:
        """Put everything into evaluation mode."""
        enter_evaluation(self._training.model)
        if self._training.auxiliary is not None:
            self._training.auxiliary.eval()

    def share_statistics(self) -> None:
        """Let the statistics of norms that train be those of all ranks; in training mode."""
        auxiliary = self._training.auxiliary
        self._training.ranks.mean_statistics(
            self._training.model, *(() if auxiliary is None else (auxiliary,))
        )

    def epoch(
        self,
        epoch: int,
        metrics: PassMetrics,
        stop: StopSwitch,
        save: Callable[[], Events],
        *,
        validation_s: float = 0.0,
    ) -> Events:
        """Do the steps that are left of an epoch; the last epoch may be cut short.

        Args:
            save: saves the training as it is; called between two steps.
            validation_s: the expected time of the one that follows; 0 for none.
        """
        plan = self._training.plan
        first = (epoch - 1) * plan.num_steps_per_epoch
        end = min(first + plan.num_steps_per_epoch, plan.num_steps)
        recent = RecentSteps(self._training.spec, self._clock, epoch=epoch, step=self.number)
        seeds = draws(range(end - first), self._training.spec.seed, epoch, DROPOUT)
        while self.number < end:
            until = self.number + steps_until(self._waiting, self.number, end)
            batches = self._batches.training(epoch, self.number - first)
            chosen = seeds[self.number - first : until - first]
            self.enter_training()
            for seed, batch in zip(chosen, islice(batches, len(chosen)), strict=True):
                stop.check()
                learned = yield from self._step(batch, int(seed), metrics)
                recent.add(learned.loss, learned.num_images)
                is_saved = self.number < until and self._is_due(end, validation_s)
                # What was not told yet is told first: a loss that is no number saves nothing.
                yield from self._news(recent, learned, is_due=is_saved or self.number == until)
                if is_saved:
                    yield from save()
            yield from self._begin_counted()
            if self.number < end and self._is_due(end, validation_s):
                yield from save()

    def _news(self, recent: RecentSteps, learned: LearnedBatch, *, is_due: bool) -> Events:
        """Tell of the steps that were not told of yet, where it is time to."""
        if not self._training.ranks.is_first:
            recent.forget()
        elif recent.is_due() or is_due:
            shown = self._training.task.batch_metrics(learned.last, learned.last_part)
            yield recent.event(shown, self._lr())

    def _is_due(self, end: int, validation_s: float) -> bool:
        """Whether to save before the next step; with the last one the validation begins, too."""
        ahead_s = validation_s if self.number == end - 1 else 0.0
        return self._keeping.due(self.number, ahead_s=ahead_s)

    def begin_due(self, epoch: int, record: Record) -> Events:
        """Begin the next phase if its time has come after this epoch."""
        while self._waiting:
            reason = reason_to_begin(self._waiting[0], epoch=epoch, step=self.number, record=record)
            if not reason:
                return
            record.start_over()
            yield from self._begin_next(reason)

    def _begin_counted(self) -> Events:
        """Begin the phases whose step has come."""
        while self._waiting and 0 < self._waiting[0].after_steps <= self.number:
            if self.number == self._training.plan.num_steps:
                return
            yield from self._begin_next(f"after {self._waiting[0].after_steps} steps")

    def _begin_next(self, reason: str) -> Events:
        """Let the next phase's parameters train, and nothing else; the rest stays as it is."""
        phase = self._waiting.pop(0)
        training = self._training
        self.share_statistics()
        self._seal.check(training.model, when=f"the end of phase {self.phase_number}")
        freeze(training.model, training.layout, phase.freeze)
        self._seal.move_to(training.model, moving_tensors(training.layout, phase.freeze))
        self._begin(phase)
        yield PhaseStarted(
            phase=self.phase_number,
            reason=reason,
            freeze=phase.freeze,
            optimizer_groups=phase.optimizer_groups,
        )

    def _begin(self, phase: PhasePlan) -> None:
        training = self._training
        self._phase = phase
        self.phase_number += 1
        self._is_new = True
        self.enter_training()
        self.network, self._batches = (
            training.source(phase.freeze) if training.source else (training.model, training.batches)
        )
        self._optimizer = make_optimizer(
            self._parameters,
            phase.optimizer_groups,
            training.spec.optimizer,
            before=self._optimizer,
        )
        has_phases = bool(training.plan.phases[1:])
        self._compiling.begin(
            self.network,
            steps_until(self._waiting, self.number, training.plan.num_steps),
            may_compile=self.network is training.model
            and (handles_phases(torch.__version__) or not has_phases),
        )

    def _lr(self) -> float:
        assert self._optimizer is not None
        return largest_lr(self._optimizer)

    def _step(
        self, batch: Batch, seed: int, metrics: PassMetrics
    ) -> Generator[TrainEvent, None, LearnedBatch]:
        """Move the parameters once."""
        assert self._optimizer is not None
        spec, plan = self._training.spec, self._training.plan
        self.number += 1
        factor = lr_factor(
            self.number, spec.schedule, warmup_steps=plan.warmup_steps, num_steps=plan.num_steps
        )
        scale_lr(self._optimizer, factor)
        began = self._compiling.start()
        learned = yield from self._gradients.own(batch, seed, metrics, self._optimizer)
        if self._is_new and batch.num_images:
            named = (name for group in self._phase.optimizer_groups for name in group.parameters)
            require_gradients(self._parameters, named)
        self._is_new = False
        learned = self._gradients.whole(learned, self._optimizer)
        self._move(self._optimizer)
        if message := self._compiling.finish(began):
            yield message
        return learned

    def _move(self, optimizer: torch.optim.Optimizer) -> None:
        try:
            self._passes.move(optimizer, self._training.spec.max_grad_norm)
        except (RuntimeError, MemoryError) as error:
            if is_out_of_memory(error):
                raise self.images.failure() from error
            raise

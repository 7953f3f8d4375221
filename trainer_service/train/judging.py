"""Validation: all images judged, as many at a time as memory has room for."""

from collections.abc import Generator

import torch

from trainer_service.datasets.batches import evaluation_batch_size
from trainer_service.errors import is_out_of_memory
from trainer_service.jobs import EpochMetrics, Evaluation
from trainer_service.stop_switch import StopSwitch
from trainer_service.tasks.task import PassMetrics
from trainer_service.train.memory import ImagesAtATime
from trainer_service.train.micro_batches import parts_of
from trainer_service.train.precision import Passes
from trainer_service.train.progress import Clock
from trainer_service.train.steps import Steps
from trainer_service.train.training import TrainEvent, Training


class Judge:
    """Looks at the validation images, and remembers what the last look gave."""

    def __init__(
        self, training: Training, steps: Steps, passes: Passes, stop: StopSwitch, clock: Clock
    ) -> None:
        most = evaluation_batch_size(training.plan.input)
        self.images = ImagesAtATime(training.spec, training.device, size=0, most=most)
        self._training = training
        self._steps = steps
        self._passes = passes
        self._stop = stop
        self._clock = clock
        self.took_s = 0.0
        """How long the last look took; 0 before the first one of this attempt."""
        self._pass: PassMetrics | None = None
        self._evaluation: Evaluation | None = None

    def go_on(self, validated: EpochMetrics, evaluation: Evaluation | None) -> None:
        """Remember what an earlier attempt's last look gave."""
        self.validated = validated
        self._evaluation = evaluation

    def validate(self, epoch: int) -> Generator[TrainEvent, None, None]:
        """Judge all validation images; if need be fewer of them at a time."""
        self._steps.enter_evaluation()
        began = self._clock()
        while True:
            try:
                self._pass = self._judged()
                break
            except (RuntimeError, MemoryError) as error:
                if not is_out_of_memory(error):
                    raise
                problem = error.with_traceback(None)
            if self._training.plan.task == "simclr":  # its images are judged by each other
                raise self.images.failure() from problem
            yield self.images.halved(problem)
        self.validated = EpochMetrics(
            epoch=epoch, split="validation", values=self._pass.values(), step=self._steps.number
        )
        self.took_s = self._clock() - began
        yield self.validated

    def evaluation(self) -> Evaluation:
        """Return what the last look gave, class by class."""
        if self._pass is not None:
            return self._pass.evaluation()
        assert self._evaluation is not None, "a snapshot of a training that is over has it"
        return self._evaluation

    @torch.no_grad()
    def _judged(self) -> PassMetrics:
        task = self._training.task
        metrics = task.pass_metrics()
        for batch in self._steps.batches.validation():
            self._stop.check()
            for part in parts_of(batch, self.images.size):
                with self._passes.forward():
                    learned = task.judge(self._steps.network, part)
                metrics.update(learned, part)
        return self._training.ranks.merged(metrics, task.pass_metrics())

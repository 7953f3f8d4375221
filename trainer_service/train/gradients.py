"""The gradient of a whole batch: of parts that fit the memory, and of all ranks' images."""

from collections.abc import Generator
from dataclasses import replace
from typing import cast

import torch

from trainer_service.datasets.batch import Batch
from trainer_service.errors import OutOfMemory, is_out_of_memory
from trainer_service.tasks.task import Learned, PassMetrics
from trainer_service.train.compiling import Compiling
from trainer_service.train.contrastive import ContrastiveTask
from trainer_service.train.memory import ImagesAtATime
from trainer_service.train.micro_batches import LearnedBatch, Learning
from trainer_service.train.precision import Passes
from trainer_service.train.training import TrainEvent, Training


class Gradients:
    """Computes gradients, if need be with fewer images at a time."""

    def __init__(self, training: Training, passes: Passes, compiling: Compiling) -> None:
        self.images = ImagesAtATime(
            training.spec,
            training.device,
            size=training.plan.micro_batch_size,
            most=training.spec.batch_size,
        )
        self._training = training
        self._ranks = training.ranks
        self._compiling = compiling
        self._is_contrastive = training.plan.task == "simclr"
        contrastive = cast(ContrastiveTask, training.task) if self._is_contrastive else None
        self._learning = Learning(
            training.task, passes, contrastive=contrastive, ranks=training.ranks
        )

    def own(
        self, batch: Batch, seed: int, metrics: PassMetrics, optimizer: torch.optim.Optimizer
    ) -> Generator[TrainEvent, None, LearnedBatch]:
        """Leave the gradient of this rank's images in the parameters."""
        while True:
            draw_from(self._ranks.own_seed(seed), self._training.device)
            optimizer.zero_grad(set_to_none=True)
            learned, problem = self._tried(batch, metrics)
            if problem is not None and not is_out_of_memory(problem):
                yield self._compiling.given_up(problem)
                continue
            share = self._ranks.share(
                batch.num_images, lambda: self._weight(batch), has_failed=problem is not None
            )
            if share is not None:
                assert learned is not None
                return replace(learned, share=share.weight, num_images=share.num_images)
            yield self.images.halved(problem or OutOfMemory("it did on another device"))

    def _tried(
        self, batch: Batch, metrics: PassMetrics
    ) -> tuple[LearnedBatch | None, Exception | None]:
        """Return what was learned, or what went wrong and can be helped."""
        if not batch.num_images:
            return self._nothing(batch), None
        network = self._compiling.network
        try:
            return self._learning.learn(network, batch, self.images.size, metrics), None
        except (RuntimeError, MemoryError) as error:
            if not is_out_of_memory(error) and not self._compiling.is_to_blame(error):
                raise
            if self._is_contrastive and not self._ranks.is_alone:
                raise self.images.failure() from error  # others wait for this rank's projections
            # Its traceback holds the frames of the attempt, and they hold what it computed.
            return None, error.with_traceback(None)

    def _nothing(self, batch: Batch) -> LearnedBatch:
        loss = torch.zeros((), device=self._training.device)
        return LearnedBatch(loss=loss, last=Learned(loss=loss, outputs=None), last_part=batch)

    def _weight(self, batch: Batch) -> float:
        return self._training.task.weight(batch) if batch.num_images else 0.0

    def whole(self, learned: LearnedBatch, optimizer: torch.optim.Optimizer) -> LearnedBatch:
        """Leave the gradient of all ranks' images in the parameters; return what it is of."""
        held = [each for group in optimizer.param_groups for each in group["params"]]
        loss = self._ranks.add_up_gradients(held, learned.loss, learned.share)
        return replace(learned, loss=loss)


def draw_from(seed: int, device: torch.device) -> None:
    """Let dropout and drop-path draw from here: the same in every run, and in a second attempt.

    Not torch.manual_seed: where CUDA is there and not in use, that formats a stack at every call.
    """
    torch.default_generator.manual_seed(seed)
    if device.type == "cuda":
        torch.cuda.manual_seed(seed)

"""The loop: a generator of events over epochs and steps. It knows no export and no spool."""

import math
import time
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass

import torch
from torch import Tensor, nn

from catalog_service.errors import listed
from trainer_service.datasets.batch import Batch, Batches
from trainer_service.datasets.split import draws
from trainer_service.errors import LossNotFinite
from trainer_service.freezing import Seal, enter_evaluation, enter_training, require_gradients
from trainer_service.jobs import EpochMetrics, JobSpec, StepMetrics, TrainPlan
from trainer_service.optimizers import make_optimizer
from trainer_service.stop_switch import StopSwitch
from trainer_service.tasks.task import Learned, PassMetrics, Task

STEP_EVENT_INTERVAL_S = 0.2
"""Five step events a second are as many as a person can follow; each waits for the device."""

Clock = Callable[[], float]
"""Seconds that only grow."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Training:
    """Everything that the loop needs, ready to run."""

    model: nn.Module
    task: Task
    batches: Batches
    spec: JobSpec
    plan: TrainPlan
    device: torch.device


def train(
    training: Training, seal: Seal, stop: StopSwitch, *, clock: Clock = time.monotonic
) -> Iterator[StepMetrics | EpochMetrics]:
    """Train, yielding what happened; afterwards the model holds the result, in evaluation mode.

    Every epoch ends with a validation and a look at the seal. Order, augmentation and dropout are
    functions of seed, epoch and position: on a CPU two runs are equal to the last bit.

    Raises:
        LossNotFinite: names the epoch and the step; or says that the last step did it.
        FrozenStateChanged: something moved that the plan freezes.
        GradientMissing: the first step did not reach everything that should train.
        StopRequested: between two batches.
    """
    optimizer = make_optimizer(training.model, training.plan)
    yield validate(training, stop, epoch=0)
    for epoch in range(1, training.spec.num_epochs + 1):
        # Dropout and drop-path draw from torch's own generator: the same draws in every run.
        torch.manual_seed(int(draws([epoch], training.spec.seed)[0]))
        yield from _train_epoch(training, optimizer, stop, epoch, clock)
        validated = validate(training, stop, epoch=epoch)
        yield validated
        seal.check(training.model, when=f"the end of epoch {epoch}")
    require_finite(training, validated.values["loss"])


def validate(training: Training, stop: StopSwitch, *, epoch: int) -> EpochMetrics:
    """Return the metrics of the validation images, all of them."""
    enter_evaluation(training.model)
    metrics = training.task.pass_metrics()
    with torch.no_grad():
        for batch in training.batches.validation():
            stop.check()
            metrics.update(training.task.judge(training.model, batch), batch)
    return _epoch_metrics(training, epoch, "validation", metrics)


def require_finite(training: Training, validation_loss: float) -> None:
    """Raise LossNotFinite if the trained model is no model: no loss was computed after the last
    step, so nothing else would tell.
    """
    state = training.model.state_dict()
    lost = [name for name, tensor in state.items() if not bool(torch.isfinite(tensor).all())]
    if lost:
        raise LossNotFinite(
            f"after the last step {len(lost)} of {len(state)} tensors are not finite"
            f" ({listed(lost)}): {_remedy(training.spec)}"
        )
    if not math.isfinite(validation_loss):
        raise LossNotFinite(
            f"the trained model's validation loss is {validation_loss}: {_remedy(training.spec)}"
        )


def _remedy(spec: JobSpec) -> str:
    return (
        f"lower the learning rate (now {spec.optimizer.lr:g}), use larger batches (now"
        f" {spec.batch_size} images), or keep the batch norms still with norm FROZEN_STATISTICS"
    )


def _train_epoch(
    training: Training,
    optimizer: torch.optim.Optimizer,
    stop: StopSwitch,
    epoch: int,
    clock: Clock,
) -> Iterator[StepMetrics | EpochMetrics]:
    enter_training(training.model, training.plan.freeze)
    metrics = training.task.pass_metrics()
    recent = RecentSteps(training, epoch, clock)
    for number, batch in enumerate(training.batches.training(epoch), start=1):
        stop.check()
        learned = _step(training, optimizer, batch)
        if epoch == number == 1:
            require_gradients(training.model, training.plan.freeze)
        metrics.update(learned, batch)
        recent.add(learned.loss, batch.num_images)
        if recent.is_due() or number == training.plan.num_steps_per_epoch:
            yield recent.event(training.task.batch_metrics(learned, batch))
    enter_evaluation(training.model)
    yield _epoch_metrics(training, epoch, "train", metrics)


def _step(training: Training, optimizer: torch.optim.Optimizer, batch: Batch) -> Learned:
    """Move the parameters once; return outputs and loss, detached."""
    optimizer.zero_grad(set_to_none=True)
    learned = training.task.learn(training.model, batch)
    learned.loss.backward()  # type: ignore[no-untyped-call]
    optimizer.step()
    return Learned(loss=learned.loss.detach(), outputs=learned.outputs.detach())


class RecentSteps:
    """Steps since the last event. Their losses stay on the device until one is due."""

    def __init__(self, training: Training, epoch: int, clock: Clock) -> None:
        self._spec = training.spec
        self._epoch = epoch
        self._step = (epoch - 1) * training.plan.num_steps_per_epoch
        self._clock = clock
        self._start()

    def _start(self) -> None:
        self._losses: list[Tensor] = []
        self._num_images = 0
        self._since = self._clock()

    def add(self, loss: Tensor, num_images: int) -> None:
        """Count one step; never waits for the device."""
        self._losses.append(loss)
        self._num_images += num_images
        self._step += 1

    def is_due(self) -> bool:
        """Whether enough time has passed for another event."""
        return self._clock() - self._since >= STEP_EVENT_INTERVAL_S

    def event(self, batch_metrics: Mapping[str, float]) -> StepMetrics:
        """Return the event of the newest step.

        Raises:
            LossNotFinite: the loss of any step since the last event.
        """
        losses = torch.stack(self._losses).tolist()
        self._require_finite(losses)
        elapsed_s = self._clock() - self._since
        event = StepMetrics(
            epoch=self._epoch,
            step=self._step,
            values={"loss": losses[-1], **batch_metrics, "lr": self._spec.optimizer.lr},
            images_per_s=self._num_images / elapsed_s if elapsed_s > 0 else 0.0,
        )
        self._start()
        return event

    def _require_finite(self, losses: list[float]) -> None:
        for number, loss in enumerate(losses, start=1):
            if not math.isfinite(loss):
                step = self._step - len(losses) + number
                raise LossNotFinite(
                    f"the loss is {loss} at epoch {self._epoch}, step {step}:"
                    f" {_remedy(self._spec)}",
                    metadata={"epoch": str(self._epoch), "step": str(step)},
                )


def _epoch_metrics(
    training: Training, epoch: int, split: str, metrics: PassMetrics
) -> EpochMetrics:
    assert split in ("train", "validation")
    return EpochMetrics(
        epoch=epoch,
        split=split,  # type: ignore[arg-type]
        values=metrics.values(),
        step=epoch * training.plan.num_steps_per_epoch,
    )

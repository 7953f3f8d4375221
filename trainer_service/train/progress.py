"""Steps as people see them: a few events a second, whose numbers are fetched only then."""

import math
from collections.abc import Callable, Mapping

import torch
from torch import Tensor

from trainer_service.errors import LossNotFinite
from trainer_service.jobs import JobSpec, StepMetrics

STEP_EVENT_INTERVAL_S = 0.2
"""Five step events a second are as many as a person can follow; each waits for the device."""

Clock = Callable[[], float]
"""Seconds that only grow."""


class RecentSteps:
    """Steps since the last event. Their losses stay on the device until one is due."""

    def __init__(self, spec: JobSpec, clock: Clock, *, epoch: int, step: int) -> None:
        self._spec = spec
        self._epoch = epoch
        self._step = step
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

    def forget(self) -> None:
        """Start over: another rank tells of these."""
        self._start()

    def is_due(self) -> bool:
        """Whether enough time has passed for another event."""
        return self._clock() - self._since >= STEP_EVENT_INTERVAL_S

    def event(self, batch_metrics: Mapping[str, float], lr: float) -> StepMetrics:
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
            values={"loss": losses[-1], **batch_metrics, "lr": lr},
            images_per_s=self._num_images / elapsed_s if elapsed_s > 0 else 0.0,
        )
        self._start()
        return event

    def _require_finite(self, losses: list[float]) -> None:
        for number, loss in enumerate(losses, start=1):
            if not math.isfinite(loss):
                step = self._step - len(losses) + number
                raise LossNotFinite(
                    f"the loss is {loss} at epoch {self._epoch}, step {step}: {remedy(self._spec)}",
                    metadata={"epoch": str(self._epoch), "step": str(step)},
                )


def remedy(spec: JobSpec) -> str:
    """Return what may keep a loss finite, with the settings as they are."""
    settings = [
        f"lower the learning rate (now {spec.optimizer.lr:g})",
        f"use larger batches (now {spec.batch_size} images)",
        "keep the batch norms still with norm FROZEN_STATISTICS",
    ]
    if not spec.max_grad_norm:
        settings.append("cut gradients with max_grad_norm")
    if spec.precision != "fp32":
        settings.append(f"train in 32 bits (precision is {spec.precision})")
    return f"{', '.join(settings[:-1])}, or {settings[-1]}"
